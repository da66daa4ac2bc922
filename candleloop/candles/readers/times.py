"""Times as files write them, into int64 microseconds since 1970 UTC: epochs, ISO-8601, dates in any known order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from candleloop.candles.frame import MICROSECONDS, IntArray
from candleloop.candles.readers.dates import DateFields, microseconds_of, read_fields
from candleloop.candles.readers.numbers import NULLS
from candleloop.errors import BadRequest

BoolArray = npt.NDArray[np.bool_]

_DAY = 86_400 * MICROSECONDS
_EARLIEST = int(datetime(1800, 1, 1, tzinfo=UTC).timestamp()) * MICROSECONDS
_LATEST = int(datetime(2200, 1, 1, tzinfo=UTC).timestamp()) * MICROSECONDS
ASSUMED_UTC = "assumed UTC"
"""What a report says about times whose zone nothing tells: neither an offset, nor the vendor, nor the caller."""
SHORTEST_EPOCH = 10**8
"""Smaller numbers are no epochs: a torn line must not become a candle of 1970."""
EPOCH_TEXT = r"^-?\d{9,19}(\.\d*)?([eE]\+?\d{1,2})?$|^\d\.\d+[eE]\+?\d{1,2}$"


@dataclass(frozen=True)
class Times:
    """Parsed times.

    Parameters
    ----------
    values
        int64 array of shape (n_rows,), microseconds since 1970 UTC; 0 where unreadable.
    good
        Where the text is a time between the years 1800 and 2200.
    unit
        The unit of each epoch as a number (0 s, 1 ms, 2 us, 3 ns), int8 array of shape (n_rows,); -1 where it is none.
    ambiguous
        Rows whose local time does not exist or occurs twice in the time zone (clock changes).
    zone
        In words, where the time zone comes from.
    day_first
        How days and months of the year-last kind were read; None where there are none.
    """

    values: IntArray
    good: BoolArray
    unit: npt.NDArray[np.int8]
    ambiguous: BoolArray
    zone: str
    day_first: bool | None = None


def zone_called(name: str) -> tzinfo:
    """Return a time zone by its IANA name.

    Raises
    ------
    BadRequest
        When there is no such time zone.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadRequest(
            f"{name!r} is not a time zone (write it like America/New_York).",
            code="bad_timezone",
            field="timezone",
            value=name,
        ) from error


def read_times(
    date: pa.ChunkedArray,
    clock: pa.ChunkedArray | None = None,
    *,
    vendor_zone: str | None = None,
    timezone: str | None = None,
    day_first: bool | None = None,
) -> Times:
    """Parse a column of times.

    Parameters
    ----------
    date
        Arrow array of shape (n_rows,): text, integers, floats or timestamps.
    clock
        The time of day where it has a column of its own.
    vendor_zone
        IANA name of the zone that the vendor's times without offset are in, where that is documented.
    timezone
        IANA name that the caller states; wins over ``vendor_zone``.
    day_first
        Whether ``01.02.2020`` is the first of February; by evidence when None.

    Raises
    ------
    BadCandles
        ``ambiguous_dates`` when day and month cannot be told apart.
    BadRequest
        When ``timezone`` is no time zone.
    """
    stated = zone_called(timezone) if timezone else None
    if pa.types.is_timestamp(date.type) or pa.types.is_date(date.type):
        local, good, zoned = _of_timestamps(date)
        if zoned:
            return _finished(local, good, "as written (UTC)")
        return _localised(local, good, vendor_zone, timezone, stated)
    if clock is None and (epochs := _of_epochs(date)) is not None:
        return epochs
    text = pc.utf8_trim_whitespace(pc.cast(date, pa.string()))
    if clock is not None:
        clocks = pc.fill_null(pc.utf8_trim_whitespace(pc.cast(clock, pa.string())), "")
        text = pc.binary_join_element_wise(text, clocks, " ")
    elif (quick := _quick_iso(text)) is not None:
        values, zoned = quick
        if zoned:
            return _from_offsets(values, np.ones(len(values), dtype=bool), _quick_offsets(text))
        return _localised(values, np.ones(len(values), dtype=bool), vendor_zone, timezone, stated)
    fields = read_fields(text, day_first=day_first)
    local, good = microseconds_of(fields)
    times = _of_fields(fields, local, good, vendor_zone, timezone, stated)
    return replace(times, day_first=fields.day_first)


def _of_fields(
    fields: DateFields,
    local: IntArray,
    good: BoolArray,
    vendor: str | None,
    timezone: str | None,
    stated: tzinfo | None,
) -> Times:
    if fields.has_offset[good].all() and good.any():
        return _from_offsets(local - fields.offset, good, fields.offset)
    if not fields.has_offset[good].any():
        return _localised(local, good, vendor, timezone, stated)
    # Some rows carry an offset and some do not: the ones without are in the zone of the file, if that is known.
    naive = _localised(local, good & ~fields.has_offset, vendor, timezone, stated)
    values = np.where(fields.has_offset, local - fields.offset, naive.values)
    times = _finished(values, np.where(fields.has_offset, good, naive.good), f"offsets in the file, else {naive.zone}")
    return replace(times, ambiguous=naive.ambiguous)


