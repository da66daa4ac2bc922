"""Files of named columns, such as Parquet and Feather."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa

from candleloop.candles.readers.base import RawCandles, record_numbers
from candleloop.candles.readers.columns import find_roles
from candleloop.candles.readers.content import Content, not_candles


def read_named(content: Content, kind: str, read: Callable[[pa.BufferReader], pa.Table]) -> RawCandles:
    """Return the columns of a table by their names.

    Raises
    ------
    NotACandleFile
        When the file is broken, or its columns do not name time, open, high, low and close.
    """
    try:
        table = read(pa.BufferReader(content.data))
        # A name, or the time zone in a type, that is damaged shows when it is asked for.
        given, _ = table.column_names, [getattr(kind, "tz", None) for kind in table.schema.types]
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise not_candles(content.name, f"it is a broken {kind} file ({error})") from error
    names = ["" if name.startswith("__index_level_") else name for name in given]
    roles = find_roles(names)
    if roles is None:
        listed = ", ".join(given[:12])
        raise not_candles(content.name, f"its columns ({listed}) do not name time, open, high, low and close")
    return RawCandles(
        date=table.column(roles.date),
        clock=None if roles.clock is None else table.column(roles.clock),
        prices={name: table.column(place) for name, place in roles.prices.items()},
        volumes={names[place]: table.column(place) for place in roles.volumes},
        symbols=None if roles.symbol is None else table.column(roles.symbol).cast(pa.string()),
        rows=record_numbers(table.num_rows),
    )
