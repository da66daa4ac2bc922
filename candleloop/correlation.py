"""One id for all that follows from one request: in its log lines, its jobs, and the log lines of these."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

SANE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""What is taken from others as such an id; anything else could forge log lines or fill the database."""

_current: ContextVar[str | None] = ContextVar("candleloop_correlation_id", default=None)


def correlation_id() -> str | None:
    """Return the id of what is being done here, None outside of any."""
    return _current.get()


def new_correlation_id() -> str:
    """Return an id that nobody has: 32 hex digits."""
    return uuid.uuid4().hex


@contextmanager
def correlated(given: str | None) -> Iterator[str]:
    """Do something under an id: the one given, or a new one when there is none or it is not sane."""
    chosen = given if given is not None and SANE.fullmatch(given) else new_correlation_id()
    token = _current.set(chosen)
    try:
        yield chosen
    finally:
        _current.reset(token)
