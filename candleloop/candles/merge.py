"""Newer candles onto the stored ones of a series: what they add and what they change."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from candleloop.candles.frame import MICROSECONDS, Candles, IntArray
from candleloop.candles.readers import ImportedCandles
from candleloop.candles.timeframes import timeframe_name
from candleloop.errors import BadCandles, Conflict
from candleloop.times import iso_time


@dataclass(frozen=True, eq=False)
class Changes:
    """What newer candles do to the stored ones of a series.

    Parameters
    ----------
    appended
        Number of candles after the last stored one.
    unchanged
        Number of candles that were stored already with the same values.
    revised, inserted
        Bar-open times of candles whose values changed, and of candles between or before the stored ones; int64 arrays,
        microseconds UTC, ascending.
    """

    appended: int
    unchanged: int
    revised: IntArray
    inserted: IntArray


@dataclass(frozen=True, eq=False)
class Merged(Changes):
    """The candles of a series after newer ones came: all of them, ascending."""

    candles: Candles


class Merging:
    """Puts newer candles over the stored ones of a series, which come in pieces: they need not fit into memory.

    Parameters
    ----------
    newer
        The newer candles, at least one.
    """

    def __init__(self, newer: Candles) -> None:
        self._newer = newer
        self._taken = 0
        self._parts: list[Changes] = []
        self._has_volume = newer.volume is not None

    def add(self, stored: Candles) -> Candles:
        """Return the next piece of the stored candles with the newer ones up to its end.

        Raises
        ------
        BadCandles
            See :func:`merge`.
        """
        self._has_volume = stored.volume is not None
        stop = int(np.searchsorted(self._newer.time, stored.time[-1], side="right"))
        merged = merge(stored, self._newer[self._taken : stop])
        self._taken = stop
        self._parts.append(merged)
        return merged.candles

    def rest(self) -> Candles | None:
        """Return the newer candles after all stored ones; None when there are none."""
        after = self._newer[self._taken :]
        if len(after) == 0:
            return None
        return after if self._has_volume else replace(after, volume=None)

    def changes(self) -> Changes:
        """Return what the newer candles did to the stored ones, after all of these came."""
        nothing = np.empty(0, dtype=np.int64)
        return Changes(
            appended=len(self._newer) - self._taken,
            unchanged=sum(part.unchanged for part in self._parts),
            revised=np.concatenate([nothing, *(part.revised for part in self._parts)]),
            inserted=np.concatenate([nothing, *(part.inserted for part in self._parts)]),
        )


def merge(stored: Candles, newer: Candles) -> Merged:
    """Put newer candles over stored ones; where both have a time the newer one counts.

    A stored series without volume stays without.

    Raises
    ------
    BadCandles
        ``missing_field`` when the series has a volume and the newer candles have none.
    """
    if stored.volume is not None and newer.volume is None:
        raise BadCandles("The series has a volume and these candles have none.", code="missing_field", field="volume")
    if len(newer) == 0:
        nothing = np.empty(0, dtype=np.int64)
        return Merged(appended=0, unchanged=0, revised=nothing, inserted=nothing, candles=stored)
    names = stored.columns().keys()
    places = np.searchsorted(stored.time, newer.time)
    known = stored.time[np.minimum(places, len(stored) - 1)] == newer.time
    differs = np.zeros(len(newer), dtype=bool)
    for name in names:
        differs[known] |= getattr(stored, name)[places[known]] != getattr(newer, name)[known]
    after = newer.time > stored.time[-1]
    added = ~known
    columns = {}
    for name in ("time", *names):
        values = getattr(stored, name).copy()
        values[places[differs]] = getattr(newer, name)[differs]
        columns[name] = np.insert(values, places[added], getattr(newer, name)[added])
    return Merged(
        candles=Candles(**columns),
        appended=int(after.sum()),
        unchanged=int((known & ~differs).sum()),
        revised=newer.time[differs],
        inserted=newer.time[added & ~after],
    )


def refuse_revision(changes: Changes) -> None:
    """Refuse candles that change what is stored.

    Raises
    ------
    Conflict
        ``candles_differ``, with the first time and the counts.
    """
    changed = np.sort(np.concatenate([changes.revised, changes.inserted]))
    if len(changed) == 0:
        return
    parts = [
        f"{len(times):,} {what}"
        for times, what in (
            (changes.revised, "have other values than the stored ones"),
            (changes.inserted, "lie before the last stored one, where the series has none"),
        )
        if len(times)
    ]
    raise Conflict(
        f"These candles would change the series: {' and '.join(parts)}, the first at {iso_time(int(changed[0]))}. "
        "Say revise if they are right.",
        code="candles_differ",
        field="time",
        first_time=iso_time(int(changed[0])),
        revised=len(changes.revised),
        inserted=len(changes.inserted),
    )


def refuse_other_timeframe(last_time: int, imported: ImportedCandles, timeframe_seconds: int) -> None:
    """Refuse candles that are not of the timeframe of a series, whose last one opens at ``last_time``.

    Raises
    ------
    BadCandles
        ``timeframe_denied`` when the usual step of the file is another one, or its first candle after the stored ones
        comes too early.
    """
    newer = imported.candles.time
    found = imported.timeframe_seconds
    if found == timeframe_seconds:
        # Nights of clock changes make a step of a few hours shorter, months are not of one length.
        edge = int(np.searchsorted(newer, last_time, side="right"))
        step = (int(newer[edge]) - last_time) / MICROSECONDS if edge < len(newer) else timeframe_seconds
        if step >= 0.7 * timeframe_seconds:
            return
        found = round(step)
    raise BadCandles(
        f"The series has candles of {timeframe_name(timeframe_seconds)}, these are {timeframe_name(found)} apart.",
        code="timeframe_denied",
        field="time",
        expected=timeframe_name(timeframe_seconds),
        found=timeframe_name(found),
    )
