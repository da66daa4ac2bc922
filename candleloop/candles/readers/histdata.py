"""HistData.com's files in the layouts of NinjaTrader and MetaTrader."""

from __future__ import annotations

import re

from candleloop.candles.readers.base import RawCandles, Reader
from candleloop.candles.readers.content import Content, not_candles
from candleloop.candles.readers.headless import Shape, compact_shape, shape_of
from candleloop.candles.readers.text_table import Layout, read_text


class HistDataReader(Reader):
    """HistData.com: Eastern Standard Time without daylight saving, stamped at the open, no volume.

    Its ASCII and NinjaTrader files look like NinjaTrader's own, its MetaTrader files like MetaTrader's; the volume
    that is always 0 tells them.
    """

    family = "histdata"

    def recognises(self, content: Content) -> bool:
        """Tell a compact or dotted time and a volume that is 0."""
        shape = _histdata(content)
        return shape is not None and len(shape.rows) > 1 and shape.lacks_volume

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
    compact = compact_shape(content)
    if compact is not None:
        return compact
    shape = shape_of(content)
    if shape is None or not shape.has_clock or shape.width != 7:
        return None
    return shape if re.fullmatch(r"\d{4}\.\d{2}\.\d{2}", shape.rows[0][0]) else None
