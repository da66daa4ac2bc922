from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy import func, select

from candleloop.annotations.marks import Origin, TimeRange, TimeSpans
from candleloop.errors import NotFound
from candleloop.store import label_sets, marks
from candleloop.store.database import Database
from candleloop.store.tables import AnnotationRow, now
from tests.support.annotations import time_spans
from tests.support.feedback import LABELS, World, add_series, bar_times


@pytest.fixture
def world(database: Database) -> World:
    return World(database).made()


def replace(world: World, rows: list[tuple[int, int, int]], labels: list[int], covered: list[tuple[int, int]]) -> None:
    time = world.time
    times = [(int(time[first]), int(time[last])) for first, last in covered]
    with world.database.begin() as session:
        whole = marks.TalibMarks(time_spans(rows, time), times, until=None)
        marks.replace_talib(session, world.series_id, LABELS, labels, [whole], job_id="job-1")


def coverage(world: World) -> list[tuple[int, int, tuple[int, ...]]]:
    bar = {int(time): place for place, time in enumerate(world.time)}
    with world.database.read() as session:
        found = marks.load_marks(session, world.series_id, LABELS).coverage
    return [(bar[part.start_time], bar[part.end_time], part.labels) for part in found]


def test_a_run_replaces_marks_and_coverage_of_the_labels_it_searched(world: World) -> None:
    replace(world, [(0, 12, 14), (1, 20, 21), (2, 30, 35)], [0, 1, 2], [(10, 59)])
    replace(world, [(0, 15, 17)], [0, 1], [(11, 30), (40, 59)])
    assert world.marks()["talib"] == [("star", 15, 17), ("flag", 30, 35)]
    assert coverage(world) == [(10, 59, (2,)), (11, 30, (0, 1)), (40, 59, (0, 1))]


def test_the_same_run_again_changes_nothing(world: World) -> None:
    def ids() -> list[tuple[str, str | None]]:
        with world.database.read() as session:
            rows = session.scalars(select(AnnotationRow).order_by(AnnotationRow.id))
            return [(row.id, row.job_id) for row in rows]

    begun = now() - timedelta(minutes=1)
    replace(world, [(0, 12, 14), (1, 20, 21)], [0, 1, 2], [(10, 59)])
    before = ids()
    with world.database.read() as session:
        assert all(begun < row.created_at <= now() for row in session.scalars(select(AnnotationRow)))
    replace(world, [(1, 20, 21), (0, 12, 14)], [0, 1, 2], [(10, 59)])
    assert ids() == before
    assert coverage(world) == [(10, 59, (0, 1, 2))]


def test_a_run_that_finds_nothing_leaves_nothing_but_coverage(world: World) -> None:
    replace(world, [(0, 12, 14)], [0, 1, 2], [(10, 59)])
    replace(world, [], [0, 1, 2], [(10, 59)])
    assert world.marks()["talib"] == []
    assert coverage(world) == [(10, 59, (0, 1, 2))]


def test_parts_put_away_what_each_of_them_no_longer_holds(world: World) -> None:
    time = world.time
    replace(world, [(0, 2, 4), (0, 12, 14), (1, 20, 21), (2, 30, 35), (0, 50, 52)], [0, 1, 2], [(0, 59)])
    parts = [
        marks.TalibMarks(time_spans([(0, 12, 14)], time), [(int(time[10]), int(time[19]))], until=int(time[19])),
        marks.TalibMarks(time_spans([], time), [], until=int(time[29])),
        marks.TalibMarks(time_spans([(2, 30, 35), (1, 40, 41)], time), [(int(time[30]), int(time[45]))], until=None),
    ]
    with world.database.begin() as session:
        marks.replace_talib(session, world.series_id, LABELS, [0, 1, 2], parts, job_id="job-2")
    assert world.marks()["talib"] == [("star", 12, 14), ("flag", 30, 35), ("harami", 40, 41)]
    assert coverage(world) == [(10, 19, (0, 1, 2)), (30, 45, (0, 1, 2))]


def test_a_span_of_a_label_that_was_not_searched_is_a_mistake(world: World) -> None:
    with pytest.raises(ValueError, match="did not search"):
        replace(world, [(0, 12, 14)], [1], [(10, 59)])


def test_a_series_that_is_not_there_is_not_found(world: World) -> None:
    with pytest.raises(NotFound), world.database.begin() as session:
        marks.replace_talib(session, "none", LABELS, [0], [], job_id=None)


def test_other_series_and_label_sets_keep_their_marks(world: World) -> None:
    other = world.another("IBM-1h")
    second = LABELS.model_copy(update={"name": "second"})
    with world.database.begin() as session:
        label_sets.ensure(session, second)
        for series_id, labels in ((other.series_id, LABELS), (world.series_id, second)):
            spans = time_spans([(0, 12, 14)], world.time)
            marks.replace_talib(session, series_id, labels, [0], [marks.TalibMarks(spans, [], until=None)], job_id=None)
    replace(world, [], [0, 1, 2], [])
    assert other.marks()["talib"] == [("star", 12, 14)]
    with world.database.read() as session:
        assert len(marks.load_marks(session, world.series_id, second).annotations) == 1
        assert len(marks.load_marks(session, world.series_id, LABELS).annotations) == 0


