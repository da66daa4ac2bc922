"""The card of a snapshot."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from candleloop.annotations.marks import SeriesMarks
from candleloop.annotations.spans import Spans
from candleloop.candles.frame import Candles
from candleloop.patterns.auto_label import auto_label
from candleloop.pipeline_config import AutoLabelConfig
from candleloop.storage import Storage
from candleloop.training.card import DatasetCard, _sharing, dataset_card
from candleloop.training.snapshot import Snapshot, SnapshotSeries
from tests.support.annotations import Row, label_set, series_marks, time_range
from tests.support.candles import random_candles
from tests.support.snapshots import DEFAULT_LABELS

LABELS = label_set([3, 2, None])
ALL = (0, 1, 2)
CANDLES = random_candles(300, seed=2)


def card_of(marks: SeriesMarks, *, candles: Candles = CANDLES, labels=LABELS, test: bool = False) -> DatasetCard:  # type: ignore[no-untyped-def]
    """Return the card of one series, its last hundred bars as test bars where asked."""
    first, last = (int(candles.time[-100]), int(candles.time[-1])) if test else (None, None)
    snapshot = Snapshot(labels, (SnapshotSeries("S", candles.version(), first, last, marks),))
    return dataset_card(snapshot, lambda *_: candles, AutoLabelConfig())


def test_spans_are_counted_by_label_who_decided_and_test_bars() -> None:
    marks = series_marks(
        CANDLES.time,
        human=[(0, 10, 12), (1, 250, 251)],
        talib=[(0, 30, 32), (0, 60, 62), (0, 60, 62), (2, 199, 205)],
        rejections=[(0, 30, 32)],
    )
    card = card_of(marks, test=True)
    assert [one.model_dump() for one in card.labels] == [
        {"label": "a", "human": 1, "talib": 1, "test": 0},
        {"label": "b", "human": 1, "talib": 0, "test": 1},
        {"label": "c", "human": 0, "talib": 1, "test": 1},
    ]
    assert (card.rejections, card.overruled, card.lost) == (1, 1, 0)


def test_series_say_how_much_of_them_is_known_and_reviewed() -> None:
    marks = series_marks(
        CANDLES.time,
        human=[(2, 290, 295)],
        coverage=[time_range(50, 149, ALL, CANDLES.time)],
        reviewed=[time_range(100, 199, ALL, CANDLES.time), time_range(200, 249, (0, 1), CANDLES.time)],
    )
    (one,) = card_of(marks).series
    assert (one.series_id, one.bars, one.known_bars, one.reviewed_bars) == ("S", 300, 150, 100)
    assert one.spans == {"a": 0, "b": 0, "c": 1}
    assert one.first_time == "2020-09-13T12:26:40Z"


def test_short_histories_are_counted_by_month_and_long_ones_by_year() -> None:
    rows: list[Row] = [(0, 10, 12), (1, 11, 12), (0, 290, 292)]
    card = card_of(series_marks(CANDLES.time, human=rows))
    assert card.period == "month"
    assert card.periods == {"2020-09": {"a": 2, "b": 1, "c": 0}}
    long = random_candles(3_000, step_seconds=86_400)
    card = card_of(series_marks(long.time, human=[(0, 10, 12), (0, 2_900, 2_902)]), candles=long)
    assert card.period == "year"
    assert {period: counts["a"] for period, counts in card.periods.items()} == {"2020": 1, "2028": 1}


def test_shares_of_spans_that_lie_over_one_another_are_given_by_pair_of_labels() -> None:
    rows: list[Row] = [(0, 10, 12), (1, 12, 13), (1, 20, 21), (2, 30, 34), (2, 34, 35), (2, 50, 52)]
    found = {
        (one.label, one.other): (one.spans, one.share)
        for one in card_of(series_marks(CANDLES.time, human=rows)).overlap
    }
    assert found == {("a", "b"): (1, 1.0), ("b", "a"): (1, 0.5), ("c", "c"): (2, pytest.approx(2 / 3))}


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 30), st.integers(0, 6)), max_size=20, unique=True))
def test_sharing_is_what_comparing_all_spans_with_all_gives(drawn: list[tuple[int, int, int]]) -> None:
    rows = [(label, start, start + more) for label, start, more in drawn]
    expected = np.zeros((3, 3), dtype=np.int64)
    for i, (label, start, end) in enumerate(rows):
        others = {other for j, (other, first, last) in enumerate(rows) if i != j and first <= end and last >= start}
        expected[label, list(others)] += 1
    np.testing.assert_array_equal(_sharing(Spans.of(rows), 3), expected)


def test_people_and_talib_agree_by_event_f1_where_both_have_looked() -> None:
    candles = random_candles(2_000, seed=3)
    found = auto_label(candles, DEFAULT_LABELS, AutoLabelConfig())
    label = DEFAULT_LABELS.index("bullish_engulfing")
    own = found.spans[found.spans.label == label]
    inside = own[(own.start >= 500) & (own.end < 1_500)]
    assert len(inside) > 20
    missed = inside[np.arange(len(inside)) % 4 == 0]
    kept = inside[np.arange(len(inside)) % 4 != 0]
    mine = (label, 20, 21)
    marks = series_marks(
        candles.time,
        human=[*kept.rows(), mine],
        talib=own.rows(),
        reviewed=[time_range(500, 1_499, tuple(range(len(DEFAULT_LABELS))), candles.time)],
    )
    card = card_of(marks, candles=candles, labels=DEFAULT_LABELS)
    (one,) = [one for one in card.agreement if one.label == "bullish_engulfing"]
    assert (one.human, one.talib, one.both) == (len(kept), len(inside), len(kept))
    assert one.f1 == pytest.approx(2 * len(kept) / (2 * len(kept) + len(missed)))


def test_nothing_reviewed_leaves_nothing_to_agree_on() -> None:
    marks = series_marks(CANDLES.time, human=[(0, 10, 12)])
    assert card_of(marks, labels=DEFAULT_LABELS).agreement == ()


def test_an_empty_snapshot_has_a_card() -> None:
    card = dataset_card(Snapshot(LABELS, ()), lambda *_: CANDLES, AutoLabelConfig())
    assert card.periods == {}
    assert "None." in card.lines()


def test_the_card_is_written_beside_the_snapshot_as_json_and_markdown(tmp_path: Path) -> None:
    storage = Storage(f"file://{tmp_path}")
    card = card_of(series_marks(CANDLES.time, human=[(0, 10, 12), (2, 12, 20)]))
    names = card.write(storage)
    assert names == (f"snapshots/{card.snapshot}.card.json", f"snapshots/{card.snapshot}.card.md")
    assert DatasetCard.model_validate_json(storage.read(names[0])) == card
    text = storage.read(names[1]).decode()
    assert "| a | 1 | 0 | 0 |" in text
    assert "| S | 300 | 0 | 0 | 2020-09-13T12:26:40Z |" in text
    assert "| a | c | 1 | 100.0% |" in text
