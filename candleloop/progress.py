"""How slow work says how far it is, and how it is stopped."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Cancelled(BaseException):
    """Raised in work that nobody wants any more.

    No ``Exception``, so that no library between here and the body of the work takes it for its own failure.
    """


class Progress(Protocol):
    """Receives the state of a running piece of work; called often, so it must be cheap."""

    def __call__(self, stage: str, done: int, total: int | None = None, unit: str = "steps") -> None:
        """Tell that ``done`` of ``total`` units of ``stage`` are finished; may raise :class:`Cancelled`."""


def silent(stage: str, done: int, total: int | None = None, unit: str = "steps") -> None:
    """Tell nobody."""


class _Whole(threading.local):
    depth = 0


_whole = _Whole()


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Let nothing that a signal handler raises in this thread cut the block short.

    Whoever raises from a handler asks :func:`may_interrupt` first and comes again later when it says no. Otherwise an
    exception could land between a lock, or a ``BEGIN``, and the code that would undo it, and leave it held for ever.
    """
    _whole.depth += 1
    try:
        yield
    finally:
        _whole.depth -= 1


def may_interrupt() -> bool:
    """Tell whether this thread is in no block that is :func:`uninterrupted`."""
    return _whole.depth == 0
