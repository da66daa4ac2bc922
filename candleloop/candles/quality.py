"""What is wrong with the rows of a file: vectorised checks that leave out what could not have been traded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from candleloop.candles.frame import (
    MAX_PRICE,
    MAX_VOLUME,
    MIN_PRICE,
    PRICE_FIELDS,
    Candles,
    FloatArray,
    IntArray,
)
from candleloop.candles.report import Finding
from candleloop.candles.row_ranges import RowRanges

BoolArray = npt.NDArray[np.bool_]


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
    findings: list[Finding] = field(default_factory=list)

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
        action: Literal["quarantined", "reported"] = "reported",
    ) -> None:
        """Tell about rows; ``numbers`` are their lines in the file."""
        self.findings.append(Finding(kind, message, len(numbers), RowRanges(numbers), action))

    def keep(self, rows: BoolArray | IntArray) -> None:
        """Keep rows by mask, or reorder them by index."""
        self.time, self.numbers = self.time[rows], self.numbers[rows]
        self.columns = {name: values[rows] for name, values in self.columns.items()}

    def candles(self) -> Candles:
        """Return the rows as candles; they must have passed all checks."""
        columns = {name: np.ascontiguousarray(values) for name, values in self.columns.items()}
        return Candles.checked(time=np.ascontiguousarray(self.time), **columns)


def joined(first: Rows, second: Rows) -> Rows:
    """Return two runs of rows as one, with the findings of the second."""
    columns = {name: np.concatenate([first.columns[name], values]) for name, values in second.columns.items()}
    time, numbers = (np.concatenate(pair) for pair in ((first.time, second.time), (first.numbers, second.numbers)))
    return Rows(time, columns, numbers, second.findings)


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
            rows.report(rows.numbers, "newest_first", "the file is newest first; sorted")
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
