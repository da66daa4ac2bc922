from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from candleloop.candles.frame import Candles
from candleloop.errors import BadCandles
from tests.support.candles import random_candles


def columns(n: int = 10, **changes: tuple[int, float]) -> dict[str, Any]:
    candles = random_candles(n)
    found: dict[str, Any] = {"time": candles.time.copy()} | {k: v.copy() for k, v in candles.columns().items()}
    for name, (row, value) in changes.items():
        found[name][row] = value
    return found


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("open", np.nan, "not_finite"),
        ("close", np.inf, "not_finite"),
        ("low", 0.0, "price_out_of_range"),
        ("low", -1.0, "price_out_of_range"),
        ("high", 1e13, "price_out_of_range"),
        ("high", 1.0, "high_below_low"),
        ("volume", -1.0, "negative_volume"),
        ("volume", np.nan, "not_finite"),
    ],
)
def test_a_value_that_cannot_be_is_named_by_row_and_field(field: str, value: float, code: str) -> None:
    with pytest.raises(BadCandles) as caught:
        Candles.checked(**columns(**{field: (4, value)}))
    assert (caught.value.code, caught.value.details["row"], caught.value.details["field"]) == (code, 4, field)


def test_a_body_outside_the_shadows_is_named() -> None:
    good = columns()
    good["open"][3] = good["high"][3] + 0.01
    with pytest.raises(BadCandles) as caught:
        Candles.checked(**good)
    assert (caught.value.code, caught.value.details["row"]) == ("high_below_body", 3)
    good = columns()
    good["close"][3] = good["low"][3] - 0.01
    with pytest.raises(BadCandles) as caught:
        Candles.checked(**good)
    assert (caught.value.code, caught.value.details["row"]) == ("low_above_body", 3)


def test_times_must_ascend_strictly() -> None:
    doubled = columns()
    doubled["time"][5] = doubled["time"][4]
    with pytest.raises(BadCandles) as caught:
        Candles.checked(**doubled)
    assert (caught.value.code, caught.value.details["row"]) == ("duplicate_time", 5)
    swapped = columns()
    swapped["time"][[5, 6]] = swapped["time"][[6, 5]]
    with pytest.raises(BadCandles) as caught:
        Candles.checked(**swapped)
    assert (caught.value.code, caught.value.details["row"]) == ("unsorted_times", 6)


def test_columns_of_another_length_or_shape_and_no_candles_are_refused() -> None:
    short = columns()
    short["low"] = short["low"][:-1]
    with pytest.raises(BadCandles) as caught:
        Candles.checked(**short)
    assert (caught.value.code, caught.value.details["field"]) == ("length_mismatch", "low")
    flat = columns()
    flat["time"] = flat["time"].reshape(2, 5)
    with pytest.raises(BadCandles):
        Candles.checked(**flat)
    with pytest.raises(BadCandles) as caught:
        Candles.checked(time=[], open=[], high=[], low=[], close=[])
    assert caught.value.code == "no_candles"


@pytest.mark.parametrize("field", ["time", "open", "volume"])
@pytest.mark.parametrize("value", ["text", None, [1.0], {}])
def test_values_that_are_no_numbers_are_refused_by_field(field: str, value: object) -> None:
    bad = {name: values.tolist() for name, values in columns().items()}
    bad[field][2] = value
    with pytest.raises(BadCandles) as caught:
        Candles.checked(**bad)
    assert caught.value.details["field"] == field


def test_a_slice_is_a_view_and_keeps_volume() -> None:
    candles = random_candles(20)
    part = candles[5:9]
    assert len(part) == 4
    assert np.shares_memory(part.close, candles.close)
    assert part.volume is not None
    assert np.shares_memory(part.volume, candles.volume)


@settings(deadline=None)
@given(st.integers(0, 9), st.sampled_from(["time", "open", "high", "low", "close", "volume"]))
def test_the_version_changes_with_every_single_value_and_with_nothing_else(row: int, field: str) -> None:
    candles = Candles(**columns())
    assert candles.version() == Candles(**columns()).version()
    changed = columns()
    changed[field][row] = np.nextafter(changed[field][row], 1e9) if field != "time" else changed[field][row] + 1
    assert Candles(**changed).version() != candles.version()


def test_a_series_without_volume_has_another_version() -> None:
    with_volume = columns()
    without = {name: values for name, values in with_volume.items() if name != "volume"}
    assert Candles(**with_volume).version() != Candles(**without).version()
