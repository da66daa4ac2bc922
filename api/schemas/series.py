"""Series, their candles, and what was found in the files they came from."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from api.schemas.common import TimeSpan
from candleloop.candles.report import Defect, ImportReport
from candleloop.loop.instants import format_instant
from candleloop.store.tables import SeriesRow


class Series(BaseModel):
    """One instrument at one timeframe from one source."""

    series_id: str
    series_version: str
    symbol: str
    timeframe_seconds: int
    source: str
    session: str
    bars: int
    first_time: str
    last_time: str
    created_at: datetime
    updated_at: datetime

    @classmethod
    def fields_of(cls, row: SeriesRow) -> dict[str, Any]:
        """Return the fields that every view of a series has."""
        return {
            "series_id": row.id,
            "series_version": row.version,
            "symbol": row.symbol,
            "timeframe_seconds": row.timeframe_seconds,
            "source": row.source,
            "session": row.session,
            "bars": row.bars,
            "first_time": format_instant(row.first_time),
            "last_time": format_instant(row.last_time),
            "created_at": row.created_at,
            "updated_at": row.updated_at,
        }


class DisagreementCounts(BaseModel):
    """How often a model disagrees with what holds, by kind."""

    overlooked: int
    unsupported: int
    swap: int
    badloc: int


class SeriesCounts(BaseModel):
    """What lies on a series under one label set.

    ``annotations`` are as they are now. The others are counted in the background when somebody lists the series: null
    before the first time, and not ``current`` when something has changed since; ask again in a second.
    ``disagreements`` are null, too, while no model has predicted the series.
    """

    label_set: str
    annotations: dict[Literal["human", "talib", "confirmed", "corrected", "imported"], int]
    reviewed_bars: int | None
    disagreements: DisagreementCounts | None
    current: bool


class ListedSeries(Series):
    """A series in a list, with what lies on it."""

    counts: SeriesCounts


class ImportReportView(BaseModel):
    """What an import found: rows of the file, rows kept as candles, and everything that was wrong, nothing repaired."""

    rows_in: int
    rows_kept: int
    family: str = Field(description="The vendor family whose reader took the file")
    timezone: str = Field(description="Where the times come from, in words")
    timeframe: str
    first_time: str
    last_time: str
    defects: list[Defect]
    notes: list[str]

    @classmethod
    def of(cls, report: ImportReport) -> ImportReportView:
        """Show a report, its times as text."""
        facts = report.model_dump()
        return cls(
            **{**facts, "first_time": format_instant(report.first_time), "last_time": format_instant(report.last_time)}
        )


class SeriesDetail(Series):
    """A series with its test bars, the report of its import and its annotations counted by origin."""

    test_bars: TimeSpan | None
    annotations: dict[str, int]
    report: ImportReportView


class ImportAnswer(BaseModel):
    """What became of an uploaded file; ``created`` is false when exactly these candles were there already."""

    series_id: str
    series_version: str
    symbol: str
    timeframe_seconds: int
    created: bool
    report: ImportReportView


class AppendAnswer(BaseModel):
    """What became of candles that were appended; ``flagged`` annotations lie over revised or inserted candles."""

    series_id: str
    series_version: str
    previous_version: str
    bars: int
    appended: int
    unchanged: int
    revised: int
    inserted: int
    flagged: int
    report: ImportReportView


class CandleColumns(BaseModel):
    """Candles as columns of equal length, in ascending order of time."""

    time: list[str]
    open: list[float]
    high: list[float]
    low: list[float]
    close: list[float]
    volume: list[float] | None = None


class CandlePage(BaseModel):
    """Candles of a series between two times; ``next_cursor`` gives the ones after them."""

    series_id: str
    series_version: str
    candles: CandleColumns
    next_cursor: str | None
