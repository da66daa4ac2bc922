"""The body of a prediction request: what is read, and how what is wrong is named."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.candle_input import read_predict_body
from api.problems import NotJson
from candleloop.candles.frame import Candles
from candleloop.errors import BadCandles, BadRequest, CandleloopError
from candleloop.times import iso_times
from tests.support.candles import random_candles

CANDLES = random_candles(40, seed=3)


def columns(candles: Candles = CANDLES, times: str = "iso") -> dict[str, list[Any]]:
    time = {
        "iso": iso_times(candles.time),
        "seconds": (candles.time // 1_000_000).tolist(),
        "milliseconds": (candles.time // 1_000).tolist(),
    }[times]
    return {"time": time, **{field: values.tolist() for field, values in candles.columns().items()}}


def rows(times: str = "iso") -> list[dict[str, Any]]:
    table = columns(times=times)
    return [dict(zip(table, values, strict=True)) for values in zip(*table.values(), strict=True)]


def read(content: Any, max_candles: int = 1_000) -> Candles:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return read_predict_body(body, max_candles=max_candles).candles


@pytest.mark.parametrize("times", ["iso", "seconds", "milliseconds"])
@pytest.mark.parametrize("form", ["rows", "columns"])
def test_every_form_gives_the_same_candles(form: str, times: str) -> None:
    candles = read({"candles": rows(times) if form == "rows" else columns(times=times)})
    assert candles.version() == CANDLES.version()


@pytest.mark.parametrize("form", ["rows", "columns"])
def test_volume_may_be_left_out(form: str) -> None:
    content: Any = rows() if form == "rows" else columns()
    for part in content if form == "rows" else [content]:
        del part["volume"]
    assert read({"candles": content}).volume is None


@pytest.mark.parametrize(
    ("texts", "seconds"),
    [
        (["2024-01-01", "2024-01-02"], [1_704_067_200, 1_704_153_600]),
        (["2024-01-01T05:30:00+05:30", "2024-01-01T01:00:00Z"], [1_704_067_200, 1_704_070_800]),
        (["2024-01-01 00:00", "2024-01-01T01:00:00"], [1_704_067_200, 1_704_070_800]),
        (["2024-01-01T00:00:00.5Z", "2024-01-01T01:00:00.250000Z"], [1_704_067_200.5, 1_704_070_800.25]),
    ],
)
def test_iso_times_are_read_in_utc(texts: list[str], seconds: list[float]) -> None:
    content = {field: [2.0, 2.0] for field in ("open", "high", "low", "close")}
    candles = read({"candles": {"time": texts, **content}})
    assert candles.time.tolist() == [int(second * 1_000_000) for second in seconds]


def test_names_of_the_request_are_read() -> None:
    body = orjson.dumps({"candles": columns(), "series_id": "BTC-1h", "label_set": "default"})
    found = read_predict_body(body, max_candles=100)
    assert (found.series_id, found.label_set) == ("BTC-1h", "default")


BAD_VALUES: list[tuple[str, str, str]] = [
    ("open", '"12.5"', "not_a_number"),
    ("open", "null", "not_a_number"),
    ("close", "true", "not_a_number"),
    ("close", "false", "not_a_number"),
    ("volume", "null", "not_a_number"),
    ("low", "[1.0]", "not_a_number"),
    ("low", "{}", "not_a_number"),
    ("high", "NaN", "not_finite"),
    ("high", "Infinity", "not_finite"),
    ("open", "-Infinity", "not_finite"),
    ("volume", "NaN", "not_finite"),
    ("volume", "-1", "negative_volume"),
    ("open", "0", "price_out_of_range"),
    ("open", "1e300", "price_out_of_range"),
    ("high", "0.5", "high_below_low"),
    ("time", "null", "not_a_time"),
    ("time", "true", "not_a_time"),
    ("time", "[1]", "not_a_time"),
    ("time", "NaN", "mixed_times"),
    ("time", "1600000000", "mixed_times"),
    ("time", '"yesterday"', "not_a_time"),
    ("time", '"2024-02-30T00:00:00Z"', "not_a_time"),
    ("time", '""', "not_a_time"),
    ("time", '"2020-09-13T19:26:40"', "mixed_times"),
    ("time", '"1800-01-01T00:00:00Z"', "time_out_of_range"),
    ("time", '"2020-01-01T00:00:00Z"', "unsorted_times"),
]


@pytest.mark.parametrize("form", ["rows", "columns"])
@pytest.mark.parametrize(("field", "token", "code"), BAD_VALUES)
def test_a_bad_value_is_named_by_row_and_field(field: str, token: str, code: str, form: str) -> None:
    content: Any = rows() if form == "rows" else columns()
    if form == "rows":
        content[7][field] = "@@"
    else:
        content[field][7] = "@@"
    body = json.dumps({"candles": content}).replace('"@@"', token).encode()
    with pytest.raises(BadCandles) as caught:
        read(body)
    assert (caught.value.code, caught.value.details["row"], caught.value.details["field"]) == (code, 7, field)


@pytest.mark.parametrize(
    ("token", "code"),
    [
        ('"2020-09-13T19:26:40Z"', "mixed_times"),
        ("1600027200000", "mixed_times"),
        ("99999999999999999999", "mixed_times"),
        ("NaN", "not_a_time"),
        ("-1", "unsorted_times"),
        ("1599996400", "unsorted_times"),
        ("1600021600", "duplicate_time"),
    ],
)
def test_a_bad_epoch_time_is_named_by_row(token: str, code: str) -> None:
    content = columns(times="seconds")
    content["time"][7] = "@@"
    with pytest.raises(BadCandles) as caught:
        read(json.dumps({"candles": content}).replace('"@@"', token).encode())
    assert (caught.value.code, caught.value.details["row"], caught.value.details["field"]) == (code, 7, "time")


@pytest.mark.parametrize("factor", [1_000_000, 1_000_000_000])
def test_epoch_microseconds_and_nanoseconds_are_refused(factor: int) -> None:
    content = columns(times="seconds")
    content["time"] = [time * factor for time in content["time"]]
    with pytest.raises(BadCandles) as caught:
        read({"candles": content})
    assert (caught.value.code, caught.value.details["row"]) == ("time_out_of_range", 0)


def test_a_time_that_is_repeated_is_named() -> None:
    content = columns()
    content["time"][8] = content["time"][7]
    with pytest.raises(BadCandles, match="Row 8: time repeats") as caught:
        read({"candles": content})
    assert caught.value.code == "duplicate_time"


@pytest.mark.parametrize(
    ("change", "code", "row", "field"),
    [
        (lambda row: row.pop("high"), "missing_field", 5, "high"),
        (lambda row: row.pop("volume"), "missing_field", 5, "volume"),
        (lambda row: row.update(adjusted=1), "unknown_field", 5, "adjusted"),
    ],
)
def test_a_row_with_other_fields_is_named(change: Any, code: str, row: int, field: str) -> None:
    content = rows()
    change(content[5])
    with pytest.raises(BadCandles) as caught:
        read({"candles": content})
    assert (caught.value.code, caught.value.details["row"], caught.value.details["field"]) == (code, row, field)


@pytest.mark.parametrize("item", [None, 5, "text", [1, 2], True])
def test_a_row_that_is_no_object_is_named(item: Any) -> None:
    content: list[Any] = rows()
    content[5] = item
    with pytest.raises(BadCandles) as caught:
        read({"candles": content})
    assert (caught.value.code, caught.value.details["row"]) == ("wrong_type", 5)


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        (lambda table: table.pop("low"), "missing_field", "low"),
        (lambda table: table.update(adjusted=[1]), "unknown_field", "adjusted"),
        (lambda table: table.update(close=5), "wrong_type", "close"),
        (lambda table: table.update(close=None), "wrong_type", "close"),
        (lambda table: table.update(time="2024-01-01"), "wrong_type", "time"),
        (lambda table: table["close"].pop(), "length_mismatch", "close"),
        (lambda table: table["time"].pop(), "length_mismatch", "open"),
    ],
)
def test_a_bad_column_is_named(change: Any, code: str, field: str) -> None:
    content = columns()
    change(content)
    with pytest.raises(BadCandles) as caught:
        read({"candles": content})
    assert (caught.value.code, caught.value.details["field"]) == (code, field)


def test_a_short_column_names_the_first_row_it_lacks() -> None:
    content = columns()
    del content["close"][30:]
    with pytest.raises(BadCandles) as caught:
        read({"candles": content})
    assert caught.value.details["row"] == 30


@pytest.mark.parametrize("form", [rows, columns])
def test_too_many_candles_are_refused_with_the_limit(form: Any) -> None:
    with pytest.raises(BadCandles) as caught:
        read({"candles": form()}, max_candles=39)
    assert (caught.value.code, caught.value.details["limit"]) == ("too_many_candles", 39)


@pytest.mark.parametrize("candles", [[], {field: [] for field in ("time", "open", "high", "low", "close")}])
def test_no_candles_are_refused(candles: Any) -> None:
    with pytest.raises(BadCandles) as caught:
        read({"candles": candles})
    assert caught.value.code == "no_candles"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b'{"candles": [',
        b"\xff\xfe",
        b"{'candles': []}",
        b"[" * 100_000,
        b'{"candles": NaN, "a": "\\ud800"}',
    ],
)
def test_what_is_not_json_is_refused(body: bytes) -> None:
    with pytest.raises(NotJson):
        read(body)


@pytest.mark.parametrize(
    ("content", "code", "field"),
    [
        ([], "invalid_request", None),
        (None, "invalid_request", None),
        ({}, "missing_field", "candles"),
        ({"candles": 5}, "invalid_request", "candles"),
        ({"candles": None}, "invalid_request", "candles"),
        ({"candles": [], "model": "x"}, "unknown_field", "model"),
        ({"candles": [], "series_id": "../x"}, "invalid_request", "series_id"),
        ({"candles": [], "series_id": 5}, "invalid_request", "series_id"),
        ({"candles": [], "label_set": "A B"}, "invalid_request", "label_set"),
    ],
)
def test_a_bad_frame_around_the_candles_names_its_field(content: Any, code: str, field: str | None) -> None:
    with pytest.raises(BadRequest) as caught:
        read(content)
    assert (caught.value.code, caught.value.details.get("field")) == (code, field)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)


@given(value=json_values, field=st.sampled_from(["time", "open", "volume", "candles", "series_id"]))
def test_any_json_is_read_or_refused_never_a_crash(value: Any, field: str) -> None:
    content: dict[str, Any] = {"candles": columns()}
    if field in {"candles", "series_id"}:
        content[field] = value
    else:
        content["candles"][field][3] = value
    try:
        read(content)
    except CandleloopError as error:
        orjson.dumps([error.code, error.details])


@given(data=st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with pytest.raises(CandleloopError):
        read(data)


def test_integers_and_fractions_mix_in_a_price_column() -> None:
    content = {field: [2, 2.5] for field in ("open", "high", "low", "close")}
    candles = read({"candles": {"time": [1_600_000_000, 1_600_003_600], **content}})
    np.testing.assert_array_equal(candles.close, [2.0, 2.5])
