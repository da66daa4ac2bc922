from __future__ import annotations

import pytest

from candleloop.errors import Conflict, NotFound
from candleloop.store import label_sets
from candleloop.store.database import Database
from tests.support.annotations import label_set


def test_a_label_set_is_written_once_and_comes_back_whole(database: Database) -> None:
    written = label_set([3, 2, None])
    with database.begin() as session:
        assert label_sets.ensure(session, written)
        assert not label_sets.ensure(session, written)
    with database.read() as session:
        assert label_sets.get(session, "test") == written
        assert label_sets.every(session) == [written]


def test_another_definition_under_the_same_name_is_a_conflict(database: Database) -> None:
    with database.begin() as session:
        label_sets.ensure(session, label_set([3, 2]))
    with pytest.raises(Conflict, match="frozen"), database.begin() as session:
        label_sets.ensure(session, label_set([2, 3]))
    with database.read() as session:
        assert label_sets.get(session, "test") == label_set([3, 2])


def test_an_unknown_label_set_is_answered_with_the_known_ones(database: Database) -> None:
    with database.begin() as session:
        label_sets.ensure(session, label_set([3], name="mine"))
    with pytest.raises(NotFound, match="known: mine") as caught, database.read() as session:
        label_sets.get(session, "yours")
    assert caught.value.code == "unknown_label_set"
