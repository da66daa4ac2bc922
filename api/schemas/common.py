"""What many answers have in common."""

from __future__ import annotations

from typing import Generic, TypeVar

from pydantic import BaseModel

Item = TypeVar("Item")


class ItemList(BaseModel, Generic[Item]):
    """A page of a list; ``next_cursor`` gives the next page, null at the end."""

    items: list[Item]
    next_cursor: str | None = None


class TimeSpan(BaseModel):
    """Bar-open times of the first and last bar, both inclusive."""

    start_time: str
    end_time: str
