"""Lists page by page: a cursor names the last row that was given out, so rows that are added move nothing."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from candleloop.errors import BadRequest

Row = TypeVar("Row")

MAX_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows of a list, and the cursor that gives the next ones (None at the end)."""

    items: tuple[Row, ...]
    next_cursor: str | None


def page_of(rows: Sequence[Row], limit: int, key: Callable[[Row], tuple[str | int, ...]]) -> Page[Row]:
    """Make a page of rows that were selected with a limit of ``limit + 1``."""
    if len(rows) <= limit:
        return Page(tuple(rows), None)
    return Page(tuple(rows[:limit]), _encode(key(rows[limit - 1])))


def read_cursor(cursor: str, kinds: tuple[type, ...]) -> tuple[str | int, ...]:
    """Return the sort key in a cursor.

    Raises
    ------
    BadRequest
        When it is not one that this list gave out.
    """
    try:
        key = json.loads(base64.urlsafe_b64decode(cursor.encode("ascii")))
    except ValueError:
        key = None
    if not isinstance(key, list) or [type(part) for part in key] != list(kinds):
        raise BadRequest("The cursor is not one that this list gave out.", code="bad_cursor", field="cursor")
    return tuple(key)


def check_limit(limit: int) -> None:
    """Refuse a page size outside 1..1000.

    Raises
    ------
    BadRequest
        Naming the field and the limits.
    """
    if not 1 <= limit <= MAX_PAGE:
        raise BadRequest(f"limit is {limit}; it must be 1..{MAX_PAGE}.", code="bad_limit", field="limit")


def _encode(key: tuple[str | int, ...]) -> str:
    return base64.urlsafe_b64encode(json.dumps(list(key)).encode()).decode("ascii")
