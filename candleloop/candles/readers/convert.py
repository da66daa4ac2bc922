"""From the columns of a file to candles and a report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from candleloop.candles.frame import MICROSECONDS, PRICE_FIELDS, Candles
from candleloop.candles.observation import Observer
from candleloop.candles.quality import Rows, check_order, check_values, joined
from candleloop.candles.readers.base import RawCandles
from candleloop.candles.readers.content import Content, bad_file, not_candles
from candleloop.candles.readers.numbers import Numbers, read_numbers
from candleloop.candles.readers.times import ASSUMED_UTC, BoolArray, Times, read_times
from candleloop.candles.report import KINDS, OBSERVATIONS, Finding, ImportReport
from candleloop.candles.row_ranges import MAX_RANGES
from candleloop.candles.segments import Session, bar_interval
from candleloop.candles.timeframes import guess_from_name, parse_timeframe, round_timeframe, timeframe_name
from candleloop.errors import BadRequest
from candleloop.times import iso_time

MOST_VIOLATIONS = 0.2
"""Share of rows with impossible prices from which the columns, not the rows, are taken to be wrong."""
FEW = 4
"""Number of candles below which the caller knows their timeframe better than the steps between them."""
MOST_LOST = 0.5
"""Share of rows that may be left out."""


AskZone = Callable[[str, str], str]
"""Asked for the time zone of a file when nothing tells it: is given the file's name and its first time, without offset,
and returns an IANA name."""


@dataclass(frozen=True)
class Wishes:
    """What the caller of ``read_candles`` says about the file."""

    timezone: str | None = None
    timeframe: str | None = None
    day_first: bool | None = None
    strict: bool = False
    symbol: str | None = None
    ask_zone: AskZone | None = None


@dataclass(frozen=True)
class ImportedFile:
    """What is known about the candles of a file.

    Parameters
    ----------
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
    findings
        The defects of the report with all their rows.
    """

    report: ImportReport
    symbol: str | None
    timeframe_seconds: int
    session: Session
    source: str
    findings: tuple[Finding, ...]


class NeedsWhole(Exception):
    """A decision about the file cannot be taken from one piece of it; the text says which."""


class Conversion:
    """Turns the pieces of a file into candles: parses, checks, and keeps the report.

    What concerns the file as a whole (its time zone, the order of its rows, which column is the volume) is decided from
    the first piece. A later piece that says otherwise ends in :class:`NeedsWhole`, so that the result never depends on
    how the file was cut.
    """

    def __init__(self, name: str, family: str, wishes: Wishes, notes: Sequence[str] = ()) -> None:
        self._name, self._family, self._wishes = name, family, wishes
        self._notes = list(notes)
        self._findings: dict[tuple[str, str], Finding] = {}
        self._observer = Observer()
        self._rows_in = 0
        self._raw: RawCandles | None = None
        self._decided: dict[str, object] = {}
        self._symbol: str | None = None
        self._volume: str | None = None
        self._volume_useful = False
        self._last_unit = -1
        self._shift = 0
        self._held: Rows | None = None

    def add(self, raw: RawCandles, content: Content) -> Candles | None:
        """Return the candles of the next piece; None when it has none.

        Raises
        ------
        NotACandleFile, BadCandles
            See :func:`candleloop.candles.readers.read_candles`.
        NeedsWhole
            When the piece shows that the file must be read as a whole.
        """
        first, self._raw = self._raw is None, raw
        select, symbol = _select_symbol(raw, content, self._wishes.symbol)
        if not content.is_whole:
            self._agree("the symbol", (symbol, select is None), select is None)
        self._symbol = symbol
        date = raw.date if select is None else raw.date.filter(select)
        clock = raw.clock if select is None or raw.clock is None else raw.clock.filter(select)
        times = self._read_times(raw, date, clock)
        if ASSUMED_UTC in times.zone and times.good.any() and self._wishes.ask_zone is not None:
            first_time = iso_time(int(times.values[times.good][0])).removesuffix("Z")
            zone = self._wishes.ask_zone(self._name, first_time)
            self._wishes = replace(self._wishes, timezone=zone, ask_zone=None)
            times = self._read_times(raw, date, clock)
        self._agree("the time zone", times.zone)
        self._agree("the order of day and month", times.day_first)
        numbers = {
            name: read_numbers(column if select is None else column.filter(select), decimal_comma=raw.decimal_comma)
            for name, column in raw.prices.items()
        }
        volume = self._choose_volume(raw, select, first)
        if volume is not None:
            numbers["volume"] = volume
        line_numbers = raw.rows if select is None else raw.rows[np.asarray(select)]
        self._rows_in += len(line_numbers) + (len(raw.malformed) if select is None else 0)
        columns = {name: column.values for name, column in numbers.items()}
        if raw.price_scale != 1.0:
            columns |= {name: columns[name] / raw.price_scale for name in PRICE_FIELDS}
        rows = Rows(times.values, columns, line_numbers)
        if raw.malformed and select is None:
            malformed = np.array(raw.malformed, dtype=np.int64)
            message = "the line has another number of values than the rest"
            rows.report(malformed, "malformed", message, action="quarantined")
        self._tell_unit_switches(rows, times.unit)
        blank = ~times.good & _all_missing(numbers)
        _quarantine_unreadable(rows, times.good, times.ambiguous, blank, numbers)
        check_values(rows)
        if not content.is_whole:
            rows = self._in_order(rows, is_last=content.is_last)
        check_order(rows)
        for found in rows.findings:
            self._tell(found)
        if len(rows) == 0:
            return None
        if raw.stamped_at_close:
            if not self._shift:
                self._shift = self._timeframe(bar_interval(rows.time), len(rows))[1]
            rows.time = rows.time - self._shift * MICROSECONDS
        candles = rows.candles()
        self._observer.add(candles, rows.numbers)
        return candles

    def finish(self) -> ImportedFile:
        """Return what is known about the file after its last piece.

        Raises
        ------
        NotACandleFile, BadCandles
            See :func:`candleloop.candles.readers.read_candles`.
        NeedsWhole
            When the timeframe of the whole is not the one of the first piece, and times depend on it.
        """
        raw, rhythm = self._raw, self._observer.rhythm
        assert raw is not None, "a file has at least one piece"
        self._refuse_wrong_columns()
        self._refuse_mostly_defective(rhythm.bars)
        measured, timeframe = self._timeframe(rhythm.interval, rhythm.bars)
        if raw.stamped_at_close:
            if timeframe != self._shift:
                raise NeedsWhole("its timeframe does not show at the beginning")
            name = timeframe_name(timeframe)
            self._notes.append(f"times mark the end of a candle; each is moved by {name} to its beginning")
        if raw.volumes and self._volume is None:
            self._notes.append("the volume column is empty: the series has no volume")
        elif len(raw.volumes) > 1:
            self._notes.append(f"volume is column {self._volume!r}")
        findings = sorted(self._findings.values(), key=lambda found: (KINDS.index(found.kind), found.message))
        findings += self._observer.findings(self._claims(), measured)
        self._refuse_if_strict(findings)
        defects = [found.defect() for found in findings]
        self._notes += [
            f"{found.kind}: of {found.count:,} rows only the first {MAX_RANGES:,} stretches are listed, all are counted"
            for found in findings
            if not found.places.complete
        ]
        return ImportedFile(
            report=ImportReport(
                rows_in=self._rows_in,
                rows_kept=rhythm.bars,
                family=self._family,
                timezone=str(self._decided["the time zone"]),
                timeframe=timeframe_name(timeframe),
                first_time=rhythm.first,
                last_time=rhythm.last,
                defects=tuple(defects),
                notes=(*raw.notes, *self._notes),
            ),
            symbol=self._symbol or raw.symbol or guess_from_name(self._name)[0],
            timeframe_seconds=timeframe,
            session=rhythm.session,
            source=self._family,
            findings=tuple(findings),
        )

    def _read_times(self, raw: RawCandles, date: pa.ChunkedArray, clock: pa.ChunkedArray | None) -> Times:
        return read_times(
            date,
            clock,
            vendor_zone=raw.vendor_zone,
            timezone=self._wishes.timezone,
            day_first=raw.day_first if self._wishes.day_first is None else self._wishes.day_first,
        )

    def _agree(self, what: str, found: object, fine: bool = True) -> None:
        """Hold a decision that concerns the whole file against the one of the pieces before."""
        if not fine or self._decided.setdefault(what, found) != found:
            raise NeedsWhole(f"{what} does not show at its beginning")

    def _choose_volume(self, raw: RawCandles, select: BoolArray | None, first: bool) -> Numbers | None:
        """Return the first column with a volume in it, else the first that is not empty."""
        chosen: tuple[str | None, Numbers | None, bool] = (None, None, False)
        for name, column in raw.volumes.items():
            numbers = read_numbers(column if select is None else column.filter(select), decimal_comma=raw.decimal_comma)
            useful = bool(np.nan_to_num(numbers.values).any())
            if not first and name == self._volume and (useful or self._volume_useful):
                self._volume_useful = True
                return numbers
            if useful or (chosen[0] is None and not np.isnan(numbers.values).all()):
                chosen = (name, numbers, useful)
                if useful:
                    break
        choice, found, useful = chosen
        if first:
            self._volume, self._volume_useful = choice, useful
        elif choice != self._volume:
            raise NeedsWhole("which column is the volume does not show at its beginning")
        return found

    def _tell_unit_switches(self, rows: Rows, unit: npt.NDArray[np.int8]) -> None:
        known = np.flatnonzero(unit >= 0)
        if len(known) == 0:
            return
        before = unit[known[0]] if self._last_unit < 0 else self._last_unit
        switches = known[np.diff(unit[known], prepend=np.int8(before)) != 0]
        self._last_unit = int(unit[known[-1]])
        if len(switches):
            rows.report(rows.numbers[switches], "unit_switch", "the unit of the time changes (s, ms, us, ns)")

    def _in_order(self, rows: Rows, *, is_last: bool) -> Rows:
        """Put the rows held back before the others, and hold the last ones back: the next piece may repeat them."""
        if self._held is not None:
            rows = joined(self._held, rows)
        if (np.diff(rows.time) < 0).any():
            raise NeedsWhole("its rows are not in order of time")
        self._held = None
        if not is_last and len(rows):
            last = rows.time == rows.time[-1]
            self._held = Rows(rows.time[last], {k: v[last] for k, v in rows.columns.items()}, rows.numbers[last])
            rows.keep(~last)
        return rows

    def _tell(self, found: Finding) -> None:
        key = (found.kind, found.message)
        before = self._findings.get(key)
        self._findings[key] = found if before is None else before.and_more(found)

    def _claims(self) -> list[tuple[str, int]]:
        """Return who claims which timeframe in seconds."""
        raw, named = self._raw, guess_from_name(self._name)[1]
        if self._wishes.timeframe:
            return [("the caller", parse_timeframe(self._wishes.timeframe))]
        if raw is not None and raw.timeframe_seconds:
            return [("the file", raw.timeframe_seconds)]
        return [("the file's name", named)] if named else []

    def _timeframe(self, interval: int, bars: int) -> tuple[int, int]:
        """Return the timeframe that the steps show (0 when none does), and the one to go by, in seconds."""
        claims, measured = self._claims(), round_timeframe(interval // MICROSECONDS)
        if self._wishes.timeframe and bars < FEW and measured > claims[0][1]:
            # Two or three candles may all have a gap between them.
            measured = claims[0][1]
        timeframe = measured or (claims[0][1] if claims else 0)
        if timeframe == 0:
            message = "A single candle does not tell its timeframe; say it."
            raise bad_file(self._name, message, "no_timeframe", field="time")
        return measured, timeframe

    def _refuse_if_strict(self, findings: Sequence[Finding]) -> None:
        faults = [found.defect() for found in findings if found.kind not in OBSERVATIONS]
        if not self._wishes.strict or not faults:
            return
        raise bad_file(
            self._name,
            f"Refused, because strict: {'; '.join(defect.line() for defect in faults)}.",
            faults[0].kind,
            row=faults[0].rows[0] if faults[0].rows else None,
            count=faults[0].count,
        )

    def _refuse_wrong_columns(self) -> None:
        violations = [found for found in self._findings.values() if found.kind == "ohlc_violation"]
        count = sum(found.count for found in violations)
        if count > MOST_VIOLATIONS * self._rows_in and count > 1:
            raise bad_file(
                self._name,
                f"In {count:,} of {self._rows_in:,} rows high is not the highest or low not the lowest price: the "
                "columns are probably in another order than open, high, low, close.",
                "columns_in_doubt",
                row=min(found.defect().rows[0] for found in violations),
                field="high",
                count=count,
            )

    def _refuse_mostly_defective(self, kept: int) -> None:
        quarantined = [found for found in self._findings.values() if found.action == "quarantined"]
        losses = sum(found.count for found in quarantined if found.kind not in {"duplicate", "blank"})
        if kept and losses <= MOST_LOST * self._rows_in:
            return
        if not quarantined:
            raise not_candles(self._name, "it has no rows with prices")
        worst = max(quarantined, key=lambda found: found.count).defect()
        if kept == 0 and worst.kind in {"unreadable_time", "unreadable_number", "blank"}:
            message = f"in no row can time and prices be read ({worst.message}, row {worst.rows[0]})"
            raise not_candles(self._name, message)
        raise bad_file(
            self._name,
            f"{self._rows_in - kept:,} of {self._rows_in:,} rows are defective; most of all: {worst.line()}.",
            "mostly_defective",
            row=worst.rows[0],
            field=next((name for name in (*PRICE_FIELDS, "volume") if worst.message.startswith(name)), "time"),
            count=self._rows_in - kept,
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
            content.name,
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
