"""Dates and times of day as text, split into their fields by regular expressions over whole columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from candleloop.candles.frame import MICROSECONDS, IntArray
from candleloop.errors import BadCandles

BoolArray = npt.NDArray[np.bool_]

_CLOCK = (
    r"(?:(?P<join>[T ]+|:)(?P<hour>\d{1,2})(?:(?P<colon>:?)(?P<minute>\d{2})"
    r"(?:(?P<other_colon>:?)(?P<second>\d{2})(?:[.,:](?P<fraction>\d{1,9}))?)?)?"
    r"[ -]?(?P<half>AM|PM|am|pm)?)?"
)
_OFFSET = r" ?(?P<offset>Z|UTC|GMT|(?:UTC|GMT)?[+-]\d{2}(?::?\d{2})?)?"
_YEAR_FIRST = (
    r"^(?P<year>\d{4})(?P<mark>[-./])(?P<month>\d{1,2})(?P<other_mark>[-./])(?P<day>\d{1,2})" + _CLOCK + _OFFSET + "$"
)
_COMPACT = r"^(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})" + _CLOCK.replace("[T ]+|:", "[T ]*", 1) + _OFFSET + "$"
_YEAR_LAST = (
    r"^(?P<first>\d{1,2})(?P<mark>[-./])(?P<second_field>\d{1,2})(?P<other_mark>[-./])(?P<year>\d{4}|\d{2})"
    + _CLOCK
    + _OFFSET
    + "$"
)
_MONTH_NAMED = r"^(?P<day>\d{1,2})[- ](?P<name>[A-Za-z]{3,9})[- ,]+(?P<year>\d{4})" + _CLOCK + _OFFSET + "$"
_NAME_FIRST = r"^(?P<name>[A-Za-z]{3,9})[- ]+(?P<day>\d{1,2}),?[- ]+(?P<year>\d{4})" + _CLOCK + _OFFSET + "$"
_MARKED = (_YEAR_FIRST, _YEAR_LAST)
_WIDEST_OFFSET = 14 * 3600 * MICROSECONDS
"""The furthest that a zone is from UTC (Pacific/Kiritimati)."""
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


@dataclass(frozen=True)
class DateFields:
    """The fields of a column of dates, int64 arrays of shape (n_rows,); ``year`` is 0 where the text is no date."""

    year: IntArray
    month: IntArray
    day: IntArray
    clock: IntArray
    """Time of day in microseconds; -1 where it is none."""
    has_offset: BoolArray
    offset: IntArray
    """Offset from UTC in microseconds."""
    day_first: bool | None
    """How dates with the year last were read; None where there are none."""


def read_fields(text: pa.ChunkedArray, *, day_first: bool | None = None) -> DateFields:
    """Split dates into fields.

    Raises
    ------
    BadCandles
        ``ambiguous_dates`` when the order of day and month is neither given nor follows from the dates.
    """
    n = len(text)
    fields = {name: np.zeros(n, dtype=np.int64) for name in ("year", "month", "day", "clock", "offset")}
    has_offset = np.zeros(n, dtype=bool)
    open_rows = np.ones(n, dtype=bool)
    year_last: list[tuple[npt.NDArray[np.intp], dict[str, IntArray]]] = []
    for pattern in (_YEAR_FIRST, _YEAR_LAST, _COMPACT, _MONTH_NAMED, _NAME_FIRST):
        rows = np.flatnonzero(open_rows)
        if len(rows) == 0:
            break
        part = text if len(rows) == n else pc.take(text, pa.array(rows))
        found = pc.extract_regex(part, pattern)
        hit = np.asarray(pc.is_valid(found).to_numpy(), dtype=bool)
        if not hit.any():
            continue
        rows = rows[hit]
        groups = pc.filter(found, pa.array(hit))
        open_rows[rows] = False
        has_offset[rows], fields["offset"][rows] = _offset(groups)
        torn = _torn(groups, fields["offset"][rows], marked=pattern in _MARKED, compact=pattern is _COMPACT)
        fields["clock"][rows] = np.where(torn, -1, _clock(groups))
        if pattern is _YEAR_LAST:
            year_last.append((rows, {name: _ints(groups, name) for name in ("first", "second_field", "year")}))
            continue
        fields["year"][rows], fields["day"][rows] = _ints(groups, "year"), _ints(groups, "day")
        named = pattern in (_MONTH_NAMED, _NAME_FIRST)
        fields["month"][rows] = _named_months(groups) if named else _ints(groups, "month")
    found = None
    for rows, parts in year_last:
        first, second, year = parts["first"], parts["second_field"], parts["year"]
        short = year < 100
        year = np.where(short, np.where(year < 70, 2000 + year, 1900 + year), year)
        if short.any() and day_first is None:
            raise BadCandles(
                "The dates have years of two digits, so day, month and year cannot be told apart; say what is first.",
                code="ambiguous_dates",
                field="time",
            )
        found = _is_day_first(first, second, year, fields["clock"][rows], given=day_first)
        if found:
            first, second = second, first
        fields["year"][rows], fields["month"][rows], fields["day"][rows] = year, first, second
    return DateFields(has_offset=has_offset, day_first=found, **fields)


def microseconds_of(fields: DateFields) -> tuple[IntArray, BoolArray]:
    """Return the local time in microseconds since 1970 and where the fields are a date that exists."""
    lengths = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
    year, month, day = fields.year, fields.month, fields.day
    good = (year >= 1) & (month >= 1) & (month <= 12) & (day >= 1) & (fields.clock >= 0)
    month = np.where(good, month, 1)
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0)) & (month == 2)
    good &= day <= lengths[month] + leap
    return np.where(good, _days(year, month, day) * 86_400 * MICROSECONDS + fields.clock, 0), good


def _days(year: IntArray, month: IntArray, day: IntArray) -> IntArray:
    """Return days since 1970-01-01 of proleptic Gregorian dates (Hinnant's days_from_civil)."""
    shifted = year - (month <= 2)
    era = shifted // 400
    year_of_era = shifted - era * 400
    day_of_year = (153 * (month + np.where(month > 2, -3, 9)) + 2) // 5 + day - 1
    day_of_era = year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year
    return np.asarray(era * 146_097 + day_of_era - 719_468, dtype=np.int64)


def _is_day_first(first: IntArray, second: IntArray, year: IntArray, clock: IntArray, *, given: bool | None) -> bool:
    """Decide by what the caller says, else by what the dates themselves say; refuse when they say nothing."""
    if given is not None:
        return given
    if (first > 12).any() != (second > 12).any():
        return bool((first > 12).any())
    if not (first > 12).any():
        readings = [_days(year, second, first), _days(year, first, second)]
        orders = [_inversions(days * 86_400 * MICROSECONDS + clock) for days in readings]
        if (orders[0] == 0) != (orders[1] == 0):
            return orders[0] == 0
        if len(np.unique(clock)) > 1:
            # Several candles a day: the reading in which the days follow one another is the right one.
            steps = [int(np.diff(np.unique(days)).max(initial=0)) for days in readings]
            if min(steps) <= 5 and max(steps) >= 25:
                return steps[0] < steps[1]
    raise BadCandles(
        "Day and month cannot be told apart in the dates; say which comes first.",
        code="ambiguous_dates",
        field="time",
    )


def _inversions(values: IntArray) -> int:
    steps = np.diff(values)
    return min(int((steps < 0).sum()), int((steps > 0).sum()))


def _clock(groups: pa.ChunkedArray) -> IntArray:
    hour, minute, second = (_ints(groups, name) for name in ("hour", "minute", "second"))
    half = pc.utf8_upper(pc.struct_field(groups, "half"))
    afternoon, morning = (np.asarray(pc.equal(half, word).to_numpy(), dtype=bool) for word in ("PM", "AM"))
    bad_half = (afternoon | morning) & ((hour < 1) | (hour > 12))
    hour = np.where(afternoon & (hour < 12), hour + 12, np.where(morning & (hour == 12), 0, hour))
    fraction = _ints_of(pc.utf8_slice_codeunits(pc.utf8_rpad(pc.struct_field(groups, "fraction"), 6, "0"), 0, 6))
    value = ((hour * 60 + minute) * 60 + second) * MICROSECONDS + fraction
    # 110:00 and 11000 are torn: neither 1:10 nor 11:00.
    colon = _texts(groups, "colon")
    mixed = pc.and_(pc.not_equal(_texts(groups, "second"), ""), pc.not_equal(colon, _texts(groups, "other_colon")))
    compact = pc.and_(pc.not_equal(_texts(groups, "minute"), ""), pc.equal(colon, ""))
    odd = pc.and_(compact, pc.equal(pc.utf8_length(_texts(groups, "hour")), 1))
    torn = np.asarray(pc.or_(mixed, odd).to_numpy(), dtype=bool)
    return np.where((hour > 23) | (minute > 59) | (second > 59) | bad_half | torn, -1, value)


def _offset(groups: pa.ChunkedArray) -> tuple[BoolArray, IntArray]:
    text = pc.struct_field(groups, "offset")
    given = np.asarray(pc.not_equal(text, "").to_numpy(), dtype=bool)
    if not given.any():
        return given, np.zeros(len(given), dtype=np.int64)
    digits = pc.utf8_rpad(pc.replace_substring_regex(text, r"[^0-9]", ""), 4, "0")
    number = _ints_of(digits)
    size = (number // 100 * 60 + number % 100) * 60 * MICROSECONDS
    negative = np.asarray(pc.match_substring(text, "-").to_numpy(), dtype=bool)
    return given, np.where(negative, -size, size)


def _torn(groups: pa.ChunkedArray, offset: IntArray, *, marked: bool, compact: bool) -> BoolArray:
    """Tell where a text only looks like a date: ``2020.6-06-27`` is no sixth of June, 27 hours west of Greenwich."""
    hour, minute, shift = (_texts(groups, name) for name in ("hour", "minute", "offset"))
    no_clock = pc.and_(pc.equal(hour, ""), pc.not_equal(shift, ""))
    no_minute = pc.and_(pc.equal(_texts(groups, "join"), ":"), pc.equal(minute, ""))
    torn = np.asarray(pc.or_(no_clock, no_minute).to_numpy(), dtype=bool) | (np.abs(offset) > _WIDEST_OFFSET)
    if marked:
        mixed = pc.not_equal(pc.struct_field(groups, "mark"), pc.struct_field(groups, "other_mark"))
        torn |= np.asarray(mixed.to_numpy(), dtype=bool)
    if compact:
        # No file writes both 20200624 180000 and 202006241800: the rarer ones have lost something.
        clocked = np.asarray(pc.not_equal(hour, "").to_numpy(), dtype=bool)
        joined = clocked & np.asarray(pc.equal(_texts(groups, "join"), "").to_numpy(), dtype=bool)
        apart = clocked & ~joined
        if joined.sum() != apart.sum() and joined.any() and apart.any():
            torn |= joined if joined.sum() < apart.sum() else apart
    return torn


def _texts(groups: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    return pc.fill_null(pc.struct_field(groups, name), "")


def _named_months(groups: pa.ChunkedArray) -> IntArray:
    names = pc.utf8_slice_codeunits(pc.utf8_lower(pc.struct_field(groups, "name")), 0, 3)
    place = pc.index_in(names, value_set=pa.array(_MONTHS))
    return np.asarray(pc.fill_null(place, -1).to_numpy(), dtype=np.int64) + 1


def _ints(groups: pa.ChunkedArray, name: str) -> IntArray:
    return _ints_of(pc.struct_field(groups, name))


def _ints_of(text: pa.ChunkedArray) -> IntArray:
    filled = pc.replace_substring_regex(pc.fill_null(text, ""), r"^$", "0")
    return np.asarray(pc.cast(filled, pa.int64()).to_numpy(), dtype=np.int64)
