"""Files without a header: telling the columns by what is in them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

from candleloop.candles.readers.columns import Roles
from candleloop.candles.readers.content import Content

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_EPOCH = re.compile(r"-?\d{9,19}(\.0*)?")
_DATE = re.compile(
    r"\d{4}[-./]\d{1,2}[-./]\d{1,2}([ T].*)?|\d{1,2}[-./]\d{1,2}[-./]\d{4}([ T].*)?|(19|20)\d{6}([ T]\d{4,6})?"
)
_CLOCK = re.compile(r"\d{1,2}:\d{2}(:\d{2})?(\.\d+)?|\d{6}")

OHLC = ("open", "high", "low", "close")
OCHL = ("open", "close", "high", "low")


@dataclass(frozen=True)
class Shape:
    """What the rows of a file without header look like.

    Parameters
    ----------
    rows
        The sampled rows of the usual width.
    width
        Values in a row.
    has_clock
        The second value is a time of day.
    is_epoch
        The first value is an epoch.
    orders
        The orders of the four prices that the rows do not contradict.
    """

    rows: tuple[tuple[str, ...], ...]
    width: int
    has_clock: bool
    is_epoch: bool
    orders: tuple[tuple[str, ...], ...]

    @property
    def first_price(self) -> int:
        """Place of the first price."""
        return 2 if self.has_clock else 1

    def column(self, place: int) -> list[str]:
        """Return the sampled values of a column."""
        return [row[place] for row in self.rows]

    def roles(self, order: Sequence[str] = OHLC, *, with_volume: bool = True) -> Roles:
        """Return the roles of the columns with the prices in an order, and the volume after them where there is one."""
        first = self.first_price
        return Roles(
            date=0,
            clock=1 if self.has_clock else None,
            prices={name: first + place for place, name in enumerate(order)},
            volumes=(first + 4,) if with_volume and self.width > first + 4 else (),
        )

    @property
    def lacks_volume(self) -> bool:
        """Whether the last value is 0 in most of the rows: damaged ones must not make another vendor's file of it."""
        volumes = [float(value) for value in self.column(self.width - 1) if is_number(value)]
        return 2 * volumes.count(0.0) > len(volumes) or not volumes


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


def shape_of(content: Content) -> Shape | None:
    """Return the shape of a file whose rows are a time and numbers; None when they are something else.

    A hundredth of the rows (and always one) may be different, but the first must have numbers where the prices are.
    """
    if "shape" not in content.findings:
        content.findings["shape"] = _find_shape(content)
    found: Shape | None = content.findings["shape"]
    return found


def epoch_shape(content: Content) -> Shape | None:
    """Return the shape of a file whose times are epochs; None when they are not."""
    shape = shape_of(content)
    return shape if shape is not None and shape.is_epoch else None


def compact_shape(content: Content) -> Shape | None:
    """Return the shape of rows like ``20110103 090100;open;high;low;close;volume``; None when they are others."""
    if content.delimiter != ";":
        return None
    shape = shape_of(content)
    if shape is None or shape.width != 6 or not re.fullmatch(r"\d{8}( \d{4,6})?", shape.rows[0][0]):
        return None
    return shape


def _find_shape(content: Content) -> Shape | None:
    rows = sample_rows(content)
    if not rows or len(rows[0]) < 5:
        return None
    allowed = max(1, len(rows) // 100) if len(rows) > 2 else 0
    clocked = [row for row in rows if _CLOCK.fullmatch(row[1]) and _DATE.fullmatch(row[0]) and ":" in row[1]]
    has_clock = len(rows) - len(clocked) <= allowed
    first = 2 if has_clock else 1
    if len(rows[0]) < first + 4:
        return None
    good = [
        row
        for row in rows
        if (is_epoch(row[0]) or _DATE.fullmatch(row[0])) and all(is_number(v) for v in row[first : first + 4])
    ]
    if not good or len(rows) - len(good) > allowed:
        return None
    if not all(is_number(value) for value in rows[0][first : first + 4]):
        # Names that nobody knows: what they say about the order must not be passed over.
        return None
    epochs = all(is_epoch(row[0]) and not re.fullmatch(r"(19|20)\d{10}(\d\d)?", row[0]) for row in good)
    return Shape(tuple(good), len(rows[0]), has_clock, epochs, tuple(price_orders(good, range(first, first + 4))))


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
    return [order for order in (OHLC, OCHL) if (order.index("high"), order.index("low")) in extremes]
