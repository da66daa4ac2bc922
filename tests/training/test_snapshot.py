from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from candleloop.annotations.marks import SeriesMarks, TimeSpans
from candleloop.errors import CandleloopError, NotFound
from candleloop.storage import Storage
from candleloop.training.snapshot import Snapshot, SnapshotSeries
from tests.support.annotations import bar_times, label_set, series_marks, time_range

TIME = bar_times(100)
LABELS = label_set([3, 1, 2])


def example_marks() -> SeriesMarks:
    return series_marks(
        TIME,
        human=[(0, 4, 6), (1, 85, 85)],
        talib=[(2, 10, 11), (2, 20, 21), (0, 79, 81)],
        rejections=[(1, 30, 30), (0, 90, 92)],
        coverage=[time_range(0, 60, (0, 1, 2), TIME), time_range(62, 99, (0, 2), TIME)],
        reviewed=[time_range(0, 9, (0, 1, 2), TIME), time_range(78, 83, (1,), TIME), time_range(5, 12, (0,), TIME)],
    )


def one_series(marks: SeriesMarks | None = None, *, series_id: str = "A-1h", test: bool = True) -> SnapshotSeries:
    return SnapshotSeries(
        series_id=series_id,
        version="0123456789abcdef",
        test_start_time=int(TIME[80]) if test else None,
        test_end_time=int(TIME[99]) if test else None,
        marks=marks or example_marks(),
    )


def example() -> Snapshot:
    empty = one_series(series_marks(TIME), series_id="B-1h", test=False)
    return Snapshot(LABELS, (one_series(), empty))


def shuffled(spans: TimeSpans, order: np.ndarray) -> TimeSpans:
    return TimeSpans(spans.label[order], spans.start_time[order], spans.end_time[order])


def test_the_hash_is_sixteen_hex_digits() -> None:
    assert re.fullmatch("[0-9a-f]{16}", example().content_hash())


@given(st.integers(0, 1000))
def test_the_order_of_rows_and_series_does_not_change_the_hash(seed: int) -> None:
    rng = np.random.default_rng(seed)
    marks = example_marks()
    order = rng.permutation(len(marks.annotations))
    other = SeriesMarks(
        annotations=shuffled(marks.annotations, order),
        by_human=marks.by_human[order],
        rejections=shuffled(marks.rejections, rng.permutation(len(marks.rejections))),
        coverage=marks.coverage[::-1],
        reviewed=marks.reviewed[::-1],
    )
    first = example()
    assert Snapshot(LABELS, (first.series[1], one_series(other))).content_hash() == first.content_hash()


@pytest.mark.parametrize(
    "change",
    [
        lambda s: Snapshot(label_set([3, 1, 4]), s.series),
        lambda s: Snapshot(s.label_set, s.series[:1]),
        lambda s: Snapshot(s.label_set, (replace(s.series[0], version="fedcba9876543210"), s.series[1])),
        lambda s: Snapshot(s.label_set, (replace(s.series[0], test_start_time=int(TIME[81])), s.series[1])),
        lambda s: with_marks(s, lambda m: replace(m, by_human=~m.by_human)),
        lambda s: with_marks(s, lambda m: replace(m, rejections=TimeSpans.empty())),
        lambda s: with_marks(s, lambda m: replace(m, coverage=m.coverage[:1])),
        lambda s: with_marks(s, lambda m: replace(m, coverage=m.reviewed, reviewed=m.coverage)),
        lambda s: with_marks(s, lambda m: replace(m, annotations=m.rejections, by_human=m.by_human[:2])),
    ],
)
def test_whatever_a_run_sees_changes_the_hash(change: Callable[[Snapshot], Snapshot]) -> None:
    assert change(example()).content_hash() != example().content_hash()


def with_marks(snapshot: Snapshot, change: Callable[[SeriesMarks], SeriesMarks]) -> Snapshot:
    first = snapshot.series[0]
    return Snapshot(snapshot.label_set, (replace(first, marks=change(first.marks)), *snapshot.series[1:]))


def test_a_series_cannot_come_twice() -> None:
    with pytest.raises(ValueError, match="twice"):
        Snapshot(LABELS, (one_series(), one_series()))


def test_what_is_written_can_be_read_by_its_hash(tmp_path: Path) -> None:
    storage = Storage(tmp_path.as_uri())
    snapshot = example()
    name = snapshot.write(storage)
    assert name == f"snapshots/{snapshot.content_hash()}.parquet"
    assert snapshot.write(storage) == name
    back = Snapshot.read(storage, snapshot.content_hash())
    assert back.content_hash() == snapshot.content_hash()
    assert back.label_set == LABELS
    assert [one.series_id for one in back.series] == ["A-1h", "B-1h"]
    assert back.series[1].test_start_time is None
    found, original = back.series[0].marks, example_marks()
    assert found.annotations.start_time.tolist() == original.annotations.start_time.tolist()
    assert found.annotations.label.dtype == np.int64
    assert found.by_human.tolist() == original.by_human.tolist()
    assert found.rejections.end_time.tolist() == original.rejections.end_time.tolist()
    assert (found.coverage, found.reviewed) == (original.coverage, original.reviewed)
    assert len(back.series[1].marks.annotations) == 0


def test_a_snapshot_without_series_can_be_kept_too(tmp_path: Path) -> None:
    storage = Storage(tmp_path.as_uri())
    nothing = Snapshot(LABELS, ())
    nothing.write(storage)
    assert Snapshot.read(storage, nothing.content_hash()).series == ()


def test_a_snapshot_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="0000000000000000"):
        Snapshot.read(Storage(tmp_path.as_uri()), "0" * 16)


def test_a_damaged_snapshot_is_refused(tmp_path: Path) -> None:
    storage = Storage(tmp_path.as_uri())
    snapshot = example()
    name = snapshot.write(storage)
    storage.write(f"snapshots/{'0' * 16}.parquet", storage.read(name))
    with pytest.raises(CandleloopError, match="other content") as caught:
        Snapshot.read(storage, "0" * 16)
    assert caught.value.code == "snapshot_damaged"
    storage.write(name, storage.read(name)[:-40])
    with pytest.raises(CandleloopError) as caught:
        Snapshot.read(storage, snapshot.content_hash())
    assert caught.value.code == "snapshot_damaged"
    snapshot.write(storage)
    assert Snapshot.read(storage, snapshot.content_hash()).series[0].series_id == "A-1h"


def test_counts_tell_teaching_marks_from_marks_on_test_bars() -> None:
    counts = example().counts({"A-1h": TIME, "B-1h": TIME})
    assert counts.series == 2
    assert counts.teaching.human == {"a": 1, "b": 0, "c": 0}
    assert counts.teaching.talib == {"a": 0, "b": 0, "c": 2}
    assert counts.teaching.rejections == {"a": 0, "b": 1, "c": 0}
    assert counts.test.human == {"a": 0, "b": 1, "c": 0}
    # A span that reaches into the test bars measures and does not teach.
    assert counts.test.talib == {"a": 1, "b": 0, "c": 0}
    assert counts.test.rejections == {"a": 1, "b": 0, "c": 0}


def test_a_reviewed_bar_counts_once_and_only_where_times_are_given() -> None:
    counts = example().counts({"A-1h": TIME, "B-1h": TIME})
    assert counts.teaching.reviewed_bars == 13 + 2
    assert counts.test.reviewed_bars == 4
    assert example().counts().teaching.reviewed_bars is None
