"""Snapshots, splits, balancing, families, calibration, evaluation, gate, tracking."""
