"""Exchanges whose files have no header: Kraken and Bitfinex."""

from __future__ import annotations

from candleloop.candles.readers.base import RawCandles, Reader
from candleloop.candles.readers.content import Content, not_candles
from candleloop.candles.readers.headless import OCHL, OHLC, Shape, shape_of
from candleloop.candles.readers.text_table import Layout, read_text


def _epochs(content: Content) -> Shape | None:
    shape = shape_of(content)
    return shape if shape is not None and shape.is_epoch else None


class KrakenReader(Reader):
    """Kraken's OHLCVT files: seconds, open, high, low, close, volume, number of trades."""

    family = "kraken"

    def recognises(self, content: Content) -> bool:
        """Tell seven columns, the first an epoch in seconds, the last a whole number."""
        shape = _epochs(content)
        if shape is None or shape.width != 7 or OHLC not in shape.orders:
            return False
        return all(len(value) <= 11 for value in shape.column(0)) and all(v.isdigit() for v in shape.column(6))

    def read(self, content: Content) -> RawCandles:
        """Return the columns."""
        shape = _epochs(content)
        if shape is None or shape.width != 7:
            raise not_candles(content.name, "its rows are not time,open,high,low,close,volume,trades")
        return read_text(content, Layout(first_line=0, width=7, roles=shape.roles()))


class BitfinexReader(Reader):
    """Bitfinex: epoch, open, close, high, low, volume; the order shows in the prices."""

    family = "bitfinex"

    def recognises(self, content: Content) -> bool:
        """Tell an epoch and prices that fit the order open, close, high, low and no other."""
        shape = _epochs(content)
        return shape is not None and shape.width == 6 and shape.orders == (OCHL,)

    def read(self, content: Content) -> RawCandles:
        """Return the columns."""
        shape = _epochs(content)
        if shape is None or shape.width != 6:
            raise not_candles(content.name, "its rows are not time,open,close,high,low,volume")
        return read_text(
            content,
            Layout(
                first_line=0,
                width=6,
                roles=shape.roles(OCHL),
                more={"notes": ("columns are in the order open, close, high, low",)},
            ),
        )
