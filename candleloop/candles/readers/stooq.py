"""Stooq's bulk files: ``<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,...,<OPENINT>``."""

from __future__ import annotations

from candleloop.candles.readers.base import RawCandles, Reader
from candleloop.candles.readers.content import Content, not_candles
from candleloop.candles.readers.generic import find_header, read_headed
from candleloop.candles.timeframes import DAY, MINUTE, MONTH, WEEK

_PERIODS = {"D": DAY, "W": WEEK, "M": MONTH}


class StooqReader(Reader):
    """Stooq's bulk files; its plain daily files need no reader of their own."""

    family = "stooq"

    def recognises(self, content: Content) -> bool:
        """Tell the header."""
        return bool(content.rows) and [name.upper() for name in content.rows[0][:4]] == _HEADER

    def read(self, content: Content) -> RawCandles:
        """Return the columns, and the timeframe that the file states."""
        header = find_header(content)
        if header is None or len(content.rows) < 2:
            raise not_candles(content.name, "it has no header of Stooq")
        period = "".join(content.rows[1][1:2]).upper()
        seconds = _PERIODS.get(period, int(period) * MINUTE if period.isdecimal() else None)
        return read_headed(content, *header, timeframe_seconds=seconds)


_HEADER = ["<TICKER>", "<PER>", "<DATE>", "<TIME>"]