def _of_epochs(column: pa.ChunkedArray) -> Times | None:
    """Parse epochs in s, ms, us or ns, each value by its own size; None when the column holds something else."""
    if pa.types.is_integer(column.type):
        known = np.asarray(pc.is_valid(column).to_numpy(), dtype=bool)
        whole = pc.fill_null(pc.cast(column, pa.int64(), safe=False), 0).to_numpy()
        compact = (whole >= 18_000_101) & (whole <= 99_991_231) | (whole >= 18_000_101_000_000) & (
            whole <= 22_000_101_000_000
        )
        if compact[known].mean() > 0.5 or not known.any():
            return None
        return _scaled(whole, known & (np.abs(whole) >= SHORTEST_EPOCH))
    if pa.types.is_floating(column.type):
        numbers = pc.fill_null(pc.cast(column, pa.float64()), float("nan")).to_numpy()
        return _scaled_floats(numbers)
    text = pc.utf8_trim_whitespace(pc.cast(column, pa.string()))
    usual = pc.fill_null(pc.match_substring_regex(text, EPOCH_TEXT), False)
    mask = np.asarray(usual.to_numpy(), dtype=bool)
    given = ~np.asarray(pc.is_in(text, value_set=pa.array([*NULLS, None])).to_numpy(), dtype=bool)
    if not mask.any() or mask.sum() < 0.5 * given.sum():
        return None
    whole_text = pc.fill_null(pc.match_substring_regex(text, r"^-?(\d{9,18}|[0-8]\d{18})(\.0*)?$"), False)
    whole = np.asarray(whole_text.to_numpy(), dtype=bool)
    digits = pc.replace_substring_regex(text, r"\.0*$", "")
    integers = pc.fill_null(pc.cast(pc.if_else(whole_text, digits, None), pa.int64()), 0).to_numpy()
    if _is_compact(integers[whole]):
        return None
    result = _scaled(integers, whole)
    if (mask & ~whole).any():
        rest = pc.if_else(pc.and_(usual, pc.invert(whole_text)), text, None)
        floats = _scaled_floats(pc.fill_null(pc.cast(rest, pa.float64()), float("nan")).to_numpy())
        values = np.where(whole, result.values, floats.values)
        good = np.where(whole, result.good, floats.good)
        return replace(_finished(values, good, result.zone), unit=np.where(whole, result.unit, floats.unit))
    return result


def _is_compact(values: IntArray) -> bool:
    """Tell whether numbers are really dates written without separators, ``YYYYMMDDHHMM[SS]``."""
    if len(values) == 0:
        return False
    for digits in (12, 14):
        low, high = 10 ** (digits - 1), 10**digits
        if ((values >= low) & (values < high)).all():
            tail = values // 10 ** (digits - 12)
            month, day = tail // 1_000_000 % 100, tail // 10_000 % 100
            hour, minute = tail // 100 % 100, tail % 100
            year = tail // 100_000_000
            fits = (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31) & (hour < 24) & (minute < 60)
            return bool((fits & (year >= 1800) & (year < 2200)).all())
    return False


def _scaled(values: IntArray, known: BoolArray) -> Times:
    size = np.abs(values)
    unit = np.searchsorted(np.array([10**11, 10**14, 10**17], dtype=np.int64), size, side="right")
    scaled = np.select(
        [unit == 0, unit == 1, unit == 2], [values * MICROSECONDS, values * 1000, values], default=values // 1000
    )
    times = _finished(scaled, known, "UTC (epoch)")
    return replace(times, unit=np.where(known, unit, -1).astype(np.int8))


def _scaled_floats(numbers: npt.NDArray[np.float64]) -> Times:
    known = np.isfinite(numbers) & (np.abs(numbers) < 9e18)
    numbers = np.where(known, numbers, 0.0)
    whole = np.rint(numbers).astype(np.int64)
    # Seconds with a fraction keep it; nobody writes parts of a millisecond, so such a number is torn.
    fraction = (np.abs(numbers) < 1e11) & (numbers != whole)
    result = _scaled(whole, known & (fraction | (numbers == whole)))
    values = np.where(
        fraction, np.rint(np.where(fraction, numbers, 0.0) * MICROSECONDS).astype(np.int64), result.values
    )
    return replace(result, values=values)


