"""QuantConnect (Lean): prices in ten-thousandths of a dollar, New York time, days of minute data in file names."""

from __future__ import annotations

import re
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from candleloop.candles.readers.base import RawCandles, Reader
from candleloop.candles.readers.columns import Roles
from candleloop.candles.readers.content import Content, bad_file, not_candles
from candleloop.candles.readers.headless import sample_rows
from candleloop.candles.readers.text_table import Layout, read_text

_SCALE = 10_000.0
_ROLES = Roles(date=0, prices={"open": 1, "high": 2, "low": 3, "close": 4}, volumes=(5,))


class QuantConnectReader(Reader):
    """Lean's equity files: daily and hourly with a date, minute and second with milliseconds since midnight."""

    family = "quantconnect"

    def recognises(self, content: Content) -> bool:
        """Tell six columns of whole numbers after a compact date or a number of milliseconds within one day."""
        return _kind(content) is not None

    def read(self, content: Content) -> RawCandles:
        """Return the columns; prices are brought to dollars, as Lean documents."""
        kind = _kind(content)
        if kind is None:
            raise not_candles(content.name, "its rows are not those of Lean equity data")
        more = {
            "vendor_zone": "America/New_York",
            "price_scale": _SCALE,
            "notes": ("prices are ten-thousandths of a dollar, as Lean writes them",),
        }
        raw = read_text(content, Layout(first_line=0, width=6, roles=_ROLES, more=more))
        if kind == "dated":
            return raw
        day = re.match(r"(\d{4})(\d{2})(\d{2})_", content.name)
        if day is None:
            raise bad_file(
                content.name,
                "Its times count from midnight and the day is not in the file's name (20131007_trade.csv).",
                "no_date",
                field="time",
            )
        return replace(raw, date=_times_of_day(raw.date, "-".join(day.groups())))


def _kind(content: Content) -> str | None:
    rows = sample_rows(content)
    if content.delimiter != "," or len(rows) < 2 or len(rows[0]) != 6:
        return None
    whole = [row for row in rows if all(value.isdigit() for value in row[1:5])]
    if len(rows) - len(whole) > max(1, len(rows) // 100) or whole[:1] != rows[:1]:
        return None
    rows = whole
    if all(re.fullmatch(r"\d{8} \d{2}:\d{2}", row[0]) for row in rows):
        return "dated"
    counts = [int(row[0]) for row in rows if re.fullmatch(r"\d{1,8}", row[0])]
    if len(counts) == len(rows) and counts == sorted(set(counts)) and counts[-1] < 86_400_000 and counts[-1] > 60_000:
        return "clocked"
    return None


def _times_of_day(column: pa.ChunkedArray, day: str) -> pa.ChunkedArray:
    """Return local times as text from milliseconds since midnight."""
    milliseconds = pc.cast(pc.cast(column, pa.string()), pa.int64())
    moments = pc.strftime(pc.cast(milliseconds, pa.timestamp("ms")), format="%H:%M:%S")
    return pc.binary_join_element_wise(day, moments, " ")
