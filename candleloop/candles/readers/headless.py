"""Files without a header: telling the columns by what is in them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import permutations

from candleloop.candles.readers.content import Content

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_EPOCH = re.compile(r"\d{9,19}")


def is_number(text: str) -> bool:
    """Tell whether a value is a plain decimal number."""
    return _NUMBER.fullmatch(text) is not None


def is_epoch(text: str) -> bool:
    """Tell whether a value may be seconds, milliseconds, microseconds or nanoseconds since 1970."""
    return _EPOCH.fullmatch(text) is not None


def sample_rows(content: Content, first_line: int = 0) -> list[tuple[str, ...]]:
    """Return the first rows that have the usual number of values."""
    rows = [row for row in content.rows[first_line:] if any(row)]
    widths = [len(row) for row in rows]
    usual = max(set(widths), key=widths.count) if widths else 0
    return [row for row in rows if len(row) == usual]


def price_orders(rows: Sequence[Sequence[str]], places: Sequence[int]) -> list[tuple[str, ...]]:
    """Return the vendors' orders of four price columns that the rows do not contradict.

    In the right order high is nowhere below the other three, and low nowhere above them. A hundredth of the rows may
    be wrong.
    """
    values = [tuple(float(row[place]) for place in places) for row in rows if all(is_number(row[p]) for p in places)]
    if not values:
        return []
    extremes = [
        (high, low)
        for high, low in permutations(range(4), 2)
        if sum(v[high] >= max(v) and v[low] <= min(v) for v in values) >= 0.99 * len(values)
    ]
    known = (("open", "high", "low", "close"), ("open", "close", "high", "low"))
    return [order for order in known if (order.index("high"), order.index("low")) in extremes]
