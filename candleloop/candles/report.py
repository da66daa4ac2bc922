"""The import report: what a file held, what was wrong with it and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from pydantic import BaseModel, ConfigDict

from candleloop.candles.row_ranges import RowRanges
from candleloop.times import iso_time

FIRST_ROWS = 5
"""How many places of a defect the report names; the file beside it has them all."""

KINDS = (
    "malformed", "unit_switch", "blank", "ambiguous_time", "unreadable_time", "unreadable_number",
    "missing_open", "missing_high", "missing_low", "missing_close", "missing_volume", "infinite",
    "non_positive_price", "price_out_of_range", "negative_volume", "volume_out_of_range", "ohlc_violation",
    "newest_first", "out_of_order", "duplicate", "conflicting_duplicate",
    "timeframe_denied", "gap", "off_grid", "flat", "zero_volume", "jump",
)  # fmt: skip
"""All kinds of defects, in the order in which a report tells them."""

OBSERVATIONS = frozenset({"newest_first", "gap", "flat", "zero_volume"})
"""Kinds that describe a market or a vendor's habit, not a fault: ``strict`` does not refuse them."""


class Defect(BaseModel):
    """One kind of defect of a file.

    ``rows`` are the first few of its rows and ``ranges`` the first few runs of neighbouring ones, first and last row.
    Rows are counted as an editor counts the lines of the file (the first line is 1, header lines included); for files
    without lines (JSON, Parquet, Feather) they count records, the first one is 1. All rows are in the report's
    ``rows_file``.
    """

    model_config = ConfigDict(frozen=True)

    kind: str
    message: str
    count: int
    rows: tuple[int, ...]
    action: Literal["quarantined", "reported"]
    ranges: tuple[tuple[int, int], ...] = ()

    def line(self) -> str:
        """Return the defect as one line for people."""
        places = ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in self.ranges)
        more = ", ..." if self.count > sum(last - first + 1 for first, last in self.ranges) else ""
        where = f" (row{'s' if self.count > 1 else ''} {places}{more})" if places else ""
        return f"{self.action}: {self.count:,} x {self.message}{where}"


@dataclass(frozen=True, eq=False)
class Finding:
    """A defect while a file is read: with all its rows."""

    kind: str
    message: str
    count: int
    places: RowRanges
    action: Literal["quarantined", "reported"] = "reported"

    def and_more(self, other: Finding) -> Finding:
        """Return the finding with the rows of another piece of the file."""
        self.places.add(other.places.ranges())
        return replace(self, count=self.count + other.count)

    def defect(self) -> Defect:
        """Return what the report says about it."""
        ranges = self.places.ranges()[:FIRST_ROWS]
        rows = [row for first, last in ranges.tolist() for row in range(first, min(last, first + FIRST_ROWS - 1) + 1)]
        return Defect(
            kind=self.kind,
            message=self.message,
            count=self.count,
            rows=tuple(rows[:FIRST_ROWS]),
            action=self.action,
            ranges=tuple((first, last) for first, last in ranges.tolist()),
        )


class ImportReport(BaseModel):
    """What an import found, JSON-ready.

    Attributes
    ----------
    rows_in, rows_kept
        Records of the file, and those that became candles.
    family
        The vendor family whose reader took the file.
    timezone
        Where the times come from, in words (``UTC (epoch)``, ``assumed UTC``, ``calendar dates`` ...).
    timeframe
        The usual step between candles, such as ``1m``, ``4h``, ``1d``.
    first_time, last_time
        Bar-open times of the first and last candle kept, int64 microseconds since 1970 UTC.
    notes
        Choices of the reader worth knowing, such as a column that was not used.
    rows_file
        Name in the storage of the Parquet file with all rows of all defects, as ranges; None when there are none or
        the report is not stored.
    """

    model_config = ConfigDict(frozen=True)

    rows_in: int
    rows_kept: int
    family: str
    timezone: str
    timeframe: str
    first_time: int
    last_time: int
    defects: tuple[Defect, ...] = ()
    notes: tuple[str, ...] = ()
    rows_file: str | None = None

    @property
    def zone_is_assumed(self) -> bool:
        """Whether nothing told the time zone of the file, so that UTC was assumed."""
        return "assumed" in self.timezone

    @property
    def quarantined(self) -> int:
        """Number of rows left out."""
        return self.rows_in - self.rows_kept

    def lines(self) -> list[str]:
        """Return the report as lines for people."""
        first, last = (iso_time(value) for value in (self.first_time, self.last_time))
        left_out = f", {self.quarantined:,} quarantined" if self.quarantined else ""
        return [
            f"{self.rows_kept:,} of {self.rows_in:,} rows kept{left_out} ({self.family}, {self.timeframe})",
            f"{first} .. {last}, time zone: {self.timezone}",
            *(defect.line() for defect in self.defects),
            *(f"note: {note}" for note in self.notes),
        ]
