"""The simulated person of the benchmark of twenty corrections, and one small round of it."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import _person, corrections
from candleloop import pipeline
from candleloop.annotations.spans import Spans
from candleloop.annotations.truth import resolve
from candleloop.candles.frame import Candles
from candleloop.pipeline_config import PipelineConfig
from tests.support.snapshots import DEFAULT_LABELS, quick_config

LABELLED = "AAPL-1d"


@pytest.fixture(scope="module")
def config() -> PipelineConfig:
    """Few trees, one thread."""
    return corrections.one_threaded(quick_config(xgboost={"rounds": 3, "max_depth": 4}))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, config: PipelineConfig) -> _person.World:
    """The demo series with one of them labelled by TA-Lib."""
    return _person.make_world(tmp_path_factory.mktemp("home"), config, LABELLED)


def climbing(step: float) -> Candles:
    """Candles of range 1 whose closes move by ``step`` a bar."""
    close = 100 + step * np.arange(30.0)
    time = 86_400_000_000 * np.arange(30)
    return Candles.checked(time=time, open=close, high=close + 0.5, low=close - 0.5, close=close, volume=None)


@pytest.mark.parametrize(
    ("step", "label", "seen"),
    [
        (0.06, "bearish_engulfing", "bearish_engulfing"),
        (0.04, "bearish_engulfing", None),
        (-0.06, "bearish_engulfing", None),
        (-0.06, "bullish_harami", "bullish_harami"),
        (0.06, "bullish_harami", None),
        (0.06, "inverted_hammer", "shooting_star"),
        (-0.06, "shooting_star", "inverted_hammer"),
        (0.0, "shooting_star", None),
    ],
)
def test_the_person_asks_for_half_a_range_in_the_direction_that_the_pattern_turns(
    step: float, label: str, seen: str | None
) -> None:
    spans = Spans.of([(DEFAULT_LABELS.index(label), 20, 21)])
    expected = _person.NOTHING if seen is None else DEFAULT_LABELS.index(seen)
    assert _person.what_the_person_sees(climbing(step), spans, DEFAULT_LABELS).tolist() == [expected]


def test_only_test_bars_are_decided_by_the_person_at_first(world: _person.World) -> None:
    for one in pipeline.take_snapshot(world.context, "default").series:
        marked = world.series[one.series_id]
        truth = resolve(one.marks, marked.candles.time, len(DEFAULT_LABELS))
        assert np.array_equal(truth.known_by_human.all(axis=1), marked.test)
        inside = truth.spans[truth.by_human]
        assert set(inside.rows()) == {row for row in marked.truth.rows() if marked.test[row[1]]}
        assert truth.known[~marked.test].any() == (one.series_id == LABELLED)


def test_decisions_leave_what_the_person_sees_and_are_taken_back_whole(world: _person.World) -> None:
    before = pipeline.take_snapshot(world.context, "default").content_hash()
    rows = _person.drawn_marks(world, "any", 0)[:40]
    [after] = _person.snapshots(world, rows, [40], "check")
    one = next(part for part in after.series if part.series_id == LABELLED)
    marked = world.series[LABELLED]
    truth = resolve(one.marks, marked.candles.time, len(DEFAULT_LABELS))
    held = set(truth.spans.rows())
    for (label, start, end), seen in zip(marked.marks[rows].rows(), marked.seen[rows].tolist(), strict=True):
        assert ((label, start, end) in held) == (seen == label)
        assert seen == _person.NOTHING or (seen, start, end) in held
    assert pipeline.take_snapshot(world.context, "default").content_hash() == before


def test_wrong_marks_are_those_that_the_person_sees_otherwise(world: _person.World) -> None:
    marked = world.series[LABELLED]
    wrong, any_mark = (_person.drawn_marks(world, way, 3) for way in ("wrong", "any"))
    assert (marked.seen[wrong] != marked.marks.label[wrong]).all()
    assert set(wrong.tolist()) < set(any_mark.tolist())
    assert not marked.test[marked.marks.end[any_mark]].any()


def test_one_draw_gives_a_row_for_each_way_and_weight_and_corrected_marks_are_shown_no_more(
    config: PipelineConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    found = corrections.run(config, seeds=1, weights=(1.0, 10.0), few=(), more=())
    rows = corrections.summary(found["trials"])
    assert [(row["way"], row["weight"], row["decisions"]) for row in rows] == [
        (way, weight, 20) for way in ("any", "wrong") for weight in (1.0, 10.0)
    ]
    for row in rows:
        assert 0 < row["before"] < 1
        assert row["change"][0] == pytest.approx(row["after"] - row["before"])
        assert row["change"][1] is None
    assert rows[-1]["wrong_shown_after"] < rows[-1]["wrong_shown_before"]
    corrections.print_tables(found)
    assert "AAPL-1d reviewed completely" in capsys.readouterr().out


def test_the_interval_is_that_of_a_paired_difference() -> None:
    mean, half = corrections.mean_and_interval([0.0, 1.0])
    assert mean == 0.5
    assert half == pytest.approx(12.706 * 0.5, rel=1e-4)
