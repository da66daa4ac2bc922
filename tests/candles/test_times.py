from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from candleloop.candles.readers.times import Times, read_times
from candleloop.errors import BadCandles


def times(values: Sequence[str | None], **more: object) -> Times:
    return read_times(pa.chunked_array([pa.array(values, pa.string())]), **more)  # type: ignore[arg-type]


def iso(result: Times) -> list[str | None]:
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return [
        (epoch + timedelta(microseconds=int(value))).isoformat().removesuffix("+00:00") if good else None
        for value, good in zip(result.values, result.good, strict=True)
    ]


moments = st.datetimes(min_value=datetime(1975, 1, 1), max_value=datetime(2150, 1, 1))  # noqa: DTZ001


@settings(deadline=None)
@given(
    st.lists(moments, min_size=1, max_size=20),
    st.sampled_from(
        ["%Y-%m-%d %H:%M:%S", "%Y.%m.%d %H:%M:%S", "%Y%m%d %H%M%S", "%d %b %Y %H:%M:%S", "%Y/%m/%d %I:%M:%S %p"]
    ),
)
def test_written_in_any_format_a_time_comes_back(given_moments: list[datetime], pattern: str) -> None:
    given_moments = [moment.replace(microsecond=0) for moment in given_moments]
    result = times([moment.strftime(pattern) for moment in given_moments])
    assert iso(result) == [moment.isoformat() for moment in given_moments]


@settings(deadline=None)
@given(
    st.lists(moments, min_size=1, max_size=20),
    st.lists(st.sampled_from([1, 1_000, 1_000_000, 1_000_000_000]), min_size=20, max_size=20),
)
def test_epochs_may_switch_between_seconds_and_nanoseconds(given_moments: list[datetime], units: list[int]) -> None:
    seconds = [round(moment.replace(tzinfo=UTC, microsecond=0).timestamp()) for moment in given_moments]
    units = units[: len(seconds)]
    result = times([str(second * unit) for second, unit in zip(seconds, units, strict=True)])
    assert result.values.tolist() == [second * 1_000_000 for second in seconds]
    assert result.unit.tolist() == [[1, 1_000, 1_000_000, 1_000_000_000].index(unit) for unit in units]


def test_epochs_with_decimals_and_numbers_are_the_same_time() -> None:
    assert iso(times(["1503014400.0", "1503014400", "1503014400000.0"])) == ["2017-08-18T00:00:00"] * 3
    assert iso(times(["1503014400.5"])) == ["2017-08-18T00:00:00.500000"]


def test_dates_and_times_may_mix_their_formats() -> None:
    result = times(
        [
            "2022-01-26 00:00:00",
            "2017-12-18",
            "2019-10-17 09-AM",
            "2019-10-17 12-AM",
            "2020-01-01T05:06:07.123456789Z",
            "rubbish",
            None,
            "2020-02-30",
        ]
    )
    assert iso(result)[:5] == [
        "2022-01-26T00:00:00",
        "2017-12-18T00:00:00",
        "2019-10-17T09:00:00",
        "2019-10-17T00:00:00",
        "2020-01-01T05:06:07.123456",
    ]
    assert result.good.tolist() == [True] * 5 + [False] * 3


def test_offsets_are_honoured_also_across_a_clock_change() -> None:
    result = times(["2024-03-08 09:30:00-05:00", "2024-03-11 09:30:00-04:00"])
    assert iso(result) == ["2024-03-08T14:30:00", "2024-03-11T13:30:00"]
    assert result.zone == "offsets in the file"


@pytest.mark.parametrize(
    "values",
    [
        ["2024-03-08 00:00:00-05:00", "2024-03-11 00:00:00-04:00"],
        ["2024-03-08T00:00:00+09:00", "2024-03-11T00:00:00+09:00"],
        ["2024.03.08 00:00 GMT+0100", "2024.03.11 00:00 GMT+0100"],
    ],
)
def test_candles_that_begin_at_local_midnight_keep_their_calendar_date(values: list[str]) -> None:
    result = times(values)
    assert iso(result) == ["2024-03-08T00:00:00", "2024-03-11T00:00:00"]
    assert "calendar dates" in result.zone


def test_without_a_zone_utc_is_assumed_and_said() -> None:
    assert times(["2024-03-08 09:30:00"]).zone == "assumed UTC"
    assert times(["2024-03-08"]).zone == "calendar dates"
    vendor = times(["2024-03-08 09:30:00"], vendor_zone="America/New_York")
    assert iso(vendor) == ["2024-03-08T14:30:00"]
    stated = times(["2024-03-08 09:30:00"], vendor_zone="America/New_York", timezone="Europe/Berlin")
    assert iso(stated) == ["2024-03-08T08:30:00"]
    assert stated.zone == "Europe/Berlin (stated)"


