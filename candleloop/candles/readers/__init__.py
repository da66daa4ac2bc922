"""Import readers: vendor files into candles, with a report of what was wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

from candleloop.candles.frame import Candles, joined_candles
from candleloop.candles.readers.alphavantage import AlphaVantageReader
from candleloop.candles.readers.base import RawCandles, Reader
from candleloop.candles.readers.binance import BinanceReader
from candleloop.candles.readers.bitfinex import BitfinexReader
from candleloop.candles.readers.content import Content, not_candles, read_pieces
from candleloop.candles.readers.convert import AskZone, Conversion, ImportedFile, NeedsWhole, Wishes
from candleloop.candles.readers.cryptodatadownload import CryptoDataDownloadReader
from candleloop.candles.readers.dukascopy import DukascopyReader
from candleloop.candles.readers.feather import FeatherReader
from candleloop.candles.readers.generic import GenericReader
from candleloop.candles.readers.histdata import HistDataReader
from candleloop.candles.readers.json_lists import JsonReader
from candleloop.candles.readers.kraken import KrakenReader
from candleloop.candles.readers.metatrader import MetaTraderReader
from candleloop.candles.readers.ninjatrader import NinjaTraderReader
from candleloop.candles.readers.parquet import ParquetReader
from candleloop.candles.readers.quantconnect import QuantConnectReader
from candleloop.candles.readers.stooq import StooqReader
from candleloop.candles.readers.unpacked import Unpacked
from candleloop.candles.readers.yahoo import YahooReader
from candleloop.errors import BadCandles, BadRequest, NotACandleFile
from candleloop.progress import Progress, silent

__all__ = [
    "READERS",
    "AskZone",
    "CandleSink",
    "ImportedCandles",
    "ImportedFile",
    "RawCandles",
    "Reader",
    "import_candles",
    "read_candles",
]

PIECE = 16 << 20
"""Bytes of text that are read at once."""


@dataclass(frozen=True, eq=False)
class ImportedCandles(ImportedFile):
    """The candles of a file with what is known about them.

    Parameters
    ----------
    candles
        Checked candles, ascending.
    """

    candles: Candles


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
    ask_zone: AskZone | None = None,
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
    ask_zone
        Asked for the time zone of times of day that nothing tells it of; without it they are taken as UTC and the
        report says so.
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
    collected = _Collected()
    imported = import_candles(
        source,
        collected,
        name=name,
        reader=reader,
        timezone=timezone,
        timeframe=timeframe,
        day_first=day_first,
        strict=strict,
        symbol=symbol,
        ask_zone=ask_zone,
        progress=progress,
    )
    return ImportedCandles(**vars(imported), candles=joined_candles(collected.parts))


def import_candles(
    source: Path | bytes,
    sink: CandleSink,
    *,
    name: str | None = None,
    reader: str | None = None,
    timezone: str | None = None,
    timeframe: str | None = None,
    day_first: bool | None = None,
    strict: bool = False,
    symbol: str | None = None,
    ask_zone: AskZone | None = None,
    progress: Progress = silent,
) -> ImportedFile:
    """Read a vendor's file piece by piece and hand its candles on as they come.

    Memory does not grow with a text file whose rows are in order of time. A file that is not, or of which something
    shows late only, is read once more as a whole; the report says so. The candles and the rest of the report are the
    same either way.

    Parameters
    ----------
    sink
        Receives the candles, ascending; told to forget them when the file must be read again.
    source, name, reader, timezone, timeframe, day_first, strict, symbol, ask_zone, progress
        See :func:`read_candles`, with its errors. After one, forget what the sink received.
    """
    wishes = Wishes(timezone, timeframe, day_first, strict, symbol, None if ask_zone is None else cache(ask_zone))
    try:
        return _import(source, sink, name, reader, wishes, progress, piece=PIECE)
    except NeedsWhole as reason:
        sink.clear()
        return _import(source, sink, name, reader, wishes, progress, notes=(f"read as a whole: {reason}",))


class CandleSink(Protocol):
    """Where the candles of a file go."""

    def write(self, candles: Candles) -> None:
        """Receive the candles that follow."""

    def clear(self) -> None:
        """Forget all candles received so far."""


class _Collected:
    """Keeps candles in memory."""

    def __init__(self) -> None:
        self.parts: list[Candles] = []

    def write(self, candles: Candles) -> None:
        self.parts.append(candles)

    def clear(self) -> None:
        self.parts.clear()


def _import(
    source: Path | bytes,
    sink: CandleSink,
    name: str | None,
    family: str | None,
    wishes: Wishes,
    progress: Progress,
    *,
    piece: int | None = None,
    notes: Sequence[str] = (),
) -> ImportedFile:
    chosen, conversion = None, None
    with Unpacked(source, name) as unpacked:
        progress("reading", 0, unpacked.size, "bytes")
        for content in read_pieces(unpacked, piece):
            if chosen is None or conversion is None:
                chosen = _choose(content, family)
                conversion = Conversion(content.name, chosen.family, wishes, notes)
            try:
                candles = conversion.add(chosen.read(content), content)
            except (BadCandles, NotACandleFile) as error:
                if content.is_whole:
                    raise
                raise NeedsWhole(f"after line {content.lines_before:,}: {error.message}") from error
            if candles is not None:
                sink.write(candles)
            progress("reading", unpacked.position, unpacked.size, "bytes")
    assert conversion is not None, "a file has at least one piece"
    return conversion.finish()


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
    raise not_candles(content.name, "no reader recognises it; it needs columns for time, open, high, low and close")
