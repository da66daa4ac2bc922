"""What a reader is, and what it hands on: the columns of a file before anything is judged."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pyarrow as pa

from candleloop.candles.frame import IntArray
from candleloop.candles.readers.content import Content


@dataclass(frozen=True)
class RawCandles:
    """The columns of a file as they stand there.

    Parameters
    ----------
    date, clock
        Arrow arrays of shape (n_rows,): text, integers or timestamps; ``clock`` is the time of day where it has a
        column of its own.
    prices
        ``open``, ``high``, ``low``, ``close`` as Arrow arrays, text or numbers.
    volumes
        Candidates for the volume by their names in the file, best first.
    rows
        Line (or record) of each row in the file, int64 array of shape (n_rows,), the first line is 1.
    malformed
        Lines that have another number of values than the rest.
    symbols
        The symbol of each row where the file has such a column.
    vendor_zone
        IANA name of the zone of times without offset, where the vendor documents one.
    symbol, timeframe_seconds
        What the file says about itself outside its rows.
    stamped_at_close
        The vendor stamps a candle with the time at which it ends.
    day_first
        The order of day and month, where the vendor's format fixes it.
    price_scale
        The number of units in 1.0 of a price, for vendors that write whole numbers.
    decimal_comma
        The comma is the decimal mark.
    notes
        Choices worth telling.
    """

    date: pa.ChunkedArray
    prices: Mapping[str, pa.ChunkedArray]
    rows: IntArray
    clock: pa.ChunkedArray | None = None
    volumes: Mapping[str, pa.ChunkedArray] = field(default_factory=dict)
    malformed: tuple[int, ...] = ()
    symbols: pa.ChunkedArray | None = None
    vendor_zone: str | None = None
    symbol: str | None = None
    timeframe_seconds: int | None = None
    stamped_at_close: bool = False
    day_first: bool | None = None
    price_scale: float = 1.0
    decimal_comma: bool = False
    notes: tuple[str, ...] = ()


class Reader(ABC):
    """Reads the files of one vendor family.

    A reader is stateless. It recognises its files by their content, never by their name, and says no to everything
    else: the first reader of the registry that says yes gets the file.
    """

    family: ClassVar[str]
    """Stable name, as reports and ``read_candles(reader=...)`` have it."""

    @abstractmethod
    def recognises(self, content: Content) -> bool:
        """Tell whether the file is of this family."""

    @abstractmethod
    def read(self, content: Content) -> RawCandles:
        """Return the columns of the file.

        Raises
        ------
        NotACandleFile, BadCandles
            When the file turns out to be something else.
        """


def record_numbers(n: int) -> IntArray:
    """Return 1..n, for files whose records are no lines."""
    return np.arange(1, n + 1, dtype=np.int64)
