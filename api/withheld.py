"""Where people are marking blind: predictions there are withheld from everybody until they are done."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from threading import Lock
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt
from sqlalchemy.orm import Session

from candleloop.candles.frame import IntArray
from candleloop.context import Context
from candleloop.errors import CandleloopError
from candleloop.store import review

logger = logging.getLogger(__name__)

WARNING = "Predictions on bars that somebody is marking blind are withheld until they are done."

Ranges = Mapping[tuple[str, str], tuple[tuple[int, int], ...]]


class Placed(Protocol):
    """Something on bars, by the bar-open times of the first and last one, microseconds UTC."""

    @property
    def start_time(self) -> int:
        """Of the first bar."""

    @property
    def end_time(self) -> int:
        """Of the last bar."""


One = TypeVar("One", bound=Placed)


class Withheld:
    """The blind ranges as this process knows them, for answers that must not wait for the database.

    What this process gives out or takes back it knows at once; what another process does, after the next poll.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._ranges: Ranges = {}
        self._looking = Lock()

    def look(self) -> None:
        """Look up where people are marking blind, as committed by now.

        One look at a time: one that began earlier must not put its older answer over a newer one.
        """
        found: dict[tuple[str, str], list[tuple[int, int]]] = {}
        with self._looking:
            with self._context.database.read() as session:
                for label_set, series_id, start, end in review.blind_ranges(session):
                    found.setdefault((label_set, series_id), []).append((start, end))
            self._ranges = {place: tuple(ranges) for place, ranges in found.items()}

    async def refresh_quietly(self) -> None:
        """Look once off the event loop; a database that is away is waited for."""
        try:
            await asyncio.to_thread(self.look)
        except CandleloopError as error:
            logger.debug("Blind ranges cannot be looked up: %s", error.message)

    def shown(
        self, label_set: str, series_id: str | None, start_time: IntArray, end_time: IntArray
    ) -> npt.NDArray[np.bool_] | None:
        """Tell which spans may be shown, by their bar-open times; None when all may."""
        ranges = self._ranges.get((label_set, series_id)) if series_id is not None else None
        if not ranges:
            return None
        kept = np.ones(len(start_time), dtype=np.bool_)
        for first, last in ranges:
            kept &= (end_time < first) | (start_time > last)
        return kept


def blind_ranges(session: Session, label_set: str, series_id: str) -> list[tuple[int, int]]:
    """Return where people are marking a series blind, as the database knows it now."""
    return [(start, end) for _, own, start, end in review.blind_ranges(session, label_set) if own == series_id]


def without(items: Iterable[One], ranges: Iterable[tuple[int, int]]) -> list[One]:
    """Return what touches none of the ranges."""
    kept = list(ranges)
    return [one for one in items if all(one.end_time < first or one.start_time > last for first, last in kept)]
