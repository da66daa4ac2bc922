"""What is wrong with the rows of a file: vectorised checks that leave out what could not have been traded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from candleloop.candles.frame import (
    MAX_PRICE,
    MAX_VOLUME,
    MICROSECONDS,
    MIN_PRICE,
    PRICE_FIELDS,
    Candles,
    FloatArray,
    IntArray,
)
from candleloop.candles.report import FIRST_ROWS, Defect
from candleloop.candles.segments import Session, bar_interval, default_max_gap, session_of
from candleloop.candles.timeframes import timeframe_name

BoolArray = npt.NDArray[np.bool_]

RUN = 5
"""Flat or zero-volume bars in a row that are worth telling."""
JUMP = 20.0
"""Ratio of neighbouring prices from which a jump is told."""
_HOUR = 3_600 * MICROSECONDS
_DAY = 24 * _HOUR


@dataclass
class Rows:
    """The rows of a file on their way to candles; each check takes rows out or tells about them.

    Parameters
    ----------
    time, columns
        Arrays of shape (n_rows,): microseconds UTC; prices and, where there is one, volume, NaN where missing.
    numbers
        Line of each row in the file.
    """

    time: IntArray
    columns: dict[str, FloatArray]
    numbers: IntArray
    defects: list[Defect] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.time)

    def quarantine(self, bad: BoolArray, kind: str, message: str) -> None:
        """Take rows out and say so."""
        if bad.any():
            self.report(self.numbers[bad], kind, message, action="quarantined")
            self.keep(~bad)

    def report(
        self,
        numbers: IntArray,
        kind: str,
        message: str,
        *,
        count: int | None = None,
        action: Literal["quarantined", "reported"] = "reported",
    ) -> None:
        """Tell about rows; ``numbers`` are their lines in the file."""
        first = tuple(int(number) for number in np.sort(numbers)[:FIRST_ROWS])
        size = len(numbers) if count is None else count
        self.defects.append(Defect(kind=kind, message=message, count=size, rows=first, action=action))

    def keep(self, rows: BoolArray | IntArray) -> None:
        """Keep rows by mask, or reorder them by index."""
        self.time, self.numbers = self.time[rows], self.numbers[rows]
        self.columns = {name: values[rows] for name, values in self.columns.items()}

    def candles(self) -> Candles:
        """Return the rows as candles; they must have passed all checks."""
        columns = {name: np.ascontiguousarray(values) for name, values in self.columns.items()}
        return Candles.checked(time=np.ascontiguousarray(self.time), **columns)


def check_values(rows: Rows) -> None:
    """Leave out rows with missing, infinite or impossible values."""
    for name in [column for column in (*PRICE_FIELDS, "volume") if column in rows.columns]:
        rows.quarantine(np.isnan(rows.columns[name]), f"missing_{name}", f"{name} is missing")
        rows.quarantine(np.isinf(rows.columns[name]), "infinite", f"{name} is infinite")
    for name in PRICE_FIELDS:
        rows.quarantine(rows.columns[name] <= 0, "non_positive_price", f"{name} is zero or negative")
        values = rows.columns[name]
        rows.quarantine(
            (values < MIN_PRICE) | (values > MAX_PRICE), "price_out_of_range", f"{name} is outside 1e-12..1e12"
        )
    if "volume" in rows.columns:
        rows.quarantine(rows.columns["volume"] < 0, "negative_volume", "volume is negative")
        rows.quarantine(rows.columns["volume"] > MAX_VOLUME, "volume_out_of_range", "volume is above 1e30")
    open_, high, low, close = (rows.columns[name] for name in PRICE_FIELDS)
    body_high, body_low = np.maximum(open_, close), np.minimum(open_, close)
    below, under, over = high < low, high < body_high, low > body_low
    under, over = under & ~below, over & ~below & ~under
    for bad, message in (
        (below, "high is below low"),
        (under, "high is below open or close"),
        (over, "low is above open or close"),
    ):
        if bad.any():
            rows.report(rows.numbers[bad], "ohlc_violation", message, action="quarantined")
    rows.keep(~(below | under | over))


def check_order(rows: Rows) -> None:
    """Bring the rows into ascending order of time, and leave out rows whose time occurs more than once.

    Of rows that are the same in everything the first stays. Rows that say different things about one time all go:
    nothing tells which of them is right.
    """
    steps = np.diff(rows.time)
    if (steps < 0).any():
        backwards, forwards = int((steps < 0).sum()), int((steps > 0).sum())
        if backwards > forwards:
            count = len(rows)
            rows.report(rows.numbers[:1], "newest_first", "the file is newest first; sorted", count=count)
            strays = np.flatnonzero(steps > 0) + 1
        else:
            strays = np.flatnonzero(steps < 0) + 1
        if len(strays):
            rows.report(rows.numbers[strays], "out_of_order", "time goes against the order of the file; sorted")
        rows.keep(np.argsort(rows.time, kind="stable"))
    same_time = np.append(False, np.diff(rows.time) == 0)
    if not same_time.any():
        return
    group = np.cumsum(~same_time)
    conflicting = np.zeros(len(rows), dtype=bool)
    # Copies of one row need not be neighbours, so every row is held against the first of its time.
    first = np.searchsorted(group, group)
    for values in rows.columns.values():
        conflicting |= values != values[first]
    conflict = np.isin(group, np.unique(group[conflicting]))
    copies = same_time & ~conflict
    # One decision over both, so that neither changes what the other sees.
    if copies.any():
        rows.report(rows.numbers[copies], "duplicate", "the same row again; the first one stays", action="quarantined")
    if conflict.any():
        rows.report(
            rows.numbers[conflict],
            "conflicting_duplicate",
            "rows with one time and different values; none of them stays",
            action="quarantined",
        )
    rows.keep(~(copies | conflict))


def observe(rows: Rows, timeframe_claims: Iterable[tuple[str, int]], measured: int) -> None:
    """Tell about gaps, flat and zero-volume bars, jumps, and a timeframe that the data deny; nothing is left out.

    Parameters
    ----------
    timeframe_claims
        Who claims which timeframe in seconds.
    measured
        The timeframe of the data in seconds, 0 when unknown.
    """
    time = rows.time
    for who, claimed in timeframe_claims:
        if measured and claimed != measured:
            rows.report(
                rows.numbers[:0],
                "timeframe_denied",
                f"{who} says {timeframe_name(claimed)}, the usual step is {timeframe_name(measured)}",
                count=1,
            )
    interval, session = bar_interval(time), session_of(time)
    steps = np.append(0, np.diff(time))
    if session is Session.CONTINUOUS:
        gaps = steps > interval
    elif session is Session.DAILY:
        gaps = steps > max(4 * _DAY, int(1.2 * interval))
    else:
        longest_inside = max(6 * _HOUR, 3 * interval)
        gaps = ((steps > interval) & (steps <= longest_inside)) | (steps > default_max_gap(time))
    if gaps.any():
        longest = int(steps[gaps].max()) / MICROSECONDS
        rows.report(
            rows.numbers[gaps], "gap", f"candles are missing before the row (longest step {_duration(longest)})"
        )
    irregular = (steps > 0) & (steps % max(interval, 1) != 0)
    if session is not Session.DAILY and interval and irregular.any():
        rows.report(rows.numbers[irregular], "off_grid", "the step to the row before is no multiple of the usual one")
    open_, high, low, close = (rows.columns[name] for name in PRICE_FIELDS)
    flat = (open_ == high) & (high == low) & (low == close)
    _observe_runs(rows, flat, "flat", "flat bars (open = high = low = close)")
    if "volume" in rows.columns:
        _observe_runs(rows, rows.columns["volume"] == 0, "zero_volume", "bars with zero volume")
    before = np.append(close[:1], close[:-1])
    jumps = (close > JUMP * before) | (before > JUMP * close) | (high > JUMP * low)
    if jumps.any():
        rows.report(rows.numbers[jumps], "jump", f"price jumps by more than {JUMP:g} times")


def _observe_runs(rows: Rows, mask: BoolArray, kind: str, message: str) -> None:
    if not mask.any():
        return
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    starts, lengths = edges[::2], edges[1::2] - edges[::2]
    long_runs = int((lengths >= RUN).sum())
    detail = f"; {long_runs:,} runs of {RUN} or more, the longest {int(lengths.max()):,}" if long_runs else ""
    rows.report(rows.numbers[starts], kind, message + detail, count=int(mask.sum()))


def _duration(seconds: float) -> str:
    for size, name in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {name}".replace(".0 ", " ")
    return f"{seconds:g} seconds"
