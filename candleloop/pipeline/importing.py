"""Importing vendor files as series and appending to them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from candleloop.candles.demo import demo_files
from candleloop.candles.frame import Candles
from candleloop.candles.merge import Merging, refuse_other_timeframe, refuse_revision
from candleloop.candles.readers import AskZone, ImportedFile, import_candles, read_candles
from candleloop.candles.report import ImportReport
from candleloop.candles.rows_file import rows_as_csv, write_rows
from candleloop.candles.store import CandleStore
from candleloop.candles.timeframes import timeframe_name
from candleloop.context import Context
from candleloop.errors import BadRequest
from candleloop.progress import Progress, silent
from candleloop.store import series
from candleloop.store.tables import SeriesRow
from candleloop.training.splits import last_share


@dataclass(frozen=True)
class ImportOutcome:
    """What became of an imported file. ``created`` is false when exactly this content was there already."""

    series_id: str
    version: str
    symbol: str
    timeframe_seconds: int
    created: bool
    report: ImportReport


@dataclass(frozen=True)
class AppendOutcome:
    """What became of a file appended to a series.

    ``previous`` is the version before, ``version`` the one now (the same when nothing changed), ``bars`` the number of
    candles now. ``unchanged`` candles were stored already, ``revised`` ones got other values, ``inserted`` ones lie
    before the last stored one; ``flagged`` is the number of annotations over revised or inserted candles.
    """

    series_id: str
    version: str
    previous: str
    bars: int
    appended: int
    unchanged: int
    revised: int
    inserted: int
    flagged: int
    report: ImportReport


def import_file(
    context: Context,
    source: Path | bytes,
    *,
    name: str | None = None,
    symbol: str | None = None,
    series_id: str | None = None,
    reader: str | None = None,
    timezone: str | None = None,
    timeframe: str | None = None,
    day_first: bool | None = None,
    strict: bool = False,
    ask_zone: AskZone | None = None,
    progress: Progress = silent,
) -> ImportOutcome:
    """Read a vendor file, store its candles and freeze its test bars; large files in constant memory.

    Parameters
    ----------
    source
        A path, or the content of a file; then ``name`` says what it was called.
    symbol, series_id
        What the series is called; taken from the file or its name unless given. The default id is ``SYMBOL-TIMEFRAME``.
    reader, timezone, timeframe, day_first, strict, ask_zone
        See :func:`candleloop.candles.readers.read_candles`.

    Raises
    ------
    NotACandleFile, BadCandles
        When the file holds no candles that can be used.
    Conflict
        When the series exists with other candles.
    """
    store = CandleStore(context.storage)
    with store.writer() as writer:
        imported = import_candles(
            source,
            writer,
            name=name,
            symbol=symbol,
            reader=reader,
            timezone=timezone,
            timeframe=timeframe,
            day_first=day_first,
            strict=strict,
            ask_zone=ask_zone,
            progress=progress,
        )
        report = _with_rows(context, imported)
        symbol = _known_symbol(symbol or imported.symbol)
        series_id = series_id or default_series_id(symbol, imported.timeframe_seconds)
        version = writer.finish(series_id)
    # The share of the places is the share of the bars; only one time has to be looked up.
    first_test = last_share(range(report.rows_kept))
    test_bars = None if first_test is None else (store.time_at(series_id, version, first_test[0]), report.last_time)
    with context.database.begin() as session:
        created = series.add_series(
            session,
            series_id=series_id,
            symbol=symbol,
            timeframe_seconds=imported.timeframe_seconds,
            source=imported.source,
            session_kind=imported.session.value,
            version=version,
            bars=report.rows_kept,
            first_time=report.first_time,
            last_time=report.last_time,
            report=report.model_dump(mode="json"),
            test_bars=test_bars,
        )
    return ImportOutcome(series_id, version, symbol, imported.timeframe_seconds, created, report)


def append_file(
    context: Context,
    series_id: str | None,
    source: Path | bytes,
    *,
    name: str | None = None,
    symbol: str | None = None,
    reader: str | None = None,
    timezone: str | None = None,
    timeframe: str | None = None,
    day_first: bool | None = None,
    strict: bool = False,
    revise: bool = False,
    ask_zone: AskZone | None = None,
    progress: Progress = silent,
) -> AppendOutcome:
    """Add the candles of a vendor file to a series: a new version of the same series, the old one stays readable.

    Candles that are stored already may be in the file again. The test bars stay as they were frozen at import. Nothing
    of the series changes unless all of it does.

    Parameters
    ----------
    series_id
        The series; None for the one that :func:`import_file` would name after this file.
    source
        A path, or the content of a file; then ``name`` says what it was called.
    symbol
        Which symbol to read from a file that holds several; the one of the series unless given.
    reader, timezone, timeframe, day_first, strict, ask_zone
        See :func:`candleloop.candles.readers.read_candles`.
    revise
        Accept other values for stored candles, and candles before the last stored one; annotations over them are
        flagged.

    Raises
    ------
    NotFound
        When there is no such series.
    NotACandleFile, BadCandles
        When the file holds no candles that can be used; ``timeframe_denied`` when they are of another timeframe.
    Conflict
        ``candles_differ`` when the file would change stored candles and ``revise`` is not said, ``series_moved`` when
        somebody else changed the series at the same time.
    """
    row = None if series_id is None else _series_row(context, series_id)
    imported = read_candles(
        source,
        name=name,
        symbol=symbol or (row.symbol if row else None),
        reader=reader,
        timezone=timezone,
        timeframe=timeframe or (timeframe_name(row.timeframe_seconds) if row else None),
        day_first=day_first,
        strict=strict,
        ask_zone=ask_zone,
        progress=progress,
    )
    if row is None:
        row = _series_row(context, default_series_id(symbol or imported.symbol, imported.timeframe_seconds))
    series_id, previous = row.id, row.version
    refuse_other_timeframe(row.last_time, imported, row.timeframe_seconds)
    store = CandleStore(context.storage)
    merging = Merging(imported.candles)
    version, flagged, bars = previous, 0, row.bars
    with store.writer() as writer:
        for piece in store.pieces(series_id, previous):
            writer.write(merging.add(piece))
        if (rest := merging.rest()) is not None:
            writer.write(rest)
        changes = merging.changes()
        if not revise:
            refuse_revision(changes)
        changed = np.sort(np.concatenate([changes.revised, changes.inserted]))
        if changes.appended or len(changed):
            version = writer.finish(series_id)
    report = _with_rows(context, imported)
    if version != previous:
        bars += changes.appended + len(changes.inserted)
        with context.database.begin() as session:
            series.replace_version(
                session,
                series_id,
                expected_version=previous,
                version=version,
                bars=bars,
                first_time=min(row.first_time, int(imported.candles.time[0])),
                last_time=max(row.last_time, int(imported.candles.time[-1])),
                report=report.model_dump(mode="json"),
            )
            flagged = series.flag_annotations(session, series_id, changed.tolist())
    return AppendOutcome(
        series_id=series_id,
        version=version,
        previous=previous,
        bars=bars,
        appended=changes.appended,
        unchanged=changes.unchanged,
        revised=len(changes.revised),
        inserted=len(changes.inserted),
        flagged=flagged,
        report=report,
    )


def import_demo(context: Context, progress: Progress = silent) -> list[ImportOutcome]:
    """Import the demo series: daily candles of four US stocks from the package ``bokeh_sampledata``."""
    files = demo_files()
    outcomes = []
    for done, (symbol, path) in enumerate(files):
        progress("importing demo series", done, len(files), "series")
        outcomes.append(import_file(context, path, symbol=symbol))
    progress("importing demo series", len(files), len(files), "series")
    return outcomes


def read_series(
    context: Context, series_id: str, *, start_time: int | None = None, end_time: int | None = None
) -> Candles:
    """Return the candles of a series' current version between two bar-open times, both inclusive.

    Raises
    ------
    NotFound
        When there is no such series.
    """
    with context.database.read() as session:
        version = series.get_series(session, series_id).version
    return CandleStore(context.storage).read(series_id, version, start_time=start_time, end_time=end_time)


def all_series(context: Context) -> list[str]:
    """Return the ids of all series, in order."""
    with context.database.read() as session:
        return [row.id for row in series.every_series(session)]


def stored_report(context: Context, series_id: str) -> ImportReport:
    """Return the report of the import that made the current version of a series.

    Raises
    ------
    NotFound
        When there is no such series.
    """
    with context.database.read() as session:
        version = series.get_series(session, series_id).version
        return ImportReport.model_validate(series.import_report(session, series_id, version))


def rows_of_report(context: Context, report: ImportReport) -> bytes:
    """Return all rows of all defects of a stored report as CSV, see :func:`~candleloop.candles.rows_file.rows_as_csv`.

    Raises
    ------
    NotFound
        When the file with them is not there.
    """
    return rows_as_csv(context.storage, report.rows_file)


def _with_rows(context: Context, imported: ImportedFile) -> ImportReport:
    """Store the rows of all defects and return the report that points at them."""
    return imported.report.model_copy(update={"rows_file": write_rows(context.storage, imported.findings)})


def _known_symbol(symbol: str | None) -> str:
    if symbol is None:
        raise BadRequest(
            "The file does not say which instrument this is: give a symbol.", code="no_symbol", field="symbol"
        )
    return symbol


def default_series_id(symbol: str | None, timeframe_seconds: int) -> str:
    """Return how a series is called unless somebody says otherwise."""
    return f"{_slug(_known_symbol(symbol))}-{timeframe_name(timeframe_seconds)}"


def _series_row(context: Context, series_id: str) -> SeriesRow:
    with context.database.read() as session:
        return series.get_series(session, series_id)


def _slug(symbol: str) -> str:
    return "".join(character if character.isalnum() or character in "._" else "-" for character in symbol).strip("-.")
