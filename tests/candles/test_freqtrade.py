"""Which files of a Freqtrade data folder hold candles."""

from __future__ import annotations

from pathlib import Path

import pytest

from candleloop.candles.freqtrade import read_folder
from candleloop.errors import BadRequest


def folder(at: Path, *names: str) -> Path:
    for name in names:
        file = at / name
        file.parent.mkdir(exist_ok=True)
        file.touch()
    return at


@pytest.mark.parametrize(
    ("name", "symbol", "timeframe"),
    [
        ("ETH_BTC-5m.feather", "ETH/BTC", "5m"),
        ("1000SHIB_USDT-12h.json", "1000SHIB/USDT", "12h"),
        ("BTC_USDT-1Mo.parquet", "BTC/USDT", "1mo"),
        ("BTC_USDT-1d.json.gz", "BTC/USDT", "1d"),
        ("futures/BTC_USDT_USDT-1h-futures.feather", "BTC/USDT:USDT", "1h"),
        ("futures/BTC_USDT_USDT-250328-1w-futures.feather", "BTC/USDT:USDT-250328", "1w"),
        ("BTC-PERP_USD-15m.feather", "BTC-PERP/USD", "15m"),
    ],
)
def test_the_name_says_pair_and_timeframe(tmp_path: Path, name: str, symbol: str, timeframe: str) -> None:
    found = read_folder(folder(tmp_path, name))
    assert [(str(one.path.relative_to(tmp_path)), one.symbol, one.timeframe) for one in found.files] == [
        (name, symbol, timeframe)
    ]
    assert not found.left_out


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("futures/BTC_USDT_USDT-8h-funding_rate.feather", "funding rates"),
        ("futures/BTC_USDT_USDT-1h-mark.feather", "mark prices"),
        ("futures/BTC_USDT_USDT-1h-index.feather", "index prices"),
        ("futures/BTC_USDT_USDT-1h-premiumIndex.json", "premium index"),
        ("futures/BTC_USDT_USDT-1h-tea.json", "'tea' is no kind"),
        ("futures/BTC_USDT-1h-futures.json", "settled in"),
        ("XRP_ETH-trades.json.gz", "single trades"),
        ("XRP_ETH-5m.h5", "HDF5"),
        ("ETH_BTC-5m.json", "ETH_BTC-5m.feather holds the same"),
        ("pairs.json", "not PAIR-TIMEFRAME"),
        ("EURUSD_1h.csv", "not PAIR-TIMEFRAME"),
        ("kraken/ETH_BTC-5m.feather", "a folder of its own"),
    ],
)
def test_what_is_no_candles_is_left_out_with_a_reason(tmp_path: Path, name: str, reason: str) -> None:
    found = read_folder(folder(tmp_path, "ETH_BTC-5m.feather", name))
    assert [one.path.name for one in found.files] == ["ETH_BTC-5m.feather"]
    (other,) = found.left_out
    assert str(other.path.relative_to(tmp_path)) in (name, name.partition("/")[0])
    assert reason in other.reason


def test_a_folder_without_candles_is_refused(tmp_path: Path) -> None:
    for path in (folder(tmp_path, "binance/ETH_BTC-5m.feather"), tmp_path / "nowhere"):
        with pytest.raises(BadRequest) as refusal:
            read_folder(path)
        assert refusal.value.code == "no_data_folder"
