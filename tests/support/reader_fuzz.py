"""Damaged vendor files: read or refused in a sentence, and every candle that is read stands in the damaged file.

What a file says is found out here without any help from the readers: lines are cut at the delimiter of the layout,
numbers and times are read as a person would, leniently (each text may mean several things). A candle that no line means
is wrong. A million damaged bytes: ``make fuzz``; any number: ``python -m tests.support.reader_fuzz --bytes N``.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from itertools import product
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import feather

from candleloop.candles.frame import Candles
from candleloop.candles.readers import ImportedCandles, read_candles
from candleloop.errors import CandleloopError
from tests.support import vendor_files
from tests.support.vendor_files import VENDOR_FILES, VendorFile, candles_for

TELLING = np.frombuffer(b"0123456789.,;:-+/ eE\"'\n\r\tTZKMNaninf\x00\xff\xef$", dtype=np.uint8)
"""Bytes that mean something to a reader."""
UNTOUCHED = 6
"""Lines at the beginning of a file without a header that stay as they are: they say which vendor's it is."""
PRICES = ("open", "high", "low", "close")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Row = tuple[set[int], list[set[float]], set[float]]
"""What a line may mean: times in microseconds, the four prices, the volume."""


@dataclass(frozen=True)
class Layout:
    """Where a line of a layout has its time, its prices (open, high, low, close) and what may be its volume."""

    time: tuple[int, ...]
    prices: tuple[int, int, int, int]
    volumes: tuple[int, ...] = ()
    delimiter: str = ","
    zone: str = "UTC"
    day_first: bool = False
    scale: int = 1
    encoding: str = "utf-8"
    stamped_at_close: bool = False


LAYOUTS: dict[Callable[[Candles], bytes], Layout] = {
    vendor_files.generic: Layout((3,), (2, 4, 5, 1), (0,)),
    vendor_files.yahoo: Layout((0,), (1, 2, 3, 4), (6,)),
    vendor_files.yahoo_old: Layout((0,), (1, 2, 3, 4), (5,)),
    vendor_files.yfinance: Layout((0,), (4, 2, 3, 1), (5,)),
    vendor_files.yfinance_history: Layout((0,), (1, 2, 3, 4), (5,)),
    vendor_files.binance: Layout((0,), (1, 2, 3, 4), (5, 7)),
    vendor_files.binance_headed: Layout((0,), (1, 2, 3, 4), (5, 7)),
    vendor_files.cryptodatadownload: Layout((0,), (2, 3, 4, 5), (6, 7)),
    vendor_files.metatrader4: Layout((0, 1), (2, 3, 4, 5), (6,)),
    vendor_files.metatrader5: Layout((0, 1), (2, 3, 4, 5), (6, 7), delimiter="\t", encoding="utf-16"),
    vendor_files.dukascopy: Layout((0,), (1, 2, 3, 4), (5,), day_first=True),
    vendor_files.ninjatrader: Layout((0,), (1, 2, 3, 4), (5,), delimiter=";", stamped_at_close=True),
    vendor_files.histdata: Layout((0,), (1, 2, 3, 4), (5,), delimiter=";", zone="Etc/GMT+5"),
    vendor_files.histdata_metatrader: Layout((0, 1), (2, 3, 4, 5), (6,), zone="Etc/GMT+5"),
    vendor_files.kraken: Layout((0,), (1, 2, 3, 4), (5,)),
    vendor_files.bitfinex: Layout((0,), (1, 3, 4, 2), (5,)),
    vendor_files.alphavantage: Layout((0,), (1, 2, 3, 4), (5,), zone="America/New_York"),
    vendor_files.stooq: Layout((2, 3), (4, 5, 6, 7), (8,)),
    vendor_files.quantconnect: Layout((0,), (1, 2, 3, 4), (5,), zone="America/New_York", scale=10_000),
}


def mutations(data: bytes, seed: int, budget: int) -> Iterator[tuple[bytes, int]]:
    """Yield damaged copies, each with the number of bytes changed, until ``budget`` bytes are changed in all."""
    rng = np.random.default_rng(seed)
    while budget > 0:
        changed, spent = bytearray(data), 0
        for _ in range(int(rng.integers(1, 4))):
            place = int(rng.integers(0, len(changed)))
            size = min(int(rng.choice([1, 2, 8, 200, 2_000])), len(changed) - place)
            block = changed[place : place + size]
            match int(rng.integers(0, 6)):
                case 0:
                    changed[place : place + size] = rng.integers(0, 256, size, dtype=np.uint8).tobytes()
                case 1:
                    changed[place : place + size] = rng.choice(TELLING, size).tobytes()
                case 2:
                    del changed[place : place + size]
                case 3:
                    other = int(rng.integers(0, len(changed)))
                    changed[other:other] = block
                case 4:
                    lines = bytes(changed).split(b"\n")
                    first, second = rng.integers(0, len(lines), 2).tolist()
                    lines[first], lines[second] = lines[second], lines[first]
                    changed = bytearray(b"\n".join(lines))
                    size = len(lines[first]) + len(lines[second]) if len(lines) > 1 else 1
                case _:
                    del changed[max(place, 1) :]
                    size = 1
            spent += size
            if not changed:
                break
        budget -= max(spent, 1)
        yield bytes(changed), spent


