"""NinjaTrader: ``20110103 090100;open;high;low;close;volume`` without header."""

from __future__ import annotations

from candleloop.candles.readers.base import RawCandles, Reader
from candleloop.candles.readers.content import Content, not_candles
from candleloop.candles.readers.headless import compact_shape
from candleloop.candles.readers.text_table import Layout, read_text


class NinjaTraderReader(Reader):
    """NinjaTrader's export: UTC, a candle of minutes is stamped with the time at which it ends."""

    family = "ninjatrader"

    def recognises(self, content: Content) -> bool:
        """Tell semicolons, compact times and a volume."""
        shape = compact_shape(content)
        return shape is not None and not shape.lacks_volume

    def read(self, content: Content) -> RawCandles:
        """Return the columns."""
        shape = compact_shape(content)
        if shape is None:
            raise not_candles(content.name, "its rows are not time;open;high;low;close;volume")
        intraday = " " in shape.rows[0][0]
        more = {"vendor_zone": "UTC", "stamped_at_close": intraday}
        return read_text(content, Layout(first_line=0, width=6, roles=shape.roles(), more=more))
