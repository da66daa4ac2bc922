from __future__ import annotations

import numpy as np
import pytest
from sqlalchemy import select

from candleloop.annotations.marks import Origin
from candleloop.errors import NotFound
from candleloop.store import marks
from candleloop.store.database import Database
from candleloop.store.ingest import add_imported, add_reviewed
from candleloop.store.tables import AnnotationRow
from tests.support.annotations import Row, time_spans
from tests.support.feedback import LABELS, World


@pytest.fixture
def world(database: Database) -> World:
    return World(database).made()


def add(world: World, *rows: Row, source: str | None = None, as_talib: bool = False) -> list[bool]:
    with world.database.begin() as session:
        new = add_imported(
            session, world.series_id, LABELS, time_spans(rows, world.time), [source] * len(rows), as_talib=as_talib
        )
    return [bool(one) for one in new]


def stored(world: World) -> list[AnnotationRow]:
    with world.database.read() as session:
        return list(session.scalars(select(AnnotationRow).order_by(AnnotationRow.start_time)))


def test_imported_spans_count_as_a_persons_and_keep_what_the_file_said(world: World) -> None:
    assert add(world, (0, 12, 14), (2, 20, 33), source="tool by Ann") == [True, True]
    found = stored(world)
    assert [(row.label, row.origin, row.declared_source) for row in found] == [
        ("star", Origin.IMPORTED, "tool by Ann"),
        ("flag", Origin.IMPORTED, "tool by Ann"),
    ]
    assert all((row.revision, row.flagged, row.deleted_at) == (1, False, None) for row in found)
    with world.database.read() as session:
        loaded = marks.load_marks(session, world.series_id, LABELS)
    assert loaded.by_human.all()
    assert not loaded.coverage
    assert not loaded.reviewed


def test_the_same_file_again_adds_nothing(world: World) -> None:
    add(world, (0, 12, 14))
    assert add(world, (0, 12, 14), (1, 12, 13)) == [False, True]
    assert len(stored(world)) == 2


def test_a_file_that_names_another_person_adds_what_is_theirs_once(world: World) -> None:
    add(world, (0, 12, 14), source="ada")
    assert add(world, (0, 12, 14), source="bob") == [True]
    for source in ("ada", "bob", "human", None):  # an export says "human" of what was drawn here
        assert add(world, (0, 12, 14), source=source) == [False]
    assert {row.declared_source for row in stored(world)} == {"ada", "bob"}


def test_a_mark_of_talib_does_not_stand_in_the_way_of_a_persons(world: World) -> None:
    world.talib(("star", 12, 14))
    assert add(world, (0, 12, 14)) == [True]


def test_spans_imported_as_talibs_are_talibs(world: World) -> None:
    world.talib(("star", 12, 14))
    assert add(world, (0, 12, 14), (0, 20, 22), source="script", as_talib=True) == [False, True]
    assert [row.origin for row in stored(world)] == [Origin.TALIB, Origin.TALIB]
    world.talib(("star", 12, 14))
    assert [row.declared_source for row in stored(world)] == [None]


def test_what_a_person_decided_on_does_not_come_back_as_talibs(world: World) -> None:
    world.talib(("star", 12, 14))
    world.send(world.event("e1", "confirm", world.talib_mark(("star", 12, 14))))
    assert add(world, (0, 12, 14), as_talib=True) == [False]


def test_what_the_file_says_is_kept_short_and_printable(world: World) -> None:
    add(world, (0, 12, 14), source="\x00tab\there" + "x" * 100)
    assert stored(world)[0].declared_source == "tabhere" + "x" * 73


def test_a_complete_file_makes_its_series_reviewed_once(world: World) -> None:
    first, last = int(world.time[0]), int(world.time[-1])
    for _ in range(2):
        with world.database.begin() as session:
            add_reviewed(session, world.series_id, LABELS, first, last)
    with world.database.read() as session:
        loaded = marks.load_marks(session, world.series_id, LABELS)
    assert [(one.start_time, one.end_time, one.labels) for one in loaded.reviewed] == [(first, last, (0, 1, 2))]


def test_no_spans_add_nothing(world: World) -> None:
    assert add(world) == []


def test_a_series_that_is_not_there_is_named(world: World) -> None:
    with pytest.raises(NotFound, match="'T'"), world.database.begin() as session:
        add_imported(session, "T", LABELS, time_spans([], np.empty(0, dtype=np.int64)), [], as_talib=False)
