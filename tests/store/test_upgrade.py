"""Databases made by earlier versions, with data in every table, brought to the present schema."""

from __future__ import annotations

import pytest
from alembic import command
from alembic.script import ScriptDirectory

from candleloop.store.database import Database, alembic_config, migrate
from config.settings import ROOT
from tests.support.schema import differences_from_the_models, fill, rows_of


def first_and_latest_before() -> list[str]:
    """Return the first revision, from which every migration is run, and the one before the present."""
    scripts = ScriptDirectory(str(ROOT / "candleloop" / "store" / "migrations"))
    earlier = [script.revision for script in scripts.walk_revisions()][1:]
    return [earlier[-1], earlier[0]]


@pytest.mark.parametrize("revision", first_and_latest_before())
def test_an_earlier_database_keeps_all_its_rows_and_gets_the_present_schema(revision: str, empty_url: str) -> None:
    database = Database(empty_url)
    with database.begin() as session:
        command.upgrade(alembic_config(session.connection()), revision)
    with database.begin() as session:
        fill(session.connection())
        before = rows_of(session.connection())
    assert all(before.values())
    database.dispose()

    migrate(empty_url)

    with database.read() as session:
        assert differences_from_the_models(session.connection()) == []
        after = rows_of(session.connection())
    database.dispose()
    for table, rows in before.items():
        assert [{name: row[name] for name in rows[0]} for row in after[table]] == rows, table
