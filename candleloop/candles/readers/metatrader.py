"""MetaTrader 4 and 5: history centre exports without header, and exports with ``<DATE>`` or tick-volume columns."""

from __future__ import annotations

import re

from candleloop.candles.readers.base import RawCandles, Reader
from candleloop.candles.readers.columns import normal_name
from candleloop.candles.readers.content import Content, not_candles
from candleloop.candles.readers.generic import find_header, read_headed
from candleloop.candles.readers.headless import Shape, shape_of
from candleloop.candles.readers.text_table import Layout, read_text

_SERVER_TIME = "MetaTrader writes the time of the broker's server; say its time zone when it matters"


class MetaTraderReader(Reader):
    """MetaTrader; the time is the broker's, which the file does not tell."""

    family = "metatrader"

    def recognises(self, content: Content) -> bool:
        """Tell dotted dates with a column for the time of day, or a column of tick volume."""
        return _headless(content) is not None or _has_tick_volume(content)

    def read(self, content: Content) -> RawCandles:
        """Return the columns; the volume is the real one where there is any, else the number of ticks."""
        shape = _headless(content)
        if shape is not None:
            return read_text(
                content, Layout(first_line=0, width=shape.width, roles=shape.roles(), more={"notes": (_SERVER_TIME,)})
            )
        header = find_header(content)
        if header is None:
            raise not_candles(content.name, "it has neither dotted dates and times nor a header of MetaTrader")
        return read_headed(content, *header, notes=(_SERVER_TIME,))


def _headless(content: Content) -> Shape | None:
    shape = shape_of(content)
    if shape is None or not shape.has_clock or not re.fullmatch(r"\d{4}\.\d{2}\.\d{2}", shape.rows[0][0]):
        return None
    return shape


def _has_tick_volume(content: Content) -> bool:
    header = find_header(content)
    if header is None:
        return False
    return any(normal_name(name) in ("tickvol", "tickvolume") for name in content.rows[header[0]])
