"""Newer candles onto the stored ones of a series: what they add and what they change."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from candleloop.candles.frame import MICROSECONDS, Candles, IntArray
from candleloop.candles.readers import ImportedCandles
from candleloop.candles.timeframes import timeframe_name
from candleloop.errors import BadCandles, Conflict
from candleloop.times import iso_time


@dataclass(frozen=True, eq=False)
class Merged:
    """The candles of a series after newer ones came.

    Parameters
    ----------
    candles
        All candles, ascending.
    appended
        Number of candles after the last stored one.
    unchanged
        Number of candles that were stored already with the same values.
    revised, inserted
        Bar-open times of candles whose values changed, and of candles between or before the stored ones; int64 arrays,
        microseconds UTC, ascending.
    """

    candles: Candles
    appended: int
    unchanged: int
    revised: IntArray
    inserted: IntArray


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


def refuse_revision(merged: Merged) -> None:
    """Refuse candles that change what is stored.

    Raises
    ------
    Conflict
        ``candles_differ``, with the first time and the counts.
    """
    changed = np.sort(np.concatenate([merged.revised, merged.inserted]))
    if len(changed) == 0:
        return
    parts = [
        f"{len(times):,} {what}"
        for times, what in (
            (merged.revised, "have other values than the stored ones"),
            (merged.inserted, "lie before the last stored one, where the series has none"),
        )
        if len(times)
    ]
    raise Conflict(
        f"These candles would change the series: {' and '.join(parts)}, the first at {iso_time(int(changed[0]))}. "
        "Say revise if they are right.",
        code="candles_differ",
        field="time",
        first_time=iso_time(int(changed[0])),
        revised=len(merged.revised),
        inserted=len(merged.inserted),
    )


def refuse_other_timeframe(stored: Candles, imported: ImportedCandles, timeframe_seconds: int) -> None:
    """Refuse candles that are not of the timeframe of a series.

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
        edge = int(np.searchsorted(newer, stored.time[-1], side="right"))
        step = (int(newer[edge]) - int(stored.time[-1])) / MICROSECONDS if edge < len(newer) else timeframe_seconds
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
