"""How slow work says how far it is."""

from __future__ import annotations

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