def test_local_times_that_are_skipped_or_repeated_are_marked() -> None:
    result = times(
        [
            "2024-03-10 01:59:00",
            "2024-03-10 02:30:00",
            "2024-03-10 03:00:00",
            "2024-11-03 00:59:00",
            "2024-11-03 01:30:00",
            "2024-11-03 02:00:00",
        ],
        timezone="America/New_York",
    )
    assert result.ambiguous.tolist() == [False, True, False, False, True, False]
    assert iso(result) == [
        "2024-03-10T06:59:00",
        None,
        "2024-03-10T07:00:00",
        "2024-11-03T04:59:00",
        None,
        "2024-11-03T07:00:00",
    ]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["01.08.2018 00:00", "13.08.2018 00:00"], ["2018-08-01T00:00:00", "2018-08-13T00:00:00"]),
        (["08/01/2018", "08/13/2018"], ["2018-08-01T00:00:00", "2018-08-13T00:00:00"]),
        # No number above 12, but only one reading goes forward.
        (
            ["01/03/2018", "04/03/2018", "01/04/2018"],
            ["2018-03-01T00:00:00", "2018-03-04T00:00:00", "2018-04-01T00:00:00"],
        ),
        # Several candles a day: the reading in which the days follow one another.
        (
            ["11/5/2019 9:30", "11/5/2019 9:31", "11/6/2019 9:30"],
            ["2019-11-05T09:30:00", "2019-11-05T09:31:00", "2019-11-06T09:30:00"],
        ),
    ],
)
def test_day_or_month_first_follows_from_the_dates(values: list[str], expected: list[str]) -> None:
    assert iso(times(values)) == expected


@pytest.mark.parametrize(
    "values",
    [
        ["01/02/2018", "02/02/2018", "03/02/2018"],
        ["01/02/2018", "01/03/2018"],
        ["13/02/2018", "02/13/2018"],
        ["01/02/18", "02/02/18"],
    ],
)
def test_dates_that_can_be_read_in_two_ways_are_refused_unless_told(values: list[str]) -> None:
    with pytest.raises(BadCandles) as caught:
        times(values)
    assert caught.value.code == "ambiguous_dates"
    assert caught.value.details["field"] == "time"
    assert iso(times(values, day_first=True))[0] is not None


def test_day_first_is_obeyed() -> None:
    assert iso(times(["01/02/2018"], day_first=True)) == ["2018-02-01T00:00:00"]
    assert iso(times(["01/02/2018"], day_first=False)) == ["2018-01-02T00:00:00"]
    assert iso(times(["01/02/18"], day_first=False)) == ["2018-01-02T00:00:00"]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "America/New_York"])
def test_timestamps_of_any_resolution_come_to_microseconds(unit: str, zone: str | None) -> None:
    moments = np.array([1_700_000_000, 1_700_003_600]) * {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    result = read_times(pa.chunked_array([pa.array(moments, pa.timestamp(unit, tz=zone))]))
    assert result.values.tolist() == [1_700_000_000_000_000, 1_700_003_600_000_000]


def test_times_outside_any_market_are_no_times() -> None:
    assert times(["0001-01-01", "9999-01-01", "2024-01-01"]).good.tolist() == [False, False, True]


@pytest.mark.parametrize("values", [["19-12-31", "20-12-31", "21-12-31"], ["13.01.24", "14.01.24", "15.01.24"]])
def test_years_of_two_digits_are_refused_unless_told(values: list[str]) -> None:
    with pytest.raises(BadCandles, match="two digits"):
        times(values)


def test_a_torn_epoch_is_no_time_of_1970_whatever_the_column_is_read_as() -> None:
    whole = [1_700_000_000, 17_000_000, 1_700_000_060]
    as_integers = read_times(pa.chunked_array([pa.array(whole)]))
    as_text = times([str(value) for value in whole])
    assert as_integers.good.tolist() == as_text.good.tolist() == [True, False, True]


@pytest.mark.parametrize(
    "text", ["2020-06-24 110:00", "2020-06-24T616:00:00", "24.06.2020 11000", "20200624 900", "2020-06-24 10:0000"]
)
def test_a_torn_time_of_day_is_no_other_time_of_day(text: str) -> None:
    whole = "24.06.2020 10:00" if "." in text else "2020-06-24 10:00"
    first, second = iso(times([whole, text], day_first=True))
    assert (first, second) == ("2020-06-24T10:00:00", None)


@pytest.mark.parametrize(
    "text",
    [
        "2020.6-06-27",
        "2020-06.24",
        "24.06-2020",
        "2020-06-24-04:00",
        "2020-06-24 10:00+27:00",
        "2020-06-2Z",
        "2020-06-23:00",
    ],
)
def test_a_torn_date_is_no_other_date(text: str) -> None:
    whole = "24.06.2020 10:00" if text[2] == "." else "2020-06-24 10:00"
    first, second = iso(times([whole, text], day_first=True))
    assert (first, second) == ("2020-06-24T10:00:00", None)


def test_a_compact_time_that_has_lost_its_space_is_no_other_time() -> None:
    whole = ["20200624 170000", "20200624 180000", "20200624 190000"]
    assert iso(times([*whole, "202006180000"])) == [
        "2020-06-24T17:00:00",
        "2020-06-24T18:00:00",
        "2020-06-24T19:00:00",
        None,
    ]


def test_an_epoch_in_milliseconds_with_a_fraction_is_torn() -> None:
    assert times(["1593090000000", "159309360000.20", "1593097200000.0"]).good.tolist() == [True, False, True]
