"""Schemas of databases: whether one is that of the models, and rows for whatever tables it has."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import JSON, Boolean, Column, Connection, DateTime, Float, Integer, MetaData, String, Table, select

from candleloop.store.tables import Base

VERSION_TABLE = "alembic_version"

Rows = dict[str, list[dict[str, Any]]]


def differences_from_the_models(connection: Connection) -> list[Any]:
    """Return what a migration would have to change to make the schema that of the models."""
    context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
    found: list[Any] = compare_metadata(context, Base.metadata)
    return found


def tables_of(connection: Connection) -> list[Table]:
    """Return the tables that the database has now, those that others refer to first."""
    metadata = MetaData()
    metadata.reflect(connection)
    return [table for table in metadata.sorted_tables if table.name != VERSION_TABLE]


def fill(connection: Connection) -> None:
    """Put one row into each table, with a value in every column; rows that refer to others refer to those."""
    for table in tables_of(connection):
        connection.execute(table.insert().values({column.name: _value(column) for column in table.columns}))


def rows_of(connection: Connection) -> Rows:
    """Return everything that the database holds, by table."""
    return {
        table.name: [dict(row) for row in connection.execute(select(table)).mappings()]
        for table in tables_of(connection)
    }


def _value(column: Column[Any]) -> Any:
    """Return the same value for equal types, so that a column equals the one it refers to."""
    kind = column.type
    if isinstance(kind, String):
        return "x" * min(kind.length or 8, 8)
    for types, value in (
        (Boolean, False),
        (DateTime, datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)),
        (JSON, {"kept": [1, "é"]}),
        (Float, 0.25),
        (Integer, 7),
    ):
        if isinstance(kind, types):
            return value
    raise NotImplementedError(f"no value for {column!r}")
