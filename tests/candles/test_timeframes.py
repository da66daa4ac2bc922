from __future__ import annotations

import pytest

from candleloop.candles.timeframes import guess_from_name, parse_timeframe, round_timeframe, timeframe_name
from candleloop.errors import BadRequest


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1m", 60),
        ("15min", 900),
        ("5T", 300),
        ("1h", 3600),
        ("H4", 14_400),
        ("4H", 14_400),
        ("M15", 900),
        ("1d", 86_400),
        ("D", 86_400),
        ("daily", 86_400),
        ("1w", 604_800),
        ("1M", 2_592_000),
        ("1mo", 2_592_000),
        ("MN1", 2_592_000),
        ("30s", 30),
    ],
)
def test_timeframes_are_read_as_people_write_them(text: str, seconds: int) -> None:
    assert parse_timeframe(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "0m", "m m", "1y2"])
def test_other_words_are_no_timeframe(text: str) -> None:
    with pytest.raises(BadRequest):
        parse_timeframe(text)


@pytest.mark.parametrize("seconds", [30, 60, 900, 3_600, 14_400, 86_400, 604_800, 2_592_000])
def test_a_name_says_the_same_seconds(seconds: int) -> None:
    assert parse_timeframe(timeframe_name(seconds)) == seconds


@pytest.mark.parametrize(("days", "name"), [(31, "1mo"), (30, "1mo"), (28, "1mo"), (92, "3mo"), (7, "1w"), (1, "1d")])
def test_calendar_months_are_months(days: int, name: str) -> None:
    assert timeframe_name(round_timeframe(days * 86_400)) == name


@pytest.mark.parametrize(
    ("name", "guess"),
    [
        ("EURUSDh4.csv", ("EURUSD", 14_400)),
        ("EURUSD60.csv", ("EURUSD", 3_600)),
        ("EURUSD_15M.csv", ("EURUSD", 900)),
        ("BTCUSDT-1h-2025-10.json", ("BTCUSDT", 3_600)),
        ("ADABTC-1m-2021-11-27.csv", ("ADABTC", 60)),
        ("Binance_BTCUSDT_d.csv", ("BTCUSDT", 86_400)),
        ("ETH_BTC-5m.feather", ("ETH/BTC", 300)),
        ("BTC_USDT_USDT-1h-futures.feather", ("BTC/USDT:USDT", 3_600)),
        ("aapl_us_d.csv", ("AAPL.US", 86_400)),
        ("MSFT.csv.gz", ("MSFT", None)),
        ("candles.csv", (None, None)),
        ("", (None, None)),
    ],
)
def test_symbol_and_timeframe_are_guessed_from_vendors_names(name: str, guess: tuple[str | None, int | None]) -> None:
    assert guess_from_name(name) == guess
