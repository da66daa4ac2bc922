"""Alpha Vantage: CSV newest first and JSON; intraday times are those of New York."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pyarrow as pa

from candleloop.candles.readers.base import RawCandles, Reader, record_numbers
from candleloop.candles.readers.columns import find_roles, normal_name
from candleloop.candles.readers.content import Content, bad_file, not_candles
from candleloop.candles.readers.generic import find_header, read_headed
from candleloop.candles.readers.times import zone_called
from candleloop.errors import BadRequest

_HEADERS = (
    ["timestamp", "open", "high", "low", "close", "volume"],
    ["timestamp", "open", "high", "low", "close", "adjustedclose", "volume", "dividendamount"],
    ["timestamp", "open", "high", "low", "close", "adjustedclose", "volume", "dividendamount", "splitcoefficient"],
)
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}( \d{2}:\d{2}:\d{2})?")
_ZONE = "America/New_York"


class AlphaVantageReader(Reader):
    """Alpha Vantage time series."""

    family = "alphavantage"

    def recognises(self, content: Content) -> bool:
        """Tell its header over dates that descend, or its JSON."""
        if content.is_json:
            return b'"Meta Data"' in content.data[:2000] and b"Time Series" in content.data[:4000]
        if len(content.rows) < 3 or [normal_name(name) for name in content.rows[0]] not in _HEADERS:
            return False
        times = [row[0] for row in content.rows[1:] if row and _TIME.fullmatch(row[0])]
        # By half of the rows: a damaged one must not make these times somebody else's.
        descending = sum(later > earlier for later, earlier in pairwise(times))
        return 2 * len(times) >= len(content.rows) - 1 and 2 * descending > len(times) - 1

    def read(self, content: Content) -> RawCandles:
        """Return the columns."""
        if content.is_json:
            return _read_json(content)
        header = find_header(content)
        if header is None:
            raise not_candles(content.name, "it has no header of Alpha Vantage")
        return read_headed(content, *header, vendor_zone=_ZONE)


def _read_json(content: Content) -> RawCandles:
    try:
        document = json.loads(content.data)
    except (ValueError, RecursionError) as error:
        raise not_candles(content.name, f"it is broken JSON ({error})") from error
    series = next((value for key, value in document.items() if "Time Series" in key), None)
    if not isinstance(series, dict) or not series or not all(isinstance(bar, dict) for bar in series.values()):
        raise not_candles(content.name, "it has no time series")
    meta = document.get("Meta Data")
    facts = {normal_name(key): str(value) for key, value in meta.items()} if isinstance(meta, dict) else {}
    names = list(next(iter(series.values())))
    roles = find_roles(["time", *names])
    if roles is None:
        raise not_candles(content.name, "its time series does not name open, high, low and close")

    zone = {"US/Eastern": _ZONE}.get(facts.get("timezone", ""), facts.get("timezone") or _ZONE)
    try:
        zone_called(zone)
    except BadRequest as error:
        raise bad_file(content.name, f"It names a time zone {zone!r} that does not exist.", error.code) from error

    def column(place: int) -> pa.ChunkedArray:
        return pa.chunked_array([pa.array([_text(bar, names[place - 1]) for bar in series.values()], pa.string())])

    return RawCandles(
        date=pa.chunked_array([pa.array(list(series), pa.string())]),
        prices={name: column(place) for name, place in roles.prices.items()},
        volumes={names[place - 1]: column(place) for place in roles.volumes},
        rows=record_numbers(len(series)),
        vendor_zone=zone,
        symbol=facts.get("symbol"),
    )


def _text(bar: Mapping[str, Any], name: str) -> str | None:
    value = bar.get(name)
    return None if value is None else str(value)
