"""Import readers: vendor files into candles, with a report of what was wrong with them."""

from __future__ import annotations

from pathlib import Path

from candleloop.candles.readers.alphavantage import AlphaVantageReader
from candleloop.candles.readers.base import RawCandles, Reader
from candleloop.candles.readers.binance import BinanceReader
from candleloop.candles.readers.content import Content, not_candles, open_content
from candleloop.candles.readers.convert import ImportedCandles, Wishes, convert
from candleloop.candles.readers.cryptodatadownload import CryptoDataDownloadReader
from candleloop.candles.readers.dukascopy import DukascopyReader
from candleloop.candles.readers.exchanges import BitfinexReader, KrakenReader
from candleloop.candles.readers.generic import GenericReader
from candleloop.candles.readers.metatrader import MetaTraderReader
from candleloop.candles.readers.ninjatrader import HistDataReader, NinjaTraderReader
from candleloop.candles.readers.quantconnect import QuantConnectReader
from candleloop.candles.readers.stooq import StooqReader
from candleloop.candles.readers.tables import FeatherReader, JsonReader, ParquetReader
from candleloop.candles.readers.yahoo import YahooReader
from candleloop.errors import BadRequest
from candleloop.progress import Progress, silent

__all__ = ["READERS", "ImportedCandles", "RawCandles", "Reader", "read_candles"]

READERS: tuple[Reader, ...] = (
    ParquetReader(),
    FeatherReader(),
    BinanceReader(),
    AlphaVantageReader(),
    JsonReader(),
    YahooReader(),
    CryptoDataDownloadReader(),
    DukascopyReader(),
    HistDataReader(),
    MetaTraderReader(),
    NinjaTraderReader(),
    QuantConnectReader(),
    KrakenReader(),
    BitfinexReader(),
    StooqReader(),
    GenericReader(),
)
"""All readers; the first that recognises a file reads it, so the particular ones stand before the general ones."""


def read_candles(
    source: Path | bytes,
    *,
    name: str | None = None,
    reader: str | None = None,
    timezone: str | None = None,
    timeframe: str | None = None,
    day_first: bool | None = None,
    strict: bool = False,
    symbol: str | None = None,
    progress: Progress = silent,
) -> ImportedCandles:
    """Read a vendor's file.

    The file is recognised by its content. Defective rows are left out and reported, never repaired.

    Parameters
    ----------
    source
        A file, or its bytes; may be packed with gzip or zip.
    name
        The file's name where ``source`` is bytes; symbol and timeframe are guessed from it.
    reader
        Family of the reader, when the content leaves it open.
    timezone
        IANA name of the zone of times without offset. Without it they are taken as the vendor documents, else as UTC.
    timeframe
        What the caller believes the timeframe is (``15m``, ``1d``); reported when the data deny it.
    day_first
        Whether ``01.02.2020`` is the first of February; needed only where the dates do not tell.
    strict
        Refuse a file with any defect instead of leaving rows out.
    symbol
        Which symbol to read from a file that holds several; else the symbol to note.
    progress
        Told about the steps.

    Raises
    ------
    NotACandleFile
        When no reader recognises the file, or it cannot be unpacked.
    BadCandles
        When the file holds candles that cannot be used: columns in doubt, dates or numbers that can be read in two
        ways, most rows defective, or, with ``strict``, any defect. ``row`` is the line in the file.
    BadRequest
        When ``reader``, ``timezone``, ``timeframe`` or ``symbol`` names nothing that exists.
    """
    progress("read", 0, 3)
    content = open_content(source, name)
    chosen = _choose(content, reader)
    progress("parse", 1, 3)
    raw = chosen.read(content)
    progress("check", 2, 3)
    wishes = Wishes(timezone=timezone, timeframe=timeframe, day_first=day_first, strict=strict, symbol=symbol)
    imported = convert(raw, content, chosen.family, wishes)
    progress("done", 3, 3)
    return imported


def _choose(content: Content, family: str | None) -> Reader:
    if family is not None:
        found = next((reader for reader in READERS if reader.family == family), None)
        if found is None:
            known = ", ".join(reader.family for reader in READERS)
            raise BadRequest(
                f"There is no reader {family!r} (there are {known}).", code="no_such_reader", field="reader"
            )
        return found
    for reader in READERS:
        if reader.recognises(content):
            return reader
    raise not_candles(content, "no reader recognises it; it needs columns for time, open, high, low and close")
