"""Dukascopy: day-first dates with milliseconds, GMT unless the header names a local time."""

from __future__ import annotations

import re

from candleloop.candles.readers.base import RawCandles, Reader
from candleloop.candles.readers.columns import normal_name
from candleloop.candles.readers.content import Content, not_candles
from candleloop.candles.readers.generic import find_header, read_headed

_TIMES = ("time", "gmttime", "localtime", "eettime", "utc", "eet")


class DukascopyReader(Reader):
    """Dukascopy's historical data export."""

    family = "dukascopy"

    def recognises(self, content: Content) -> bool:
        """Tell ``01.02.2017 22:00:00.000`` below a header that begins with a time."""
        header = find_header(content)
        if header is None or normal_name(content.rows[header[0]][0]) not in _TIMES:
            return False
        first = next((row[0] for row in content.rows[header[0] + 1 :] if any(row)), "")
        return re.fullmatch(r"\d{2}\.\d{2}\.\d{4} \d{2}:\d{2}:\d{2}\.\d{3}( GMT[+-]\d{4})?", first) is not None

    def read(self, content: Content) -> RawCandles:
        """Return the columns."""
        header = find_header(content)
        if header is None:
            raise not_candles(content.name, "it has no header of Dukascopy")
        name = normal_name(content.rows[header[0]][0])
        zone = {"gmttime": "UTC", "utc": "UTC", "time": "UTC"}.get(name, "EET" if name.startswith("eet") else None)
        return read_headed(content, *header, vendor_zone=zone, day_first=True)
