"""Small files in the vendors' own layouts, written from given candles."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import feather

from candleloop.candles.frame import Candles

NEW_YORK = ZoneInfo("America/New_York")


@dataclass(frozen=True)
class VendorFile:
    """A way to write candles as a vendor does.

    ``header`` is the number of lines before the data; ``volume`` and ``daily`` say what the format can carry.
    """

    family: str
    write: Callable[[Candles], bytes]
    name: str = "x.csv"
    header: int = 1
    volume: bool = True
    daily: bool = False
    newest_first: bool = False
    lines: bool = True
    step_seconds: int = 3600


def moments(candles: Candles) -> list[datetime]:
    return [datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(time)) for time in candles.time]


def _text(value: float) -> str:
    return repr(float(value))


def bars(candles: Candles) -> list[tuple[datetime, str, str, str, str, str]]:
    columns = [candles.open, candles.high, candles.low, candles.close, candles.volume]
    values = zip(*([_text(value) for value in column] for column in columns if column is not None), strict=True)
    return [(moment, *row) for moment, row in zip(moments(candles), values, strict=True)]


def _lines(rows: Iterable[Iterable[str]], *, header: str = "", delimiter: str = ",", end: str = "\n") -> bytes:
    body = [delimiter.join(row) for row in rows]
    return (end.join([*([header] if header else []), *body]) + end).encode()


def generic(candles: Candles) -> bytes:
    rows = ((v, c, o, m.isoformat(), h, low) for m, o, h, low, c, v in bars(candles))
    return _lines(rows, header="VOLUME,Close,Open,Time,HIGH,Low")


def yahoo(candles: Candles) -> bytes:
    rows = ((m.strftime("%Y-%m-%d"), o, h, low, c, _text(float(c) / 3), v) for m, o, h, low, c, v in bars(candles))
    return _lines(rows, header="Date,Open,High,Low,Close,Adj Close,Volume")


def yahoo_old(candles: Candles) -> bytes:
    rows = [(m.strftime("%Y-%m-%d"), o, h, low, c, v, _text(float(c) / 3)) for m, o, h, low, c, v in bars(candles)]
    return _lines(rows[::-1], header="Date,Open,High,Low,Close,Volume,Adj Close")


def yfinance(candles: Candles) -> bytes:
    header = "Price,Close,High,Low,Open,Volume\nTicker,AAPL,AAPL,AAPL,AAPL,AAPL\nDate,,,,,"
    rows = ((m.strftime("%Y-%m-%d"), c, h, low, o, v) for m, o, h, low, c, v in bars(candles))
    return _lines(rows, header=header)


def yfinance_history(candles: Candles) -> bytes:
    rows = (
        (m.astimezone(NEW_YORK).isoformat(sep=" "), o, h, low, c, v, "0.0", "0.0")
        for m, o, h, low, c, v in bars(candles)
    )
    return _lines(rows, header="Datetime,Open,High,Low,Close,Volume,Dividends,Stock Splits")


def _kline(bar: tuple[datetime, str, str, str, str, str], unit: int = 1000) -> list[str]:
    moment, o, h, low, c, v = bar
    start = round(moment.timestamp()) * unit
    return [str(start), o, h, low, c, v, str(start + 3600 * unit - 1), "1.5", "7", "0.5", "0.25", "0"]


def binance(candles: Candles) -> bytes:
    return _lines(_kline(bar) for bar in bars(candles))


def binance_headed(candles: Candles) -> bytes:
    header = (
        "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote,ignore"
    )
    return _lines((_kline(bar, 1_000_000) for bar in bars(candles)), header=header)


def binance_rest(candles: Candles) -> bytes:
    rows = [[int(k[0]), *k[1:6], int(k[6]), k[7], int(k[8]), *k[9:]] for k in map(_kline, bars(candles))]
    return json.dumps(rows).encode()


def cryptodatadownload(candles: Candles) -> bytes:
    rows = [
        (m.strftime("%Y-%m-%d %I-%p"), "BTCUSD", o, h, low, c, v, _text(float(v) * float(c)))
        for m, o, h, low, c, v in bars(candles)
    ]
    header = "Timestamps are UTC timezone,https://www.CryptoDataDownload.com\ndate,symbol,open,high,low,close,volume_btc,volume"
    return _lines(rows[::-1], header=header)


def metatrader4(candles: Candles) -> bytes:
    return _lines(
        (m.strftime("%Y.%m.%d"), m.strftime("%H:%M"), o, h, low, c, v) for m, o, h, low, c, v in bars(candles)
    )


def metatrader5(candles: Candles) -> bytes:
    rows = (
        (m.strftime("%Y.%m.%d"), m.strftime("%H:%M:%S"), o, h, low, c, v, "0", "12")
        for m, o, h, low, c, v in bars(candles)
    )
    header = "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>"
    return _lines(rows, header=header, delimiter="\t", end="\r\n").decode().encode("utf-16")


def dukascopy(candles: Candles) -> bytes:
    rows = ((m.strftime("%d.%m.%Y %H:%M:%S.000"), o, h, low, c, v) for m, o, h, low, c, v in bars(candles))
    return _lines(rows, header="Gmt time,Open,High,Low,Close,Volume")


def ninjatrader(candles: Candles) -> bytes:
    rows = (
        ((m + timedelta(hours=1)).strftime("%Y%m%d %H%M%S"), o, h, low, c, v) for m, o, h, low, c, v in bars(candles)
    )
    return _lines(rows, delimiter=";", end="\r\n")


def histdata(candles: Candles) -> bytes:
    rows = ((_eastern(m).strftime("%Y%m%d %H%M%S"), o, h, low, c, "0") for m, o, h, low, c, _ in bars(candles))
    return _lines(rows, delimiter=";")


def histdata_metatrader(candles: Candles) -> bytes:
    rows = (
        (_eastern(m).strftime("%Y.%m.%d"), _eastern(m).strftime("%H:%M"), o, h, low, c, "0")
        for m, o, h, low, c, _ in bars(candles)
    )
    return _lines(rows)


def _eastern(moment: datetime) -> datetime:
    return moment - timedelta(hours=5)


def kraken(candles: Candles) -> bytes:
    return _lines((str(round(m.timestamp())), o, h, low, c, v, "17") for m, o, h, low, c, v in bars(candles))


def bitfinex(candles: Candles) -> bytes:
    return _lines((str(round(m.timestamp()) * 1000), o, c, h, low, v) for m, o, h, low, c, v in bars(candles))


def alphavantage(candles: Candles) -> bytes:
    rows = [
        (m.astimezone(NEW_YORK).strftime("%Y-%m-%d %H:%M:%S"), o, h, low, c, v) for m, o, h, low, c, v in bars(candles)
    ]
    return _lines(rows[::-1], header="timestamp,open,high,low,close,volume", end="\r\n")


def alphavantage_json(candles: Candles) -> bytes:
    series = {
        m.astimezone(NEW_YORK).strftime("%Y-%m-%d %H:%M:%S"): {
            "1. open": o,
            "2. high": h,
            "3. low": low,
            "4. close": c,
            "5. volume": v,
        }
        for m, o, h, low, c, v in bars(candles)[::-1]
    }
    meta = {"2. Symbol": "IBM", "6. Time Zone": "US/Eastern"}
    return json.dumps({"Meta Data": meta, "Time Series (60min)": series}).encode()


def stooq(candles: Candles) -> bytes:
    rows = (
        ("AAPL.US", "60", m.strftime("%Y%m%d"), m.strftime("%H%M%S"), o, h, low, c, v, "0")
        for m, o, h, low, c, v in bars(candles)
    )
    return _lines(rows, header="<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>")


def quantconnect(candles: Candles) -> bytes:
    rows = (
        (
            m.astimezone(NEW_YORK).strftime("%Y%m%d %H:%M"),
            *(str(round(float(p) * 10_000)) for p in prices),
            str(round(float(v))),
        )
        for m, *prices, v in bars(candles)
    )
    return _lines(rows)


def _table(candles: Candles) -> pa.Table:
    columns = {"date": pa.array(candles.time, pa.timestamp("us")).cast(pa.timestamp("ns", tz="UTC"), safe=False)}
    return pa.table(columns | {name: pa.array(values) for name, values in candles.columns().items()})


def freqtrade_feather(candles: Candles) -> bytes:
    buffer = io.BytesIO()
    feather.write_feather(_table(candles), buffer)
    return buffer.getvalue()


def parquet(candles: Candles) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(_table(candles), buffer)
    return buffer.getvalue()


def freqtrade_json(candles: Candles) -> bytes:
    return json.dumps([[int(m.timestamp() * 1000), *map(float, values)] for m, *values in bars(candles)]).encode()


def records(candles: Candles) -> bytes:
    keys = ("time", "open", "high", "low", "close", "volume")
    return json.dumps([dict(zip(keys, (m.isoformat(), *values), strict=True)) for m, *values in bars(candles)]).encode()


VENDOR_FILES = (
    VendorFile("generic", generic),
    VendorFile("yahoo", yahoo, daily=True),
    VendorFile("yahoo", yahoo_old, daily=True, newest_first=True),
    VendorFile("yahoo", yfinance, daily=True, header=3),
    VendorFile("yahoo", yfinance_history),
    VendorFile("binance", binance, header=0),
    VendorFile("binance", binance_headed),
    VendorFile("binance", binance_rest, name="x.json", lines=False),
    VendorFile("cryptodatadownload", cryptodatadownload, header=2, newest_first=True),
    VendorFile("metatrader", metatrader4, header=0),
    VendorFile("metatrader", metatrader5),
    VendorFile("dukascopy", dukascopy),
    VendorFile("ninjatrader", ninjatrader, header=0),
    VendorFile("histdata", histdata, header=0, volume=False),
    VendorFile("histdata", histdata_metatrader, header=0, volume=False),
    VendorFile("kraken", kraken, header=0),
    VendorFile("bitfinex", bitfinex, header=0),
    VendorFile("alphavantage", alphavantage, newest_first=True),
    VendorFile("alphavantage", alphavantage_json, name="x.json", lines=False, newest_first=True),
    VendorFile("stooq", stooq),
    VendorFile("quantconnect", quantconnect, header=0),
    VendorFile("feather", freqtrade_feather, name="x.feather", lines=False),
    VendorFile("parquet", parquet, name="x.parquet", lines=False),
    VendorFile("json", freqtrade_json, name="x.json", lines=False),
    VendorFile("json", records, name="x.json", lines=False),
)


def candles_for(file: VendorFile, n_bars: int = 60, *, seed: int = 3) -> Candles:
    """Return candles that the format can carry: daily where it has dates only."""
    from tests.support.candles import random_candles

    step = 86_400 if file.daily else file.step_seconds
    candles = random_candles(n_bars, seed=seed, step_seconds=step, start=1_592_956_800)
    assert np.all(candles.time[0] % 86_400_000_000 == 0)
    return candles
