"""The import report: what a file held, what was wrong with it and what became of it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

FIRST_ROWS = 5
"""How many row numbers a defect names."""

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

    ``rows`` are the first few places, counted as an editor counts the lines of the file (the first line is 1, header
    lines included); for files without lines (JSON, Parquet, Feather) they count records, the first one is 1.
    """

    model_config = ConfigDict(frozen=True)

    kind: str
    message: str
    count: int
    rows: tuple[int, ...]
    action: Literal["quarantined", "reported"]

    def line(self) -> str:
        """Return the defect as one line for people."""
        places = ", ".join(str(row) for row in self.rows)
        more = ", ..." if self.count > len(self.rows) > 0 else ""
        where = f" (row{'s' if self.count > 1 else ''} {places}{more})" if self.rows else ""
        return f"{self.action}: {self.count:,} x {self.message}{where}"


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


def iso_time(microseconds: int) -> str:
    """Return a time in microseconds since 1970 UTC as ISO-8601 with a ``Z``."""
    from datetime import UTC, datetime, timedelta

    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
    return moment.isoformat(timespec="microseconds" if moment.microsecond else "seconds").replace("+00:00", "Z")