def read_or_refuse(data: bytes, name: str) -> ImportedCandles | None:
    """Return what a file holds, None when it is refused in a sentence."""
    try:
        imported = read_candles(data, name=name)
    except CandleloopError:
        return None
    candles, report = imported.candles, imported.report
    Candles.checked(time=candles.time, **candles.columns())
    quarantined = sum(defect.count for defect in report.defects if defect.action == "quarantined")
    assert report.rows_kept == len(candles) == report.rows_in - quarantined
    return imported


def numbers_of(text: str) -> set[float]:
    """Return what a text may mean as a number."""
    text = re.sub(r"^([+-]?)\s*[$€£¥]\s*", r"\1", text.strip().strip("\"'").strip()).strip()
    factor = {"K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}.get(text[-1:].upper(), 1)
    text = text[:-1].strip() if factor > 1 else text
    forms = {text}
    if re.fullmatch(r"[+-]?\d{1,3}([, '\u00a0]\d{3})+(\.\d*)?", text):
        forms.add(re.sub(r"[, '\u00a0]", "", text))
    if re.fullmatch(r"[+-]?(\d{1,3}([. '\u00a0]\d{3})+|\d*),\d*([eE][+-]?\d+)?", text):
        forms.add(re.sub(r"[. '\u00a0]", "", text).replace(",", "."))
    if re.fullmatch(r"[+-]?\d{1,3}([. '\u00a0]\d{3})+", text):
        forms.add(re.sub(r"[. '\u00a0]", "", text))
    found = set()
    for form in forms:
        try:
            value = Decimal(form) * factor
        except ArithmeticError:
            continue
        if value.is_finite():
            found.add(float(value))
    return found


_DATE = re.compile(
    r"(?P<a>\d{1,4})[-/. ](?P<b>\d{1,2})[-/. ](?P<c>\d{1,4})|(?P<y>\d{4})(?P<m>\d\d)(?P<d>\d\d)(?=$|[T ])"
)
_CLOCK = re.compile(
    r"(?P<h>\d{1,2})(?::?(?P<m>\d{1,2})(?::?(?P<s>\d{1,2})(?:[.,:](?P<f>\d+))?)?)?[- ]?(?P<half>[AaPp][Mm])?"
    r"\s*(?P<zone>Z|UTC|GMT|[+-]\d{1,2}(?::?\d{2})?)?"
)


def times_of(text: str, layout: Layout) -> set[int]:
    """Return what a text may mean as a time, in microseconds since 1970 UTC."""
    text = text.strip().strip("\"'").strip()
    found = set()
    for value in _epochs(text):
        size = abs(value)
        scale = Decimal(
            10**6 if size < 10**11 else 10**3 if size < 10**14 else 1 if size < 10**17 else Decimal("0.001")
        )
        found.add(int((value * scale).to_integral_value("ROUND_FLOOR")))
    date = _DATE.match(text)
    if date is None:
        return found
    clock_text = text[date.end() :].lstrip("T ,:").strip()
    clock = _CLOCK.fullmatch(clock_text or "0")
    if clock is None:
        return found
    for day in _days(date, layout.day_first):
        try:
            moment = day + _clock(clock)
        except (ValueError, OverflowError):
            continue
        if clock["zone"]:
            offset = _offset(clock["zone"])
            found |= {_microseconds(moment.replace(tzinfo=offset)), _microseconds(moment.replace(tzinfo=UTC))}
            continue
        zone = ZoneInfo(layout.zone)
        found |= {_microseconds(moment.replace(tzinfo=zone, fold=fold)) for fold in (0, 1)}
        if moment == day:
            # A file of nothing but midnights has calendar days.
            found.add(_microseconds(moment.replace(tzinfo=UTC)))
    return found


def _epochs(text: str) -> list[Decimal]:
    try:
        value = Decimal(text)
    except ArithmeticError:
        return []
    return [value] if value.is_finite() and value.copy_abs() < 10**20 else []


def _days(date: re.Match[str], day_first: bool) -> Iterator[datetime]:
    if date["y"]:
        parts = [(int(date["y"]), int(date["m"]), int(date["d"]))]
    else:
        a, b, c = (int(date[name]) for name in "abc")
        parts = [(a, b, c), (c, b, a) if day_first else (c, a, b), (c, b, a)]
    for year, month, day in parts:
        if year < 100:
            year += 1900 if year >= 70 else 2000
        try:
            yield datetime(year, month, day)  # noqa: DTZ001
        except ValueError:
            continue


def _clock(clock: re.Match[str]) -> timedelta:
    hour = int(clock["h"])
    if clock["half"]:
        hour = hour % 12 + (12 if clock["half"].upper() == "PM" else 0)
    fraction = Decimal(f"0.{clock['f']}") if clock["f"] else Decimal(0)
    return timedelta(
        hours=hour,
        minutes=int(clock["m"] or 0),
        seconds=int(clock["s"] or 0),
        microseconds=int(fraction * 10**6),
    )


def _offset(text: str) -> timezone:
    if text[0] not in "+-":
        return timezone.utc  # noqa: UP017
    digits = text[1:].replace(":", "")
    minutes = int(digits[:2]) * 60 + int(digits[2:] or 0)
    return timezone(timedelta(minutes=min(minutes, 1_439)) * (-1 if text[0] == "-" else 1))


def _microseconds(moment: datetime) -> int:
    return (moment.astimezone(UTC) - EPOCH) // timedelta(microseconds=1)


def lines_say(data: bytes, layout: Layout) -> Iterator[Row]:
    """Yield what each line of a text may mean."""
    needed = max((*layout.time, *layout.prices)) + 1
    for encoding in (layout.encoding, "latin-1"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        break
    for line in re.split(r"[\r\n]+", text.lstrip("\ufeff")):
        fields = line.split(layout.delimiter)
        if len(fields) < needed:
            continue
        moments = times_of(" ".join(fields[place].strip() for place in layout.time), layout)
        prices = [{value / layout.scale for value in numbers_of(fields[place])} for place in layout.prices]
        volume = {value for place in layout.volumes if place < len(fields) for value in numbers_of(fields[place])}
        if moments and all(prices):
            yield moments, prices, volume


def json_says(data: bytes, file: VendorFile) -> Iterator[Row]:
    """Yield what each record of a JSON file may mean."""
    try:
        found = json.loads(data)
    except UnicodeDecodeError:
        try:
            found = json.loads(data.decode("latin-1"))
        except ValueError:
            return
    except ValueError:
        return
    zone = Layout((), (0, 0, 0, 0), zone="America/New_York" if file.write is vendor_files.alphavantage_json else "UTC")
    if isinstance(found, dict):
        for series in found.values():
            if isinstance(series, dict):
                for moment, bar in series.items():
                    if isinstance(bar, dict):
                        yield from _record([moment, *(_ending(bar, name) for name in (*PRICES, "volume"))], zone)
    elif isinstance(found, list):
        for record in found:
            if isinstance(record, dict):
                yield from _record([_ending(record, name) for name in ("time", *PRICES, "volume")], zone)
            elif isinstance(record, list) and len(record) >= 5:
                yield from _record(record, zone)


def _ending(record: dict[str, object], name: str) -> object:
    return next((value for key, value in record.items() if key.lower().endswith(name)), None)


def _record(values: Sequence[object], zone: Layout) -> Iterator[Row]:
    # The shortest text of a float is the float; a long number of a file is rounded when it is read.
    texts = ["" if value is None else str(value) for value in values]
    prices = [numbers_of(text) for text in texts[1:5]]
    yield times_of(texts[0], zone), prices, numbers_of(texts[5]) if len(texts) > 5 else set()


def table_says(data: bytes, read: Callable[[io.BytesIO], pa.Table]) -> Iterator[Row]:
    """Yield what each row of a Parquet or Feather file is."""
    try:
        table = read(io.BytesIO(data))
        moments = table["date"].cast(pa.timestamp("us", tz="UTC"), safe=False).cast(pa.int64()).to_pylist()
        columns = [table[name].to_pylist() for name in (*PRICES, "volume")]
    except (pa.ArrowException, KeyError, OSError, ValueError, UnicodeDecodeError):
        return
    for moment, *values in zip(moments, *columns, strict=True):
        if moment is not None and None not in values:
            yield {moment}, [{value} for value in values[:4]], {values[4]}


@dataclass
class Outcome:
    """What fuzzing one layout came to."""

    layout: str
    files: int = 0
    bytes: int = 0
    refused: int = 0
    candles: int = 0
    problems: list[str] = field(default_factory=list)


def fuzz(file: VendorFile, *, budget: int, seed: int) -> Outcome:
    """Damage a layout until ``budget`` bytes are changed and hold every candle that is read against what is written."""
    outcome = Outcome(file.write.__name__)
    whole = file.write(candles_for(file, 60))
    head, body = _untouched(file, whole)
    for damaged, spent in mutations(body, seed, budget):
        data = head + damaged
        outcome.files, outcome.bytes = outcome.files + 1, outcome.bytes + spent
        try:
            imported = read_or_refuse(data, file.name)
        except Exception as error:
            outcome.problems.append(f"{type(error).__name__}: {error} in {data!r}")
            continue
        if imported is None:
            outcome.refused += 1
            continue
        outcome.candles += len(imported.candles)
        if wrong := _wrong(imported, list(_says(data, file)), LAYOUTS.get(file.write)):
            outcome.problems.append(f"nobody wrote {wrong[0]} ({len(wrong)} such candles) in {data!r}")
    return outcome


def fuzz_anywhere(file: VendorFile, *, budget: int, seed: int) -> Outcome:
    """Damage a layout anywhere, its header too; then nothing but failures and reports that do not add up are told."""
    outcome = Outcome(file.write.__name__)
    for data, spent in mutations(file.write(candles_for(file, 60)), seed, budget):
        outcome.files, outcome.bytes = outcome.files + 1, outcome.bytes + spent
        try:
            imported = read_or_refuse(data, file.name)
        except Exception as error:
            outcome.problems.append(f"{type(error).__name__}: {error} in {data!r}")
            continue
        outcome.refused += imported is None
        outcome.candles += 0 if imported is None else len(imported.candles)
    return outcome


def _untouched(file: VendorFile, whole: bytes) -> tuple[bytes, bytes]:
    """Return the lines that say which columns there are, and the rest."""
    if not file.lines:
        return b"", whole
    newline = "\n".encode("utf-16-le") if LAYOUTS[file.write].encoding == "utf-16" else b"\n"
    place = 0
    for _ in range(file.header or UNTOUCHED):
        place = whole.index(newline, place) + len(newline)
    return whole[:place], whole[place:]


def _says(data: bytes, file: VendorFile) -> Iterator[Row]:
    if file.name.endswith(".json"):
        return json_says(data, file)
    if file.name.endswith(".parquet"):
        return table_says(data, pq.read_table)
    if file.name.endswith(".feather"):
        return table_says(data, feather.read_table)
    return lines_say(data, LAYOUTS[file.write])


def _wrong(imported: ImportedCandles, rows: list[Row], layout: Layout | None) -> list[tuple[float, ...]]:
    """Return the candles that no row means."""
    shift = imported.timeframe_seconds * 10**6 if layout is not None and layout.stamped_at_close else 0
    by_time: dict[int, list[Row]] = {}
    for row in rows:
        for moment in row[0]:
            by_time.setdefault(moment - shift, []).append(row)
    candles = imported.candles
    columns = [getattr(candles, name).tolist() for name in PRICES]
    volume = [None] * len(candles) if candles.volume is None else candles.volume.tolist()
    return [
        (moment, *prices, traded)
        for moment, traded, *prices in zip(candles.time.tolist(), volume, *columns, strict=True)
        if not any(
            all(_among(value, said) for value, said in zip(prices, row[1], strict=True))
            and (traded is None or _among(traded, row[2]))
            for row in by_time.get(moment, ())
        )
    ]


def _among(value: float, said: set[float]) -> bool:
    return value in said or any(abs(value - one) <= 1e-14 * abs(one) for one in said)


def say(line: str) -> None:
    """Write a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> int:
    """Fuzz every layout and say what came out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bytes", type=int, default=1_000_000, help="bytes to damage in all")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="another one each run unless given")
    parser.add_argument("--layout", help="one layout only, such as binance")
    options = parser.parse_args()
    files = [file for file in VENDOR_FILES if options.layout in (None, file.write.__name__)]
    say(f"seed {options.seed}")
    outcomes = [
        run(file, budget=options.bytes // (2 * len(files)) + 1, seed=options.seed)
        for file, run in product(files, (fuzz, fuzz_anywhere))
    ]
    for one in outcomes:
        say(
            f"{one.layout:22} {one.bytes:>10,} bytes in {one.files:>6,} files, {one.refused:>6,} refused, "
            f"{one.candles:>9,} candles, {len(one.problems)} problems"
        )
        for problem in one.problems[:3]:
            say(f"    {problem[:2_000]}")
    failed = sum(len(one.problems) for one in outcomes)
    say(f"{sum(one.bytes for one in outcomes):,} bytes damaged, {failed} problems")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
