"""Kraken's OHLCVT files, without header."""

from __future__ import annotations

from candleloop.candles.readers.base import RawCandles, Reader
from candleloop.candles.readers.content import Content, not_candles
from candleloop.candles.readers.headless import OHLC, epoch_shape
from candleloop.candles.readers.text_table import Layout, read_text


class KrakenReader(Reader):
    """Kraken's files: seconds, open, high, low, close, volume, number of trades."""

    family = "kraken"

    def recognises(self, content: Content) -> bool:
        """Tell seven columns, the first an epoch in seconds, the last a whole number."""
        shape = epoch_shape(content)
        if shape is None or shape.width != 7 or OHLC not in shape.orders:
            return False
        return all(len(value) <= 11 for value in shape.column(0)) and all(v.isdigit() for v in shape.column(6))

    def read(self, content: Content) -> RawCandles:
        """Return the columns."""
        shape = epoch_shape(content)
        if shape is None or shape.width != 7:
            raise not_candles(content.name, "its rows are not time,open,high,low,close,volume,trades")
        return read_text(content, Layout(first_line=0, width=7, roles=shape.roles()))
