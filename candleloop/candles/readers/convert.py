"""From the columns of a file to candles and a report."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from candleloop.candles.frame import MICROSECONDS, PRICE_FIELDS, Candles
from candleloop.candles.quality import Rows, check_order, check_values, observe
from candleloop.candles.readers.base import RawCandles
from candleloop.candles.readers.content import Content, bad_file, not_candles
from candleloop.candles.readers.numbers import Numbers, read_numbers
from candleloop.candles.readers.times import read_times
from candleloop.candles.report import OBSERVATIONS, ImportReport
from candleloop.candles.segments import Session, bar_interval, session_of
from candleloop.candles.timeframes import guess_from_name, parse_timeframe, round_timeframe, timeframe_name
from candleloop.errors import BadRequest

MOST_VIOLATIONS = 0.2
"""Share of rows with impossible prices from which the columns, not the rows, are taken to be wrong."""
FEW = 4
"""Number of candles below which the caller knows their timeframe better than the steps between them."""
MOST_LOST = 0.5
"""Share of rows that may be left out."""


@dataclass(frozen=True)
class Wishes:
    """What the caller of ``read_candles`` says about the file."""

    timezone: str | None = None
    timeframe: str | None = None
    day_first: bool | None = None
    strict: bool = False
    symbol: str | None = None


@dataclass(frozen=True, eq=False)
class ImportedCandles:
    """The candles of a file with what is known about them.

    Parameters
    ----------
    candles
        Checked candles, ascending.
    report
        What was wrong with the file.
    symbol
        Guessed from the content, else from the file's name; None when neither says it.
    timeframe_seconds
        The usual step between candles; months count 30 days.
    session
        How the market trades.
    source
        The vendor family.
    """

    candles: Candles
    report: ImportReport
    symbol: str | None
    timeframe_seconds: int
    session: Session
    source: str


def convert(raw: RawCandles, content: Content, family: str, wishes: Wishes) -> ImportedCandles:
    """Parse, check, and report.

    Raises
    ------
    NotACandleFile, BadCandles
        See :func:`candleloop.candles.readers.read_candles`.
    """
    rows_in = len(raw.rows) + len(raw.malformed)
    select, symbol = _select_symbol(raw, content, wishes.symbol)
    date = raw.date if select is None else raw.date.filter(select)
    clock = raw.clock if select is None or raw.clock is None else raw.clock.filter(select)
    times = read_times(
        date,
        clock,
        vendor_zone=raw.vendor_zone,
        timezone=wishes.timezone,
        day_first=raw.day_first if wishes.day_first is None else wishes.day_first,
    )
    numbers = {
        name: read_numbers(column if select is None else column.filter(select), decimal_comma=raw.decimal_comma)
        for name, column in raw.prices.items()
    }
    volume_name, notes = None, list(raw.notes)
    for name, column in raw.volumes.items():
        candidate = read_numbers(column if select is None else column.filter(select), decimal_comma=raw.decimal_comma)
        useful = np.nan_to_num(candidate.values).any()
        if useful or (volume_name is None and not np.isnan(candidate.values).all()):
            numbers["volume"], volume_name = candidate, name
            if useful:
                break
    if raw.volumes and volume_name is None:
        notes.append("the volume column is empty: the series has no volume")
    elif len(raw.volumes) > 1:
        notes.append(f"volume is column {volume_name!r}")
    line_numbers = raw.rows if select is None else raw.rows[np.asarray(select)]
    rows_in = rows_in if select is None else len(line_numbers)
    columns = {name: column.values for name, column in numbers.items()}
    if raw.price_scale != 1.0:
        columns |= {name: columns[name] / raw.price_scale for name in PRICE_FIELDS}
    rows = Rows(times.values, columns, line_numbers)
    if raw.malformed and select is None:
        malformed = np.array(raw.malformed, dtype=np.int64)
        rows.report(malformed, "malformed", "the line has another number of values than the rest", action="quarantined")
    if times.unit_switches.any():
        rows.report(line_numbers[times.unit_switches], "unit_switch", "the unit of the time changes (s, ms, us, ns)")
    blank = ~times.good & _all_missing(numbers)
    _quarantine_unreadable(rows, times.good, times.ambiguous, blank, numbers)
    check_values(rows)
    _refuse_wrong_columns(rows, content, rows_in)
    check_order(rows)
    kept = len(rows)
    losses = sum(d.count for d in rows.defects if d.action == "quarantined" and d.kind not in {"duplicate", "blank"})
    if kept == 0 or losses > MOST_LOST * rows_in:
        _refuse_mostly_defective(rows, content, rows_in, kept)
    return _finish(rows, raw, content, family, wishes, symbol, times.zone, rows_in, notes)


def _finish(
    rows: Rows,
    raw: RawCandles,
    content: Content,
    family: str,
    wishes: Wishes,
    symbol: str | None,
    zone: str,
    rows_in: int,
    notes: list[str],
) -> ImportedCandles:
    named_symbol, named_timeframe = guess_from_name(content.name)
    claims = []
    if wishes.timeframe:
        claims.append(("the caller", parse_timeframe(wishes.timeframe)))
    elif raw.timeframe_seconds:
        claims.append(("the file", raw.timeframe_seconds))
    elif named_timeframe:
        claims.append(("the file's name", named_timeframe))
    measured = round_timeframe(bar_interval(rows.time) // MICROSECONDS)
    if wishes.timeframe and len(rows) < FEW and measured > claims[0][1]:
        # Two or three candles may all have a gap between them.
        measured = claims[0][1]
    timeframe = measured or (claims[0][1] if claims else 0)
    if timeframe == 0:
        raise bad_file(content, "A single candle does not tell its timeframe; say it.", "no_timeframe", field="time")
    if raw.stamped_at_close:
        rows.time = rows.time - timeframe * MICROSECONDS
        notes.append(f"times mark the end of a candle; each is moved by {timeframe_name(timeframe)} to its beginning")
    observe(rows, claims, measured)
    if wishes.strict:
        faults = [defect for defect in rows.defects if defect.kind not in OBSERVATIONS]
        if faults:
            first = faults[0]
            raise bad_file(
                content,
                f"Refused, because strict: {'; '.join(defect.line() for defect in faults)}.",
                first.kind,
                row=first.rows[0] if first.rows else None,
                count=first.count,
            )
    candles = rows.candles()
    report = ImportReport(
        rows_in=rows_in,
        rows_kept=len(candles),
        family=family,
        timezone=zone,
        timeframe=timeframe_name(timeframe),
        first_time=int(candles.time[0]),
        last_time=int(candles.time[-1]),
        defects=tuple(rows.defects),
        notes=tuple(notes),
    )
    return ImportedCandles(
        candles=candles,
        report=report,
        symbol=symbol or raw.symbol or named_symbol,
        timeframe_seconds=timeframe,
        session=session_of(candles.time),
        source=family,
    )


def _select_symbol(
    raw: RawCandles, content: Content, wanted: str | None
) -> tuple[npt.NDArray[np.bool_] | None, str | None]:
    """Return which rows are of the wanted symbol (None: all) and the symbol that the rows name."""
    if raw.symbols is None:
        return None, wanted
    column = pc.utf8_trim_whitespace(pc.fill_null(raw.symbols, ""))
    found = sorted(str(value) for value in pc.unique(column).to_pylist() if value)
    if len(found) <= 1:
        return None, wanted or (found[0] if found else None)
    listed = ", ".join(found[:8]) + (", ..." if len(found) > 8 else "")
    if wanted is None:
        raise bad_file(
            content,
            f"It holds {len(found)} symbols ({listed}); say which one to read.",
            "several_symbols",
            field="symbol",
        )
    if wanted not in found:
        raise BadRequest(
            f"{content.name}: {wanted!r} is not in the file ({listed}).", code="no_such_symbol", field="symbol"
        )
    mask = np.asarray(pc.equal(column, wanted).to_numpy(), dtype=bool)
    return mask, wanted


def _all_missing(numbers: dict[str, Numbers]) -> npt.NDArray[np.bool_]:
    missing = [np.isnan(column.values) & ~column.unreadable for column in numbers.values()]
    return np.asarray(np.logical_and.reduce(missing), dtype=bool)


def _quarantine_unreadable(
    rows: Rows,
    good_time: npt.NDArray[np.bool_],
    ambiguous: npt.NDArray[np.bool_],
    blank: npt.NDArray[np.bool_],
    numbers: dict[str, Numbers],
) -> None:
    """Take out rows whose text could not be read, each under the first reason that fits."""
    reasons = [
        (blank, "blank", "the line is empty"),
        (ambiguous, "ambiguous_time", "local time is skipped or repeated by a clock change"),
        (~good_time, "unreadable_time", "time cannot be read"),
        *((numbers[name].unreadable, "unreadable_number", f"{name} is not a number") for name in numbers),
    ]
    gone = np.zeros(len(rows), dtype=bool)
    for bad, kind, message in reasons:
        new = bad & ~gone
        if new.any():
            rows.report(rows.numbers[new], kind, message, action="quarantined")
            gone |= new
    if gone.any():
        rows.keep(~gone)


def _refuse_wrong_columns(rows: Rows, content: Content, rows_in: int) -> None:
    violations = [defect for defect in rows.defects if defect.kind == "ohlc_violation"]
    count = sum(defect.count for defect in violations)
    if count > MOST_VIOLATIONS * rows_in and count > 1:
        raise bad_file(
            content,
            f"In {count:,} of {rows_in:,} rows high is not the highest or low not the lowest price: the columns are "
            "probably in another order than open, high, low, close.",
            "columns_in_doubt",
            row=violations[0].rows[0],
            field="high",
            count=count,
        )


def _refuse_mostly_defective(rows: Rows, content: Content, rows_in: int, kept: int) -> None:
    quarantined = [defect for defect in rows.defects if defect.action == "quarantined"]
    if not quarantined:
        raise not_candles(content, "it has no rows with prices")
    worst = max(quarantined, key=lambda defect: defect.count)
    if kept == 0 and worst.kind in {"unreadable_time", "unreadable_number", "blank"}:
        raise not_candles(content, f"in no row can time and prices be read ({worst.message}, row {worst.rows[0]})")
    raise bad_file(
        content,
        f"{rows_in - kept:,} of {rows_in:,} rows are defective; most of all: {worst.line()}.",
        "mostly_defective",
        row=worst.rows[0],
        field=next((name for name in (*PRICE_FIELDS, "volume") if worst.message.startswith(name)), "time"),
        count=rows_in - kept,
    )
