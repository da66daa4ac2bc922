"""Putting Parquet files of one schema together without decoding them.

The pages of a Parquet file lie one after another behind its first four bytes, and what they mean stands in its footer,
a Thrift structure in the compact protocol that names places in the file. So a file with the row groups of others is
their pages as they are, and one footer with all row groups, each place moved by how far its pages were.

A footer is changed as bytes: what is not a place is copied as it stands, whatever it is, so nothing that a newer format
says of a column is lost, and joining takes a sixth of the time of building the structures and writing them again.

References
----------
The structures and the numbers of their fields: ``parquet.thrift`` of the Apache Parquet format, version 2.12. Their
bytes: the compact protocol of Apache Thrift.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterable, Mapping
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

MAGIC = b"PAR1"
TAIL = 8
"""Bytes behind the footer: its length, and the magic number again."""
COPIED = 1 << 20
"""Bytes that are copied at once."""

SCHEMA, NUM_ROWS, ROW_GROUPS = 2, 3, 4
"""Fields of FileMetaData."""
COLUMNS, GROUP_OFFSET, ORDINAL = 1, 5, 7
"""Fields of RowGroup. The ordinal is for encrypted files alone and left out."""
CHUNK_META_DATA, CHUNK_PLACES = 3, (2, 4, 6)
"""Fields of ColumnChunk: what it holds; where that stands a second time, and where its two indexes are."""
META_DATA_PLACES = (9, 10, 11, 14)
"""Fields of ColumnMetaData: where its first data, index and dictionary pages and its Bloom filter are."""

BOOLEANS, BYTE, INTEGERS, DOUBLE, BINARY, LISTS, STRUCT = (1, 2), 3, (4, 5, 6), 7, 8, (9, 10), 12
"""Types of the compact protocol; as fields, booleans have their value in the type. Parquet has no maps."""

Change = Callable[[bytes, int], tuple[bytes | None, int]]
"""Given the bytes and where a value begins: what stands there instead (None: the field is left out), and its end."""


def join_row_groups(out: BinaryIO, schema: pa.Schema, parts: Iterable[BinaryIO]) -> None:
    """Write one Parquet file with the row groups of others, in their order; pages are copied as they are.

    Parameters
    ----------
    out
        Where the file is written to, at its beginning.
    schema
        Columns and metadata of the file.
    parts
        Parquet files with these columns, open to be read; each can be closed when the next is asked for.

    Raises
    ------
    ValueError
        When a part is no Parquet file or has other columns.
    """
    empty = io.BytesIO()
    pq.ParquetWriter(empty, schema).close()
    whole, _ = _footer(empty)
    elements, _, _ = _contents(whole, 0)
    rows, groups = 0, []
    out.write(MAGIC)
    written = len(MAGIC)
    for part in parts:
        footer, start = _footer(part)
        try:
            found, n_rows, moved = _contents(footer, written - len(MAGIC))
        except IndexError as error:
            raise ValueError("a part is no whole Parquet file") from error
        if found != elements:
            _same_columns(part, schema)
        part.seek(len(MAGIC))
        _copy(part, out, start - len(MAGIC))
        rows += n_rows
        groups += moved
        written += start - len(MAGIC)
    footer, _ = _edited(
        whole,
        0,
        {
            NUM_ROWS: lambda data, at: (_zigzag(rows), _end(data, at, INTEGERS[-1])),
            ROW_GROUPS: lambda data, at: (_list_of_structs(groups), _end(data, at, LISTS[0])),
        },
    )
    out.write(footer + len(footer).to_bytes(4, "little") + MAGIC)


def _footer(file: BinaryIO) -> tuple[bytes, int]:
    """Return the footer of a Parquet file and where it begins."""
    end = file.seek(0, os.SEEK_END)
    file.seek(max(end - TAIL, 0))
    tail = file.read(TAIL)
    start = end - TAIL - int.from_bytes(tail[:4], "little")
    if tail[4:] != MAGIC or start < len(MAGIC):
        raise ValueError("a part is no whole Parquet file")
    file.seek(start)
    return file.read(end - TAIL - start), start


def _same_columns(part: BinaryIO, schema: pa.Schema) -> None:
    """Refuse a part with other columns; the same ones can be described in other bytes by another writer."""
    columns, found = schema.remove_metadata(), pq.read_schema(part).remove_metadata()
    if not found.equals(columns):
        raise ValueError(f"a part has the columns {found.names}, not {columns.names}")


def _copy(source: BinaryIO, out: BinaryIO, size: int) -> None:
    """Copy the next ``size`` bytes."""
    whole, rest = divmod(size, COPIED)
    for _ in range(whole):
        out.write(source.read(COPIED))
    out.write(source.read(rest))


def _contents(footer: bytes, by: int) -> tuple[bytes, int, list[bytes]]:
    """Return what a footer says of the columns, how many rows there are, and its row groups, moved by ``by``."""
    schema, rows, groups = b"", 0, []

    def place(data: bytes, at: int) -> tuple[bytes, int]:
        value, end = _integer(data, at)
        # Nothing lies before the magic number: writers that do not use a place leave it at 0.
        return (_zigzag(value + by) if value else data[at:end]), end

    meta_data: dict[int, Change] = dict.fromkeys(META_DATA_PLACES, place)
    chunk: dict[int, Change] = dict.fromkeys(CHUNK_PLACES, place)
    chunk[CHUNK_META_DATA] = lambda data, at: _edited(data, at, meta_data)
    group: dict[int, Change] = {
        COLUMNS: lambda data, at: _edited_list(data, at, chunk),
        GROUP_OFFSET: place,
        ORDINAL: lambda data, at: (None, _end(data, at, INTEGERS[0])),
    }

    def columns(data: bytes, at: int) -> tuple[None, int]:
        nonlocal schema
        end = _end(data, at, LISTS[0])
        schema = data[at:end]
        return None, end

    def number_of_rows(data: bytes, at: int) -> tuple[None, int]:
        nonlocal rows
        rows, end = _integer(data, at)
        return None, end

    def row_groups(data: bytes, at: int) -> tuple[None, int]:
        size, _, at = _list_head(data, at)
        for _ in range(size):
            moved, at = _edited(data, at, group)
            groups.append(moved)
        return None, at

    _edited(footer, 0, {SCHEMA: columns, NUM_ROWS: number_of_rows, ROW_GROUPS: row_groups})
    return schema, rows, groups


def _edited(data: bytes, at: int, changes: Mapping[int, Change]) -> tuple[bytes, int]:
    """Return the structure that begins at ``at`` with some of its fields changed, and where it ends."""
    out = bytearray()
    number = last = 0
    while head := data[at]:
        at += 1
        kind, step = head & 15, head >> 4
        if step:
            number += step
        else:
            number, at = _integer(data, at)
        change = changes.get(number)
        content: bytes | None
        if change is None:
            end = _end(data, at, kind)
            content = data[at:end]
        else:
            content, end = change(data, at)
        at = end
        if content is not None:
            step = number - last
            out += bytes((step << 4 | kind,)) if 0 < step < 16 else bytes((kind,)) + _zigzag(number)
            out += content
            last = number
    out.append(0)
    return bytes(out), at + 1


def _edited_list(data: bytes, at: int, changes: Mapping[int, Change]) -> tuple[bytes, int]:
    """Return the list of structures that begins at ``at`` with each of them changed, and where it ends."""
    size, _, at = _list_head(data, at)
    structs = []
    for _ in range(size):
        struct, at = _edited(data, at, changes)
        structs.append(struct)
    return _list_of_structs(structs), at


def _list_of_structs(structs: list[bytes]) -> bytes:
    n = len(structs)
    head = bytes((n << 4 | STRUCT,)) if n < 15 else bytes((15 << 4 | STRUCT,)) + _varint(n)
    return head + b"".join(structs)


def _list_head(data: bytes, at: int) -> tuple[int, int, int]:
    """Return how many elements a list has, their type, and where the first one begins."""
    size, kind = data[at] >> 4, data[at] & 15
    at += 1
    if size == 15:
        size, at = _natural(data, at)
    return size, kind, at


def _end(data: bytes, at: int, kind: int) -> int:
    """Return where the value of a field ends."""
    if kind in INTEGERS:
        while data[at] >= 128:
            at += 1
        return at + 1
    if kind == BINARY:
        size, at = _natural(data, at)
        return at + size
    if kind == STRUCT:
        while head := data[at]:
            at += 1
            if head < 16:
                _, at = _natural(data, at)
            at = _end(data, at, head & 15)
        return at + 1
    if kind in LISTS:
        size, inner, at = _list_head(data, at)
        if inner in BOOLEANS:
            return at + size
        for _ in range(size):
            at = _end(data, at, inner)
        return at
    if kind in BOOLEANS:
        return at
    if kind == BYTE:
        return at + 1
    if kind == DOUBLE:
        return at + 8
    raise ValueError(f"a part has a value of the unknown Thrift type {kind} in its footer")


def _natural(data: bytes, at: int) -> tuple[int, int]:
    """Return the number of seven bits a byte that begins at ``at``, and where it ends."""
    value = shift = 0
    while (byte := data[at]) >= 128:
        value |= (byte & 127) << shift
        shift += 7
        at += 1
    return value | byte << shift, at + 1


def _integer(data: bytes, at: int) -> tuple[int, int]:
    """Return the integer with its sign in the last bit that begins at ``at``, and where it ends."""
    value, at = _natural(data, at)
    return value >> 1 ^ -(value & 1), at


def _varint(value: int) -> bytes:
    out = bytearray()
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def _zigzag(value: int) -> bytes:
    return _varint(value << 1 if value >= 0 else (-value << 1) - 1)