def test_marks_load_in_the_order_of_time_without_what_was_deleted(world: World) -> None:
    time = world.time

    def place(first: int, last: int) -> dict[str, object]:
        return {
            "series_id": world.series_id,
            "label_set": LABELS.name,
            "start_time": int(time[first]),
            "end_time": int(time[last]),
        }

    with world.database.begin() as session:
        for label, first, last, origin in (
            ("harami", 30, 31, Origin.HUMAN),
            ("flag", 5, 20, Origin.IMPORTED),
            ("star", 30, 32, Origin.CORRECTED),
            ("star", 30, 31, Origin.CONFIRMED),
        ):
            marks.add_annotation(session, **place(first, last), label=label, origin=origin)
        gone = [
            marks.add_annotation(session, **place(1, 2), label="harami", origin=Origin.HUMAN),
            marks.add_rejection(session, **place(1, 2), label="harami"),
            marks.add_reviewed_range(session, **place(1, 2), labels=["star"]),
        ]
        for row in gone:
            row.deleted_at = now()
        marks.add_rejection(session, **place(40, 41), label="harami")
        marks.add_reviewed_range(session, **place(8, 9), labels=["flag", "star"])
    replace(world, [(1, 6, 7)], [0, 1, 2], [])
    with world.database.read() as session:
        found = marks.load_marks(session, world.series_id, LABELS)
    assert found.annotations.label.tolist() == [2, 1, 1, 0, 0]
    assert found.annotations.start_time.tolist() == time[[5, 6, 30, 30, 30]].tolist()
    assert found.annotations.end_time.tolist() == time[[20, 7, 31, 31, 32]].tolist()
    assert found.by_human.tolist() == [True, False, True, True, True]
    assert found.rejections.label.tolist() == [1]
    assert found.reviewed == (TimeRange(int(time[8]), int(time[9]), (0, 2)),)
    assert found.annotations.label.dtype == found.annotations.start_time.dtype == np.int64


def test_no_marks_are_empty_columns(world: World) -> None:
    with world.database.read() as session:
        found = marks.load_marks(session, world.series_id, LABELS)
    assert (len(found.annotations), len(found.by_human), len(found.rejections)) == (0, 0, 0)
    assert found.by_human.dtype == bool
    assert (found.coverage, found.reviewed) == ((), ())


def test_annotations_are_listed_by_the_bars_they_touch(world: World) -> None:
    time = world.time
    replace(world, [(2, 10, 20), (0, 15, 17), (1, 20, 21), (1, 30, 31)], [0, 1, 2], [])
    with world.database.read() as session:

        def starts(first: int, last: int, **more: object) -> list[int]:
            page = marks.list_annotations(
                session, world.series_id, "three", start_time=int(time[first]), end_time=int(time[last]), **more
            )
            return [int(np.searchsorted(time, row.start_time)) for row in page.items]

        assert starts(18, 29) == [10, 20]
        assert starts(21, 30) == [20, 30]
        assert starts(0, 59, origins=["human"]) == []
        found, cursor = [], None
        for _ in range(2):
            page = marks.list_annotations(session, world.series_id, "three", limit=3, cursor=cursor)
            found += [int(np.searchsorted(time, row.start_time)) for row in page.items]
            cursor = page.next_cursor
        assert (found, cursor) == ([10, 15, 20, 30], None)


def test_very_many_marks_are_written_and_read(sqlite_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """In several pieces, so that a run that finds the rest again keeps it in each of them."""
    monkeypatch.setattr(marks, "PIECE", 3_000)
    n_bars = 20_000
    time = bar_times(n_bars)
    rows = [(bar % 3, bar, bar + 1) for bar in range(n_bars - 1)]
    spans = time_spans(rows, time)
    with sqlite_database.begin() as session:
        label_sets.ensure(session, LABELS)
        add_series(session, "BTC-1h", time)
        marks.replace_talib(
            session, "BTC-1h", LABELS, [0, 1, 2], [marks.TalibMarks(spans, [], until=None)], job_id=None
        )
    with sqlite_database.begin() as session:
        fewer = TimeSpans(spans.label[::2], spans.start_time[::2], spans.end_time[::2])
        marks.replace_talib(
            session, "BTC-1h", LABELS, [0, 1, 2], [marks.TalibMarks(fewer, [], until=None)], job_id=None
        )
        assert session.scalar(select(func.count()).select_from(AnnotationRow)) == len(fewer)
    with sqlite_database.read() as session:
        found = marks.load_marks(session, "BTC-1h", LABELS)
    assert np.array_equal(found.annotations.start_time, fewer.start_time)
    assert np.array_equal(found.annotations.label, fewer.label)
