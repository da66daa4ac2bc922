"""Delimited text into columns, with honest row numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import csv as arrow_csv

from candleloop.candles.readers.base import RawCandles
from candleloop.candles.readers.columns import Roles
from candleloop.candles.readers.content import Content, bad_file, not_candles
from candleloop.candles.readers.numbers import NULLS, has_decimal_comma

_SAMPLE = 400
_BLOCK = 4 << 20


@dataclass(frozen=True)
class Layout:
    """How the rows of a text file are laid out.

    Parameters
    ----------
    first_line
        Lines before the first row of data.
    width
        Values in a row.
    roles
        Which value is which.
    names
        Names of the columns, for the report; empty where the file has none.
    more
        Further arguments of :class:`RawCandles`, such as ``vendor_zone``.
    """

    first_line: int
    width: int
    roles: Roles
    names: tuple[str, ...] = ()
    more: Mapping[str, Any] = field(default_factory=dict)


def usual_width(content: Content, first_line: int) -> int:
    """Return the most frequent number of values in the first rows after the header."""
    widths = [len(row) for row in content.rows[first_line : first_line + _SAMPLE] if any(row)]
    return max(set(widths), key=widths.count) if widths else 0


def read_text(content: Content, layout: Layout) -> RawCandles:
    """Read the rows of a delimited text file.

    Values that are no numbers, and rows with another number of values, are kept for the report.

    Raises
    ------
    NotACandleFile
        When there are no rows.
    BadCandles
        When numbers may be read in two ways, or the text is not UTF-8.
    """
    roles = layout.roles
    sample = [row for row in content.rows[layout.first_line : layout.first_line + _SAMPLE] if len(row) == layout.width]
    if not sample:
        raise not_candles(content.name, "it has no rows with prices")
    if max(roles.date, roles.clock or 0, *roles.prices.values()) >= layout.width:
        raise not_candles(content.name, "its rows have fewer values than its header has names")
    prices = [row[place] for row in sample for place in roles.prices.values()]
    decimal_comma = has_decimal_comma(prices, content.delimiter)
    if decimal_comma is None:
        raise bad_file(
            content.name,
            "Its prices have a comma before three digits: thousands and decimals cannot be told apart.",
            "ambiguous_numbers",
            field="open",
        )
    volumes = tuple(place for place in roles.volumes if place < layout.width)
    symbol = roles.symbol if roles.symbol is not None and roles.symbol < layout.width else None
    used = sorted({roles.date, *roles.prices.values(), *volumes} | {p for p in (roles.clock, symbol) if p is not None})
    numeric = {f"c{place}": pa.float64() for place in (*roles.prices.values(), *volumes)}
    text = {f"c{place}": pa.string() for place in used}
    epoch = roles.clock is None and all(row[roles.date].lstrip("-").isdigit() for row in sample)
    fast = text | numeric | ({f"c{roles.date}": pa.int64()} if epoch else {})
    attempts = [text] if decimal_comma else [fast, text]
    for types in attempts:
        try:
            table, rows, malformed = _parse(content, layout, types)
        except pa.ArrowInvalid as error:
            if types is text:
                raise bad_file(content.name, f"cannot be read as text: {error}.", "bad_text") from error
            continue
        break
    if table.num_rows == 0:
        raise not_candles(content.name, "it has no rows with prices")
    notes = tuple(layout.more.get("notes", ()))
    if roles.adjusted is not None:
        notes += (f"column {layout.names[roles.adjusted]!r} is not used: prices stay as traded",)
    return RawCandles(
        date=table[f"c{roles.date}"],
        clock=None if roles.clock is None else table[f"c{roles.clock}"],
        prices={name: table[f"c{place}"] for name, place in roles.prices.items()},
        volumes={layout.names[p] if layout.names else "volume": table[f"c{p}"] for p in volumes},
        symbols=None if symbol is None else table[f"c{symbol}"],
        rows=rows,
        malformed=malformed,
        decimal_comma=decimal_comma,
        notes=notes,
        **{key: value for key, value in layout.more.items() if key != "notes"},
    )


def _parse(
    content: Content, layout: Layout, types: Mapping[str, pa.DataType]
) -> tuple[pa.Table, np.ndarray[Any, np.dtype[np.int64]], tuple[int, ...]]:
    bad: list[tuple[int | None, str]] = []
    header = max(0, layout.first_line - content.lines_before)

    def on_bad_row(row: Any) -> str:
        bad.append((row.number, row.text))
        return "skip"

    def run(threads: bool) -> pa.Table:
        return arrow_csv.read_csv(
            pa.BufferReader(_without_trailing_blanks(content.data) if content.is_last else content.data),
            read_options=arrow_csv.ReadOptions(
                skip_rows=header,
                column_names=[f"c{place}" for place in range(layout.width)],
                use_threads=threads,
                block_size=_BLOCK,
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=content.delimiter,
                ignore_empty_lines=False,
                invalid_row_handler=on_bad_row,
            ),
            convert_options=arrow_csv.ConvertOptions(
                include_columns=list(types),
                column_types=dict(types),
                null_values=list(NULLS),
                strings_can_be_null=True,
                check_utf8=True,
            ),
        )

    table = run(threads=True)
    if not bad:
        return table, content.lines_before + header + 1 + np.arange(table.num_rows, dtype=np.int64), ()
    # Rows are numbered only when they are read one after the other.
    bad.clear()
    table = run(threads=False)
    skipped = np.array([number for number, _ in bad if number is not None], dtype=np.int64)
    every = 1 + np.arange(header, header + table.num_rows + len(bad), dtype=np.int64)
    rows = every[~np.isin(every, skipped)]
    malformed = tuple(content.lines_before + number for number, line in bad if number is not None and line.strip())
    return table, content.lines_before + rows, malformed


def _without_trailing_blanks(data: bytes) -> pa.Buffer:
    end = len(data)
    while end and data[end - 1] in b"\r\n \t":
        end -= 1
    return pa.py_buffer(memoryview(data)[:end])