def _quick_iso(text: pa.ChunkedArray) -> tuple[IntArray, bool] | None:
    """Parse a column of which every value is ISO-8601, all with or all without offset; None when one is not."""
    if text.null_count:
        return None
    for kind, zoned in ((pa.timestamp("us"), False), (pa.timestamp("us", tz="UTC"), True)):
        try:
            return pc.cast(pc.cast(text, kind), pa.int64()).to_numpy(), zoned
        except pa.ArrowException:
            continue
    return None


def _quick_offsets(text: pa.ChunkedArray) -> IntArray:
    parts = pc.extract_regex(text, r"(?P<sign>[+-])(?P<hours>\d{2}):?(?P<minutes>\d{2})?$")
    sign, hours, minutes = (
        pc.fill_null(pc.replace_substring_regex(pc.struct_field(parts, name), r"^$", "00"), "00")
        for name in ("sign", "hours", "minutes")
    )
    size = (_small_ints(hours) * 60 + _small_ints(minutes)) * 60 * MICROSECONDS
    return np.where(np.asarray(pc.equal(sign, "-").to_numpy(), dtype=bool), -size, size)


def _small_ints(text: pa.ChunkedArray) -> IntArray:
    return np.asarray(pc.cast(text, pa.int64()).to_numpy(), dtype=np.int64)


def _from_offsets(values: IntArray, good: BoolArray, offset: IntArray) -> Times:
    """Finish times that carry an offset; candles that always begin at local midnight are calendar days."""
    local = values + offset
    if good.any() and offset[good].any() and (local[good] % _DAY == 0).all():
        return _finished(local, good, "calendar dates (midnight at the exchange)")
    return _finished(values, good, "offsets in the file")


def _localised(
    local: IntArray, good: BoolArray, vendor: str | None, timezone: str | None, stated: tzinfo | None
) -> Times:
    """Turn local times into UTC by the stated zone, else the vendor's, else by assuming UTC."""
    if good.any() and (local[good] % _DAY == 0).all():
        return _finished(local, good, "calendar dates")
    zone = stated or (zone_called(vendor) if vendor else None)
    if zone is None:
        return _finished(local, good, ASSUMED_UTC)
    words = f"{timezone} (stated)" if stated else f"{vendor} (as the vendor documents)"
    if str(zone) == "UTC":
        return _finished(local, good, words)
    offset, ambiguous = _offsets_of(local, good, zone)
    times = _finished(local - offset, good & ~ambiguous, words)
    return replace(times, ambiguous=ambiguous)


def _offsets_of(local: IntArray, good: BoolArray, zone: tzinfo) -> tuple[IntArray, BoolArray]:
    """Return the UTC offset in microseconds of each local time, and which times are skipped or repeated there."""
    hours, inverse = np.unique(np.where(good, local, 0) // (900 * MICROSECONDS), return_inverse=True)
    offsets = np.zeros(len(hours), dtype=np.int64)
    doubtful = np.zeros(len(hours), dtype=bool)
    days = np.unique(hours // 96)
    for day in days.tolist():
        first, last = np.searchsorted(hours, [day * 96, (day + 1) * 96])
        edges = [_offset_at(day * _DAY + step * _DAY, zone) for step in (-1, 0, 1, 2)]
        if len(set(edges)) == 1:
            offsets[first:last] = edges[0]
            continue
        for place in range(int(first), int(last)):
            moment = int(hours[place]) * 900 * MICROSECONDS
            early, late = _offset_at(moment, zone), _offset_at(moment, zone, fold=1)
            offsets[place] = early
            doubtful[place] = early != late
    return offsets[inverse], doubtful[inverse] & good


def _offset_at(local: int, zone: tzinfo, fold: int = 0) -> int:
    if not _EARLIEST <= local < _LATEST:
        return 0
    moment = (datetime(1970, 1, 1) + timedelta(microseconds=local)).replace(tzinfo=zone, fold=fold)  # noqa: DTZ001
    offset = moment.utcoffset()
    return 0 if offset is None else round(offset.total_seconds()) * MICROSECONDS


def _of_timestamps(column: pa.ChunkedArray) -> tuple[IntArray, BoolArray, bool]:
    good = np.asarray(pc.is_valid(column).to_numpy(), dtype=bool)
    zoned = pa.types.is_timestamp(column.type) and column.type.tz is not None
    try:
        micros = pc.cast(column, pa.timestamp("us", tz=column.type.tz if zoned else None), safe=False)
    except pa.ArrowException:
        return np.zeros(len(column), dtype=np.int64), np.zeros(len(column), dtype=bool), zoned
    return pc.fill_null(pc.cast(micros, pa.int64()), 0).to_numpy(), good, zoned


def _finished(values: IntArray, good: BoolArray, zone: str) -> Times:
    good = good & (values >= _EARLIEST) & (values < _LATEST)
    no_unit = np.full(len(values), -1, dtype=np.int8)
    return Times(np.where(good, values, 0), good, no_unit, np.zeros(len(values), dtype=bool), zone)
