"""Statements that both databases know, each in its own dialect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Column, Dialect, Executable, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from candleloop.store.tables import Base

Item = TypeVar("Item")

CHUNK = 5_000
"""Most values in one ``IN`` list; SQLite allows 32,766 parameters, PostgreSQL 65,535."""


def table_of(row: type[Base]) -> Table:
    """Return the table of a row class."""
    table = row.__table__
    assert isinstance(table, Table)
    return table


def insert_into(session: Session, row: type[Base]) -> sqlite.Insert | postgresql.Insert:
    """Return an INSERT that knows ``on_conflict_do_nothing`` and ``on_conflict_do_update``."""
    if session.get_bind().dialect.name == "sqlite":
        return sqlite.insert(table_of(row))
    return postgresql.insert(table_of(row))


def rows_changed(session: Session, statement: Executable) -> int:
    """Run an INSERT, UPDATE or DELETE and return how many rows it changed: what a guarded update won."""
    # SQLAlchemy forgets the row count of an INSERT, which it gives a RETURNING of its own, unless told to keep it.
    options = {"synchronize_session": False, "preserve_rowcount": True}
    result: Any = session.execute(statement, execution_options=options)
    assert isinstance(result, CursorResult)
    assert result.rowcount >= 0, "the driver does not say how many rows it changed"
    return result.rowcount


def upsert_columns(
    session: Session,
    row: type[Base],
    columns: Mapping[str, Sequence[Any]],
    alike: Mapping[str, Any],
    *,
    key: str,
    changing: Sequence[str],
) -> None:
    """Insert many rows given as columns, in one statement, and bring those up to date whose key is there already.

    This is for tens of thousands of rows: no value passes through SQLAlchemy, so JSON columns take text.

    Parameters
    ----------
    columns
        Values by column, sequences of equal length.
    alike
        Values that all the rows have.
    key
        The column that tells rows apart.
    changing
        Columns that a row which is there takes over.
    """
    table = table_of(row)
    connection = session.connection()
    dialect = connection.dialect
    bound = {name: _bound(table.c[name], value, dialect) for name, value in alike.items()}
    names = ", ".join((*columns, *bound))
    update = ", ".join(f"{name} = excluded.{name}" for name in changing)
    ending = f"ON CONFLICT ({key}) DO UPDATE SET {update}"
    if dialect.name == "sqlite":
        marks = ", ".join("?" * (len(columns) + len(bound)))
        rows = [(*values, *bound.values()) for values in zip(*columns.values(), strict=True)]
        connection.exec_driver_sql(f"INSERT INTO {table.name} ({names}) VALUES ({marks}) {ending}", rows)  # noqa: S608
        return
    types = {name: table.c[name].type.compile(dialect) for name in (*columns, *bound)}
    given = [f"given.{name}::json" if types[name] == "JSON" else f"given.{name}" for name in columns]
    selected = ", ".join((*given, *(f"%s::{types[name]}" for name in bound)))
    arrays = ", ".join(f"%s::{'text' if types[name] == 'JSON' else types[name]}[]" for name in columns)
    values = (*bound.values(), *(list(one) for one in columns.values()))
    connection.exec_driver_sql(
        f"INSERT INTO {table.name} ({names}) SELECT {selected} "  # noqa: S608
        f"FROM unnest({arrays}) AS given ({', '.join(columns)}) {ending}",
        values,
    )


def _bound(column: Column[Any], value: Any, dialect: Dialect) -> Any:
    """Return a value as SQLAlchemy would hand it to the driver."""
    processor = column.type.dialect_impl(dialect).bind_processor(dialect)
    return value if processor is None else processor(value)


def chunks(items: Sequence[Item], size: int = CHUNK) -> Iterator[Sequence[Item]]:
    """Yield consecutive pieces of at most ``size`` items."""
    for first in range(0, len(items), size):
        yield items[first : first + size]
