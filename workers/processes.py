"""What processes of candleloop are called."""

from __future__ import annotations


def worker_prefix(queue: str, group: int) -> str:
    """Return how the names of a queue's workers begin that belong to the process ``group``."""
    return f"{queue}-{group}-"
