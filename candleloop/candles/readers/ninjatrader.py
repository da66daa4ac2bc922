"""NinjaTrader and HistData: ``20110103 090100;open;high;low;close;volume`` without header."""

from __future__ import annotations

import re

from candleloop.candles.readers.base import RawCandles, Reader
from candleloop.candles.readers.content import Content, not_candles
from candleloop.candles.readers.headless import Shape, is_number, shape_of
from candleloop.candles.readers.text_table import Layout, read_text


def _compact(content: Content) -> Shape | None:
    if content.delimiter != ";":
        return None
    shape = shape_of(content)
    if shape is None or shape.width != 6 or not re.fullmatch(r"\d{8}( \d{4,6})?", shape.rows[0][0]):
        return None
    return shape


def _without_volume(shape: Shape) -> bool:
    volumes = [float(value) for value in shape.column(shape.width - 1) if is_number(value)]
    # By most of the rows: damaged ones must not turn Eastern times into others.
    return 2 * volumes.count(0.0) > len(volumes) or not volumes


class NinjaTraderReader(Reader):
    """NinjaTrader's export: UTC, a candle of minutes is stamped with the time at which it ends."""

    family = "ninjatrader"

    def recognises(self, content: Content) -> bool:
        """Tell semicolons, compact times and a volume."""
        shape = _compact(content)
        return shape is not None and not _without_volume(shape)

    def read(self, content: Content) -> RawCandles:
        """Return the columns."""
        shape = _compact(content)
        if shape is None:
            raise not_candles(content.name, "its rows are not time;open;high;low;close;volume")
        intraday = " " in shape.rows[0][0]
        more = {"vendor_zone": "UTC", "stamped_at_close": intraday}
        return read_text(content, Layout(first_line=0, width=6, roles=shape.roles(), more=more))


class HistDataReader(Reader):
    """HistData.com: Eastern Standard Time without daylight saving, stamped at the open, no volume.

    Its ASCII and NinjaTrader files look like NinjaTrader's own, its MetaTrader files like MetaTrader's; the volume
    that is always 0 tells them.
    """

    family = "histdata"

    def recognises(self, content: Content) -> bool:
        """Tell a compact or dotted time and a volume that is 0."""
        shape = _histdata(content)
        return shape is not None and len(shape.rows) > 1 and _without_volume(shape)

    def read(self, content: Content) -> RawCandles:
        """Return the columns; the empty volume is left out."""
        shape = _histdata(content)
        if shape is None:
            raise not_candles(content.name, "its rows are not those of HistData")
        return read_text(
            content,
            Layout(
                first_line=0,
                width=shape.width,
                roles=shape.roles(with_volume=False),
                more={"vendor_zone": "Etc/GMT+5", "notes": ("HistData has no volume",)},
            ),
        )


def _histdata(content: Content) -> Shape | None:
    compact = _compact(content)
    if compact is not None:
        return compact
    shape = shape_of(content)
    if shape is None or not shape.has_clock or shape.width != 7:
        return None
    return shape if re.fullmatch(r"\d{4}\.\d{2}\.\d{2}", shape.rows[0][0]) else None
