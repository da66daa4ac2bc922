"""Binance klines: the files of data.binance.vision with and without header, and the answer of the REST API."""

from __future__ import annotations

import json

import pyarrow as pa

from candleloop.candles.readers.base import RawCandles, Reader, record_numbers
from candleloop.candles.readers.columns import Roles, normal_name
from candleloop.candles.readers.content import Content, not_candles
from candleloop.candles.readers.headless import is_epoch, is_number, sample_rows
from candleloop.candles.readers.text_table import Layout, read_text

_ROLES = Roles(date=0, prices={"open": 1, "high": 2, "low": 3, "close": 4}, volumes=(5,))
_WIDTHS = (11, 12)


class BinanceReader(Reader):
    """Binance klines: open time, open, high, low, close, volume, close time, ...; times are UTC epochs."""

    family = "binance"

    def recognises(self, content: Content) -> bool:
        """Tell klines by their twelve columns, of which the seventh is the time at which the candle closes."""
        if content.is_json:
            klines = _json_rows(content)
            return bool(klines) and _is_kline([str(value) for value in klines[0]])
        if content.delimiter != "," or not content.rows:
            return False
        rows = sample_rows(content, _header_lines(content))
        return len(rows) > 0 and all(_is_kline(row) for row in rows[:20])

    def read(self, content: Content) -> RawCandles:
        """Return the columns."""
        if content.is_json:
            return _read_json(content)
        rows = sample_rows(content, _header_lines(content))
        return read_text(
            content,
            Layout(
                first_line=_header_lines(content),
                width=len(rows[0]),
                roles=_ROLES,
                more={"vendor_zone": "UTC"},
            ),
        )


def _header_lines(content: Content) -> int:
    return 1 if normal_name(content.rows[0][0]) in ("opentime", "timestamp", "time") else 0


def _is_kline(row: tuple[str, ...] | list[str]) -> bool:
    if len(row) not in _WIDTHS or not (is_epoch(row[0]) and is_epoch(row[6]) and "." not in row[0] + row[6]):
        return False
    return all(is_number(value) for value in row[1:6]) and int(row[6]) > int(row[0])


def _json_rows(content: Content) -> list[list[object]]:
    try:
        rows = json.loads(content.data)
    except (ValueError, RecursionError):
        return []
    if isinstance(rows, list) and all(isinstance(row, list) for row in rows):
        return rows
    return []


def _read_json(content: Content) -> RawCandles:
    rows = _json_rows(content)
    if not rows:
        raise not_candles(content.name, "it is not a list of klines")
    malformed = tuple(number for number, row in enumerate(rows, 1) if len(row) not in _WIDTHS)
    good = [row for row in rows if len(row) in _WIDTHS]
    numbers = record_numbers(len(rows))
    wrong = set(malformed)
    columns = [
        pa.chunked_array([pa.array([None if row[place] is None else str(row[place]) for row in good], pa.string())])
        for place in range(6)
    ]
    return RawCandles(
        date=columns[0],
        prices=dict(zip(("open", "high", "low", "close"), columns[1:5], strict=True)),
        volumes={"volume": columns[5]},
        rows=numbers[[number not in wrong for number in numbers.tolist()]],
        malformed=malformed,
        vendor_zone="UTC",
    )
