"""Bitfinex: the close comes second, and there is no header."""

from __future__ import annotations

from candleloop.candles.readers.base import RawCandles, Reader
from candleloop.candles.readers.content import Content, not_candles
from candleloop.candles.readers.headless import OCHL, epoch_shape
from candleloop.candles.readers.text_table import Layout, read_text


class BitfinexReader(Reader):
    """Bitfinex: epoch, open, close, high, low, volume; the order shows in the prices."""

    family = "bitfinex"

    def recognises(self, content: Content) -> bool:
        """Tell an epoch and prices that fit the order open, close, high, low and no other."""
        shape = epoch_shape(content)
        return shape is not None and shape.width == 6 and shape.orders == (OCHL,)

    def read(self, content: Content) -> RawCandles:
        """Return the columns."""
        shape = epoch_shape(content)
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
