"""Lists page by page: a cursor names the last row that was given out, so rows that are added move nothing."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from candleloop.errors import BadRequest

Row = TypeVar("Row")
Key = tuple[Any, ...]
"""What a list is sorted by: texts, numbers and moments."""

MAX_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows of a list, and the cursor that gives the next ones (None at the end)."""

    items: tuple[Row, ...]
    next_cursor: str | None


def page_of(rows: Sequence[Row], limit: int, key: Callable[[Row], Key]) -> Page[Row]:
    """Make a page of rows that were selected with a limit of ``limit + 1``."""
    if len(rows) <= limit:
        return Page(tuple(rows), None)
    return Page(tuple(rows[:limit]), _encode(key(rows[limit - 1])))


def read_cursor(cursor: str, kinds: tuple[type, ...]) -> Key:
    """Return the sort key in a cursor.

    Raises
    ------
    BadRequest
        When it is not one that this list gave out.
    """
    try:
        parts = json.loads(base64.urlsafe_b64decode(cursor.encode("ascii")))
        key = tuple(_decoded(part, kind) for part, kind in zip(parts, kinds, strict=True))
    except (ValueError, TypeError):
        raise BadRequest("The cursor is not one that this list gave out.", code="bad_cursor", field="cursor") from None
    return key


def check_limit(limit: int) -> None:
    """Refuse a page size outside 1..1000.

    Raises
    ------
    BadRequest
        Naming the field and the limits.
    """
    if not 1 <= limit <= MAX_PAGE:
        raise BadRequest(f"limit is {limit}; it must be 1..{MAX_PAGE}.", code="bad_limit", field="limit")


def _encode(key: Key) -> str:
    parts = [part.isoformat() if isinstance(part, datetime) else part for part in key]
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode("ascii")


def _decoded(part: Any, kind: type) -> Any:
    if kind is datetime:
        moment = datetime.fromisoformat(part)
        if moment.tzinfo is None:
            raise ValueError("a moment without time zone")
        return moment
    if type(part) is not kind:
        raise TypeError(f"{part!r} is not {kind}")
    if isinstance(part, str):
        part.encode()  # half of a surrogate pair, which no database takes, is a ValueError here
    return part
