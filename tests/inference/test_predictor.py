"""Predictions: the same wherever the candles are cut, and honest about what is missing."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from candleloop.annotations.identity import prediction_id
from candleloop.candles.frame import MICROSECONDS, Candles
from candleloop.candles.segments import default_max_gap
from candleloop.errors import BadCandles
from candleloop.inference.predictor import Predictions, Predictor
from candleloop.inference.uncertainty import margin
from candleloop.training.train import train
from tests.support.snapshots import labelled_series, quick_config

SNAPSHOT, CANDLES, CANDLES_OF = labelled_series()
BUNDLE = train(SNAPSHOT, CANDLES_OF, quick_config()).bundle
PREDICTOR = Predictor(BUNDLE)
MAX_GAP = default_max_gap(CANDLES.time)
WHOLE = PREDICTOR.predict(CANDLES, series_id="S", max_gap=MAX_GAP)
WARMUP = BUNDLE.warmup_candles - 1


def table(found: Predictions, offset: int = 0) -> dict[tuple[int, int, int], float]:
    rows = [(label, start + offset, end + offset) for label, start, end in found.spans.rows()]
    return dict(zip(rows, found.confidence.tolist(), strict=True))


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_part_of_the_series_gets_the_predictions_of_the_whole(data: st.DataObject) -> None:
    """Cut anywhere: after the warm-up nothing differs."""
    start = data.draw(st.integers(0, len(CANDLES) - WARMUP - 1))
    stop = data.draw(st.integers(start + WARMUP + 1, len(CANDLES)))
    part = table(PREDICTOR.predict(CANDLES[start:stop], max_gap=MAX_GAP), start)
    whole = {span: confidence for span, confidence in table(WHOLE).items() if start + WARMUP <= span[2] < stop}
    assert part.keys() == {span for span in whole if span[1] >= start}
    for span, confidence in part.items():
        assert confidence == pytest.approx(whole[span], rel=1e-6, abs=1e-7)


def test_candles_after_a_bar_do_not_change_what_was_predicted_there() -> None:
    cut = 1_500
    later = slice(cut, None)
    changed = {name: values.copy() for name, values in CANDLES.columns().items()}
    for name in ("open", "high", "low", "close"):
        changed[name][later] *= 3
    other = PREDICTOR.predict(Candles(CANDLES.time, **changed), max_gap=MAX_GAP)
    assert {k: v for k, v in table(other).items() if k[2] < cut} == {
        k: v for k, v in table(WHOLE).items() if k[2] < cut
    }


def test_every_prediction_is_complete_and_in_order() -> None:
    n_classes = len(BUNDLE.label_set) + 1
    assert len(WHOLE) > 100
    assert WHOLE.spans.order().tolist() == list(range(len(WHOLE)))
    assert WHOLE.probabilities.shape == (len(WHOLE), n_classes)
    np.testing.assert_allclose(WHOLE.probabilities.sum(axis=1), 1, atol=1e-5)
    assert WHOLE.confidence.min() >= BUNDLE.config.decoding.confidence_floor
    assert WHOLE.confidence.max() <= 1
    assert not WHOLE.provisional.any()
    assert WHOLE.spans.end.min() >= WARMUP
    assert WHOLE.warnings == ()


def test_spans_have_the_length_of_their_label() -> None:
    lengths = np.array([label.bars for label in BUNDLE.label_set.labels])
    np.testing.assert_array_equal(WHOLE.spans.end - WHOLE.spans.start + 1, lengths[WHOLE.spans.label])


def test_ids_name_series_version_label_and_times() -> None:
    label, start, end = WHOLE.spans.rows()[7]
    assert WHOLE.ids is not None
    assert WHOLE.ids[7] == prediction_id(
        "S", BUNDLE.version, BUNDLE.label_set.names[label], int(CANDLES.time[start]), int(CANDLES.time[end])
    )
    assert len(set(WHOLE.ids)) == len(WHOLE)
    assert PREDICTOR.predict(CANDLES).ids is None


@pytest.mark.parametrize("n_bars", [1, WARMUP])
def test_too_few_candles_are_refused_with_what_is_needed(n_bars: int) -> None:
    with pytest.raises(BadCandles) as refusal:
        PREDICTOR.predict(CANDLES[:n_bars])
    assert refusal.value.code == "too_few_candles"
    assert refusal.value.details["needed"] == BUNDLE.warmup_candles
    assert refusal.value.details["given"] == n_bars
    assert str(BUNDLE.warmup_candles) in refusal.value.message


def test_exactly_enough_candles_are_enough() -> None:
    assert PREDICTOR.predict(CANDLES[: BUNDLE.warmup_candles], max_gap=MAX_GAP).warnings == ()


def with_gap(at: int) -> Candles:
    time = CANDLES.time + np.where(np.arange(len(CANDLES)) >= at, 100 * 3_600 * MICROSECONDS, 0)
    return Candles(time, CANDLES.open, CANDLES.high, CANDLES.low, CANDLES.close, CANDLES.volume)


def test_many_candles_that_gaps_cut_too_short_are_refused_with_the_longest_run() -> None:
    candles = with_gap(WARMUP - 10)[: 2 * WARMUP - 20]
    with pytest.raises(BadCandles) as refusal:
        PREDICTOR.predict(candles, max_gap=MAX_GAP)
    assert refusal.value.details["longest_run"] == WARMUP - 10


def test_no_prediction_crosses_a_gap_or_ends_in_the_warm_up_after_it() -> None:
    found = PREDICTOR.predict(with_gap(1_000), max_gap=MAX_GAP)
    assert not ((found.spans.end >= 1_000) & (found.spans.end < 1_000 + WARMUP)).any()
    assert not ((found.spans.start < 1_000) & (found.spans.end >= 1_000)).any()
    assert "2 runs" in found.warnings[0]


def test_candles_without_volume_are_predicted_with_a_warning() -> None:
    bare = Candles(CANDLES.time, CANDLES.open, CANDLES.high, CANDLES.low, CANDLES.close)
    found = PREDICTOR.predict(bare)
    assert len(found) > 100
    assert any("volume" in warning for warning in found.warnings)


def test_that_flat_candles_have_no_patterns_is_said() -> None:
    same = np.full(len(CANDLES), 5.0)
    found = PREDICTOR.predict(Candles(CANDLES.time, same, same, same, same, CANDLES.volume))
    assert len(found) == 0
    assert "Every candle is flat" in found.warnings[-1]


def test_uncertainty_is_one_where_two_classes_tie_and_zero_where_one_is_sure() -> None:
    probabilities = np.array([[0.5, 0.5, 0], [0, 1, 0], [0.2, 0.7, 0.1]], dtype=np.float32)
    np.testing.assert_allclose(margin(probabilities), [1, 0, 0.5], atol=1e-6)
    assert margin(probabilities[:0]).shape == (0,)


def test_threads_may_share_a_predictor() -> None:
    parts = [slice(k * 100, k * 100 + 800) for k in range(8)]
    alone = [table(PREDICTOR.predict(CANDLES[part], max_gap=MAX_GAP)) for part in parts]
    found: dict[int, dict[tuple[int, int, int], float]] = {}

    def work(k: int) -> None:
        for _ in range(5):
            found[k] = table(PREDICTOR.predict(CANDLES[parts[k]], max_gap=MAX_GAP))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(len(parts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[k] for k in range(len(parts))] == alone
