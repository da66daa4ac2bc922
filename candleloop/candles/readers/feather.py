"""Feather files, as Freqtrade writes them."""

from __future__ import annotations

from pyarrow.feather import read_table

from candleloop.candles.readers.base import RawCandles, Reader
from candleloop.candles.readers.content import Content
from candleloop.candles.readers.named_columns import read_named


class FeatherReader(Reader):
    """Feather, as Freqtrade writes it, and other Arrow files with named columns."""

    family = "feather"

    def recognises(self, content: Content) -> bool:
        """Tell the magic bytes."""
        return content.data[:6] == b"ARROW1"

    def read(self, content: Content) -> RawCandles:
        """Return the columns."""
        return read_named(content, "Feather", read_table)
