"""Statements that both databases know, each in its own dialect."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import Executable, Table
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


def chunks(items: Sequence[Item], size: int = CHUNK) -> Iterator[Sequence[Item]]:
    """Yield consecutive pieces of at most ``size`` items."""
    for first in range(0, len(items), size):
        yield items[first : first + size]
