"""JSON of rows or records."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from candleloop.candles.readers.base import RawCandles, Reader, record_numbers
from candleloop.candles.readers.columns import find_roles
from candleloop.candles.readers.content import Content, bad_file, not_candles
from candleloop.candles.readers.headless import OCHL, is_epoch, price_orders


class JsonReader(Reader):
    """JSON: a list of rows (Freqtrade, exchanges' REST APIs) or of records with named values."""

    family = "json"

    def recognises(self, content: Content) -> bool:
        """Tell a list of rows of five to eight values that begin with an epoch, or of records with the right names."""
        items = _items(content)
        if not items:
            return False
        if isinstance(items[0], dict):
            return find_roles(list(items[0])) is not None
        return isinstance(items[0], list) and 5 <= len(items[0]) <= 8 and is_epoch(str(items[0][0]))

    def read(self, content: Content) -> RawCandles:
        """Return the columns."""
        items = _items(content)
        if items and isinstance(items[0], dict):
            return _from_records(content, items)
        if items and isinstance(items[0], list):
            return _from_rows(content, items)
        raise not_candles(content.name, "it is not a list of candles")


def _items(content: Content) -> list[Any]:
    if not content.is_json:
        return []
    try:
        document = json.loads(content.data)
    except (ValueError, RecursionError):
        return []
    return document if isinstance(document, list) else []


def _from_rows(content: Content, items: Sequence[Any]) -> RawCandles:
    width = len(items[0])
    good = [row for row in items if isinstance(row, list) and len(row) == width]
    malformed = tuple(n for n, row in enumerate(items, 1) if not (isinstance(row, list) and len(row) == width))
    wrong = set(malformed)
    orders = price_orders([[str(value) for value in row] for row in good[:1000]], range(1, 5))
    if len(orders) != 1:
        raise bad_file(
            content.name,
            "the order of open, high, low and close does not show in its rows.",
            "columns_in_doubt",
            field="high",
        )
    return RawCandles(
        date=_column(row[0] for row in good),
        prices={name: _column([row[place] for row in good]) for place, name in enumerate(orders[0], 1)},
        volumes={"volume": _column(row[5] for row in good)} if width > 5 else {},
        rows=record_numbers(len(items))[[n not in wrong for n in range(1, len(items) + 1)]],
        malformed=malformed,
        vendor_zone="UTC",
        notes=("columns are in the order open, close, high, low",) if orders[0] == OCHL else (),
    )


def _from_records(content: Content, items: Sequence[Any]) -> RawCandles:
    names = list(items[0])
    roles = find_roles(names)
    if roles is None:
        raise not_candles(content.name, "its records do not name time, open, high, low and close")
    good = [record for record in items if isinstance(record, dict)]
    malformed = tuple(n for n, record in enumerate(items, 1) if not isinstance(record, dict))
    wrong = set(malformed)

    def column(place: int) -> pa.ChunkedArray:
        return _column(record.get(names[place]) for record in good)

    return RawCandles(
        date=column(roles.date),
        clock=None if roles.clock is None else column(roles.clock),
        prices={name: column(place) for name, place in roles.prices.items()},
        volumes={names[place]: column(place) for place in roles.volumes},
        symbols=None if roles.symbol is None else column(roles.symbol),
        rows=record_numbers(len(items))[[n not in wrong for n in range(1, len(items) + 1)]],
        malformed=malformed,
    )


def _column(values: Any) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array([None if value is None else str(value) for value in values], pa.string())])
