"""Feedback rules and, with it, what guides the next annotation."""
