"""Readers of vendor files, one module per family."""
