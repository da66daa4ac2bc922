"""Labels without a fixed length, from the snapshot to what is served."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from candleloop.annotations.spans import Spans
from candleloop.annotations.truth import resolve
from candleloop.candles.frame import Candles
from candleloop.candles.segments import default_max_gap
from candleloop.errors import BadCandles
from candleloop.inference.bundle import ModelBundle
from candleloop.inference.predictor import Predictions, Predictor
from candleloop.pipeline_config import PipelineConfig
from candleloop.training.event_counts import count_case
from candleloop.training.measure import evaluation_case
from candleloop.training.train import TrainedModel, train
from tests.support.shapes import LABELS, LONGEST, planted, reviewed_by_a_person, shapes_snapshot
from tests.support.snapshots import quick_config

CANDLES, SPANS = planted(6_000)
MAX_GAP = default_max_gap(CANDLES.time)


def config(**encoding: object) -> PipelineConfig:
    """Return the quick configuration for spans of at most 25 bars."""
    chosen = quick_config(xgboost={"rounds": 16, "max_depth": 4}).model_dump()
    chosen["encoding"] = {"longest_span": LONGEST, **encoding}
    return PipelineConfig.model_validate(chosen)


@pytest.fixture(scope="module")
def trained() -> TrainedModel:
    return train(shapes_snapshot(CANDLES, SPANS), lambda *_: CANDLES, config())


@pytest.fixture(scope="module")
def bundle(trained: TrainedModel) -> ModelBundle:
    """The model version as it comes back from its file."""
    return ModelBundle.from_bytes(trained.bundle.to_bytes())


@pytest.fixture(scope="module")
def predictor(bundle: ModelBundle) -> Predictor:
    return Predictor(bundle)


@pytest.fixture(scope="module")
def whole(predictor: Predictor) -> Predictions:
    return predictor.predict(CANDLES, max_gap=MAX_GAP)


def settled_after(bundle: ModelBundle) -> int:
    """Number of bars after a span from which on no later candle can change it."""
    return bundle.right_context + bundle.encoding.reads_after


def table(found: Predictions, offset: int, first_end: int, stop: int) -> dict[tuple[int, int, int], float]:
    """Return spans that end at ``first_end`` or later and before ``stop``, with their confidence."""
    return {
        (label, start + offset, end + offset): confidence
        for (label, start, end), confidence in zip(found.spans.rows(), found.confidence.tolist(), strict=True)
        if first_end <= end + offset < stop
    }


def test_shapes_of_any_length_are_learned(trained: TrainedModel) -> None:
    assert trained.bundle.encoding.kind == "bio"
    assert min(score.f1 or 0 for score in trained.evaluation.labels) > 0.6
    assert min(score.support for score in trained.evaluation.labels) >= 8


def test_the_same_number_of_spans_at_random_places_teaches_nothing() -> None:
    rng = np.random.default_rng(2)
    length = SPANS.end - SPANS.start + 1
    start = np.minimum(SPANS.start + rng.integers(LONGEST, 2 * LONGEST, len(SPANS)), len(CANDLES) - LONGEST)
    moved = Spans(rng.permutation(SPANS.label), start, start + length - 1)
    found = train(shapes_snapshot(CANDLES, moved), lambda *_: CANDLES, config())
    assert (found.evaluation.macro_f1 or 0) < 0.2


def test_spans_are_counted_once_whatever_their_length(trained: TrainedModel) -> None:
    teaching = SPANS.end < len(CANDLES) * 4 // 5
    there = np.bincount(SPANS.label[teaching], minlength=len(LABELS))
    for name, count in zip(LABELS.names, there.tolist(), strict=True):
        assert count - 2 <= trained.counts[name] <= count


def test_candles_of_the_test_bars_do_not_reach_the_model(trained: TrainedModel) -> None:
    factor = np.where(CANDLES.time >= CANDLES.time[len(CANDLES) * 4 // 5], 1.5, 1.0)
    changed = Candles(
        time=CANDLES.time, **{name: getattr(CANDLES, name) * factor for name in ("open", "high", "low", "close")}
    )
    other = train(shapes_snapshot(CANDLES, SPANS), lambda *_: changed, config())
    assert other.bundle.files == trained.bundle.files


@settings(max_examples=10, deadline=None)
@given(st.integers(300, 4_000), st.integers(1, 500))
def test_measuring_a_part_of_the_series_is_measuring_it_in_the_whole(
    predictor: Predictor, whole: Predictions, first: int, n_bars: int
) -> None:
    bars = np.zeros(len(CANDLES), dtype=np.bool_)
    bars[first : first + n_bars] = True
    truth = resolve(reviewed_by_a_person(CANDLES, SPANS), CANDLES.time, len(LABELS))
    part = evaluation_case(predictor, "S", CANDLES, truth, bars, max_gap=MAX_GAP)
    counted, expected = (
        count_case(case, LABELS, {})
        for case in (part, replace(part, proposed=whole.spans, confidence=whole.confidence))
    )
    assert counted.proposed.rows() == expected.proposed.rows()
    assert counted.confidence == pytest.approx(expected.confidence, rel=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_a_part_of_the_series_gets_the_predictions_of_the_whole(
    bundle: ModelBundle, predictor: Predictor, whole: Predictions, data: st.DataObject
) -> None:
    """Cut anywhere: after the warm-up, and until the right context ends, nothing differs."""
    warmup = bundle.warmup_candles - 1
    start = data.draw(st.integers(0, len(CANDLES) - 400))
    stop = data.draw(st.integers(start + 300, len(CANDLES)))
    part = predictor.predict(CANDLES[start:stop], max_gap=MAX_GAP)
    until = stop - settled_after(bundle)
    found, expected = (table(one, at, start + warmup, until) for one, at in ((part, start), (whole, 0)))
    assert found.keys() == expected.keys()
    assert list(found.values()) == pytest.approx(list(expected.values()), rel=1e-6, abs=1e-7)


def test_candles_after_the_right_context_do_not_change_what_was_predicted(
    bundle: ModelBundle, predictor: Predictor, whole: Predictions
) -> None:
    cut = 3_000
    changed = {name: values.copy() for name, values in CANDLES.columns().items()}
    for name in ("open", "high", "low", "close"):
        changed[name][cut:] *= 3
    other = predictor.predict(Candles(CANDLES.time, **changed), max_gap=MAX_GAP)
    until = cut - settled_after(bundle)
    assert table(other, 0, 0, until) == table(whole, 0, 0, until)
    assert len(table(whole, 0, 0, until)) > 50


def test_the_last_spans_are_served_and_provisional(bundle: ModelBundle, predictor: Predictor) -> None:
    settles = settled_after(bundle)
    assert settles == 2 * (LONGEST - 1)
    label, _, end = SPANS[SPANS.end < 4_000].rows()[-1]
    live = predictor.predict(CANDLES[: end + 2], max_gap=MAX_GAP)
    np.testing.assert_array_equal(live.provisional, live.spans.end + settles > end + 1)
    assert any(mark and row[0] == label for row, mark in zip(live.spans.rows(), live.provisional, strict=True))


def test_the_warm_up_that_is_declared_covers_the_spans_beside_a_span(bundle: ModelBundle, predictor: Predictor) -> None:
    assert bundle.warmup_candles == bundle.feature_spec.warmup + 1 + 2 * (LONGEST - 1)
    with pytest.raises(BadCandles) as refusal:
        predictor.predict(CANDLES[: bundle.feature_spec.warmup])
    assert refusal.value.details["needed"] == bundle.warmup_candles


def test_spans_that_cannot_be_taught_are_counted_in_a_warning() -> None:
    found = train(shapes_snapshot(CANDLES, SPANS), lambda *_: CANDLES, config(longest_span=15, right_context=3))
    too_long = int((SPANS.end - SPANS.start + 1 > 15).sum())
    assert f"{too_long} spans could not be taught as they are: length." in found.warnings
    assert found.bundle.right_context == 3


@pytest.mark.parametrize("chunk", [97, 1_000, 5_999])
def test_asked_chunk_by_chunk_the_model_says_the_same_to_the_last_bit(
    predictor: Predictor, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    time = CANDLES.time.copy()
    time[2_000:] += 50 * MAX_GAP
    time[2_010:] += 50 * MAX_GAP
    candles = Candles(time, **CANDLES.columns())
    at_once = predictor.examine(candles, max_gap=MAX_GAP, for_windows=True)
    monkeypatch.setattr("candleloop.training.families.asking.CHUNK", chunk)
    by_chunks = predictor.examine(candles, max_gap=MAX_GAP)
    assert at_once.features is not None
    assert by_chunks.features is None
    np.testing.assert_array_equal(by_chunks.rows, at_once.rows)
    np.testing.assert_array_equal(by_chunks.probabilities, at_once.probabilities)
