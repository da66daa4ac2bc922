from __future__ import annotations

import pandas as pd
import pytest

from client.frames import candle_columns, candle_frame, frame_of

PRICES = {"Open": [1.0, 2.0], "High": [3.0, 4.0], "Low": [0.5, 1.5], "Close": [2.0, 3.0]}


def test_times_come_from_a_column_or_the_index_and_are_utc_unless_they_say_otherwise() -> None:
    naive = pd.to_datetime(["2024-01-02 00:00", "2024-01-02 01:00"])
    by_index = candle_columns(pd.DataFrame(PRICES, index=naive))
    by_column = candle_columns(pd.DataFrame({**PRICES, "Date": naive.tz_localize("Europe/Berlin")}))
    assert by_index["time"] == ["2024-01-02T00:00:00+00:00", "2024-01-02T01:00:00+00:00"]
    assert by_column["time"] == ["2024-01-01T23:00:00+00:00", "2024-01-02T00:00:00+00:00"]
    assert by_index["open"] == [1.0, 2.0]
    assert "volume" not in by_index


def test_epoch_times_stay_numbers() -> None:
    assert candle_columns(pd.DataFrame({**PRICES, "time": [1704153600, 1704157200]}))["time"] == [
        1704153600,
        1704157200,
    ]


@pytest.mark.parametrize(
    ("frame", "named"),
    [
        (pd.DataFrame({name: PRICES[name] for name in ("Open", "Close")}), "high, low"),
        (pd.DataFrame(PRICES), "no times"),
    ],
)
def test_what_is_missing_is_named(frame: pd.DataFrame, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        candle_columns(frame)


def test_an_empty_list_is_a_frame_with_its_columns() -> None:
    assert list(frame_of([], ("id", "start_time")).columns) == ["id", "start_time"]


def test_candles_come_back_as_they_went() -> None:
    sent = candle_columns(pd.DataFrame(PRICES, index=pd.to_datetime(["2024-01-02", "2024-01-03"])))
    assert candle_columns(candle_frame(sent)) == sent
