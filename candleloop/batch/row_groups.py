"""Putting Parquet files of one schema together without decoding them.

The pages of a Parquet file lie one after another behind its first four bytes, and what they mean stands in its footer,
a Thrift structure in the compact protocol that names places in the file. So a file with the row groups of others is
their pages as they are, and one footer with all row groups, each place moved by how far its pages were.

References
----------
The structures and the numbers of their fields: ``parquet.thrift`` of the Apache Parquet format, version 2.12.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq
from thrift.protocol.TCompactProtocol import TCompactProtocol
from thrift.Thrift import TType
from thrift.transport.TTransport import TMemoryBuffer

MAGIC = b"PAR1"
TAIL = 8
"""Bytes behind the footer: its length, and the magic number again."""
COPIED = 1 << 20
"""Bytes that are copied at once."""

NUM_ROWS, ROW_GROUPS = 3, 4
"""Fields of FileMetaData."""
COLUMNS, GROUP_ROWS, GROUP_OFFSET, ORDINAL = 1, 3, 5, 7
"""Fields of RowGroup. The ordinal is for encrypted files alone and left out."""
CHUNK_META_DATA, CHUNK_PLACES = 3, (2, 4, 6)
"""Fields of ColumnChunk: what it holds; where that stands a second time, and where its two indexes are."""
META_DATA_PLACES = (9, 10, 11, 14)
"""Fields of ColumnMetaData: where its first data, index and dictionary pages and its Bloom filter are."""

Struct = dict[int, tuple[int, Any]]
"""A Thrift structure: the type and the value of each field by its number; a structure inside is one of these, too."""


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
    columns = schema.remove_metadata()
    groups: list[Struct] = []
    rows = 0
    out.write(MAGIC)
    written = len(MAGIC)
    for part in parts:
        footer, start = _footer(part)
        found = pq.read_schema(part).remove_metadata()
        if not found.equals(columns):
            raise ValueError(f"a part has the columns {found.names}, not {columns.names}")
        part.seek(len(MAGIC))
        _copy(part, out, start - len(MAGIC))
        for group in footer[ROW_GROUPS][1][1]:
            _move(group, written - len(MAGIC))
            groups.append(group)
            rows += group[GROUP_ROWS][1]
        written += start - len(MAGIC)
    whole[NUM_ROWS] = (TType.I64, rows)
    whole[ROW_GROUPS] = (TType.LIST, (TType.STRUCT, groups))
    memory = TMemoryBuffer()
    _write(TCompactProtocol(memory), TType.STRUCT, whole)
    content = memory.getvalue()
    out.write(content + len(content).to_bytes(4, "little") + MAGIC)


def _footer(file: BinaryIO) -> tuple[Struct, int]:
    """Return the footer of a Parquet file and where it begins."""
    end = file.seek(0, os.SEEK_END)
    file.seek(max(end - TAIL, 0))
    tail = file.read(TAIL)
    start = end - TAIL - int.from_bytes(tail[:4], "little")
    if tail[4:] != MAGIC or start < len(MAGIC):
        raise ValueError("a part is no whole Parquet file")
    file.seek(start)
    return _read(TCompactProtocol(TMemoryBuffer(file.read(end - TAIL - start))), TType.STRUCT), start


def _copy(source: BinaryIO, out: BinaryIO, size: int) -> None:
    """Copy the next ``size`` bytes."""
    whole, rest = divmod(size, COPIED)
    for _ in range(whole):
        out.write(source.read(COPIED))
    out.write(source.read(rest))


def _move(group: Struct, by: int) -> None:
    """Move every place that a row group names."""
    group.pop(ORDINAL, None)
    _add(group, (GROUP_OFFSET,), by)
    for chunk in group[COLUMNS][1][1]:
        _add(chunk, CHUNK_PLACES, by)
        _add(chunk[CHUNK_META_DATA][1], META_DATA_PLACES, by)


def _add(struct: Struct, fields: tuple[int, ...], by: int) -> None:
    for field in fields:
        kind, value = struct.get(field, (TType.STOP, 0))
        # Nothing lies before the magic number: writers that do not use a place leave it at 0.
        if value:
            struct[field] = kind, value + by


def _read(protocol: Any, kind: int) -> Any:
    """Read one value, whatever it is."""
    if kind == TType.STRUCT:
        struct: Struct = {}
        protocol.readStructBegin()
        while True:
            _, inner, number = protocol.readFieldBegin()
            if inner == TType.STOP:
                break
            struct[number] = inner, _read(protocol, inner)
            protocol.readFieldEnd()
        protocol.readStructEnd()
        return struct
    if kind == TType.LIST:
        inner, size = protocol.readListBegin()
        values = [_read(protocol, inner) for _ in range(size)]
        protocol.readListEnd()
        return inner, values
    return getattr(protocol, f"read{_SIMPLE[kind]}")()


def _write(protocol: Any, kind: int, value: Any) -> None:
    """Write one value as :func:`_read` gives it."""
    if kind == TType.STRUCT:
        protocol.writeStructBegin("")
        for number, (inner, one) in sorted(value.items()):
            protocol.writeFieldBegin("", inner, number)
            _write(protocol, inner, one)
            protocol.writeFieldEnd()
        protocol.writeFieldStop()
        protocol.writeStructEnd()
    elif kind == TType.LIST:
        inner, values = value
        protocol.writeListBegin(inner, len(values))
        for one in values:
            _write(protocol, inner, one)
        protocol.writeListEnd()
    else:
        getattr(protocol, f"write{_SIMPLE[kind]}")(value)


_SIMPLE = {
    TType.BOOL: "Bool",
    TType.BYTE: "Byte",
    TType.I16: "I16",
    TType.I32: "I32",
    TType.I64: "I64",
    TType.DOUBLE: "Double",
    TType.STRING: "Binary",
}
