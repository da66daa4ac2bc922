"""Rows of spans as Parquet."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from candleloop.annotations.interchange.records import NAMES
from candleloop.annotations.interchange.refusals import not_a_file
from candleloop.loop.instants import parse_instant

MOST_ROWS = 5_000_000
"""The most rows that are read: a small file may claim any number."""
READ = {*(name for names in NAMES.values() for name in names), "model_version", "probabilities"}
"""Columns that are read, in small letters."""
TYPES = {
    "start_time": pa.timestamp("us", tz="UTC"),
    "end_time": pa.timestamp("us", tz="UTC"),
    "confidence": pa.float64(),
    "provisional": pa.bool_(),
    "out_of_fold": pa.bool_(),
}
"""Types of the columns that are no text."""


def write_rows(name: str, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Write rows.

    Parameters
    ----------
    name
        What they are, kept in the metadata of the file.
    columns
        The columns; those that end in ``_time`` hold ISO-8601 text and become UTC timestamps.
    rows
        Their values.
    """
    schema = pa.schema(
        [(column, TYPES.get(column, pa.string())) for column in columns],
        metadata={"candleloop": json.dumps({"holds": name})},
    )
    values = [
        [parse_instant(row[column]) if column.endswith("_time") else row[column] for row in rows] for column in columns
    ]
    arrays = [pa.array(value, field.type) for value, field in zip(values, schema, strict=True)]
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(arrays, schema=schema), sink, compression="zstd")
    return bytes(sink.getvalue())


def read_rows(content: bytes) -> list[dict[str, Any]]:
    """Read the columns that spans have, times as ISO-8601 text.

    Raises
    ------
    BadRequest
        ``not_an_annotation_file`` when it is no Parquet, or names no columns for label, start and end.
    """
    try:
        file = pq.ParquetFile(pa.BufferReader(content))
        names = [name for name in file.schema_arrow.names if name.strip().lower() in READ]
        known = {name.strip().lower() for name in names}
        missing = [field for field in ("label", "start", "end") if not known & set(NAMES[field])]
        if missing:
            raise not_a_file(f"it has no column for {', '.join(missing)}")
        if file.metadata.num_rows > MOST_ROWS:
            raise not_a_file(f"it has {file.metadata.num_rows:,} rows; more than {MOST_ROWS:,} are not read")
        rows = file.read(columns=names).to_pylist()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise not_a_file(f"it is no Parquet ({error})") from None
    return [{name: _plain(value) for name, value in row.items()} for row in rows]


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | datetime) else value
