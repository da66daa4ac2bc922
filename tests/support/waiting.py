"""Waiting for a condition, with a deadline that only a broken program misses, however busy the machine is."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")


def wait_for(condition: Callable[[], Value], what: str, seconds: float = 60.0) -> Value:
    """Return the first true value of ``condition``; fail, saying ``what`` was waited for, at the deadline."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"after {seconds:g} s there was still no {what}")
        time.sleep(0.02)
    return value
