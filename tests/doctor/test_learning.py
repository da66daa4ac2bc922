"""The checks that fit models, on bars made so that the answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from candleloop.annotations.encodings.window import WindowEncoding
from candleloop.annotations.truth import resolve
from candleloop.doctor.learning import MIN_SUPPORT, _check_permuted, check_learning
from candleloop.doctor.report import Check, Verdict
from candleloop.progress import silent
from candleloop.training.corpus import Corpus, CorpusSeries
from candleloop.training.splits import SeriesSplit
from tests.support.candles import random_candles
from tests.support.snapshots import DEFAULT_LABELS, quick_config, talib_marks

N_BARS = 3_000


def corpus_of(features: np.ndarray, target: np.ndarray) -> Corpus:
    """Return one series of 3,000 bars: the first 60 % to fit, the next 20 % held out, the rest test bars."""
    candles, bar = random_candles(N_BARS), np.arange(N_BARS)
    split = SeriesSplit(
        fit=bar < 0.6 * N_BARS, calibration=(bar >= 0.6 * N_BARS) & (bar < 0.8 * N_BARS), test=bar >= 0.8 * N_BARS
    )
    one = CorpusSeries(
        series_id="S",
        candles=candles,
        first=0,
        segment_starts=np.zeros(1, dtype=np.int64),
        truth=resolve(talib_marks(candles), candles.time, len(DEFAULT_LABELS)),
        target=target.astype(np.int16),
        by_human=np.zeros(N_BARS, dtype=np.bool_),
        rejected=np.empty((0, 2), dtype=np.int64),
        losses={},
        usable=np.ones(N_BARS, dtype=np.bool_),
        split=split,
    )
    group = np.zeros(N_BARS, dtype=np.int32)
    return Corpus(
        DEFAULT_LABELS, (one,), features.astype(np.float32).reshape(N_BARS, -1), group, WindowEncoding((1, 1))
    )


def examined(features: np.ndarray, target: np.ndarray) -> dict[str, Check]:
    found = check_learning(corpus_of(features, target), quick_config().training, np.random.default_rng(1), silent)
    return {check.name: check for check in found}


def test_what_can_be_learned_at_any_time_is_clean() -> None:
    target = np.random.default_rng(2).integers(0, 3, N_BARS)
    found = examined(target + 0.0, target)
    assert {check.verdict for check in found.values()} == {Verdict.CLEAN}
    numbers = found["split_gap"].numbers
    assert numbers is not None
    assert min(numbers["later_time"], numbers["random"]) > 0.99
    assert found["split_gap"].answer.startswith("Not at all: average precision 1.000 on later time")


def test_labels_that_only_neighbours_share_are_found_by_the_two_splits() -> None:
    """A feature that only tells the place: candles beside learned ones are easy, later ones are not."""
    target = np.repeat(np.random.default_rng(2).integers(0, 3, N_BARS // 20), 20)
    found = examined(np.arange(N_BARS), target)
    assert found["split_gap"].verdict is Verdict.FOUND
    assert found["permuted_labels"].verdict is Verdict.CLEAN


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_permuted_labels_above_chance_are_found(share: float) -> None:
    rng = np.random.default_rng(3)
    target = rng.integers(0, 3, 600).astype(np.int16)
    probabilities = rng.random((600, 3), dtype=np.float32)
    probabilities[np.arange(600), target] += np.float32(share)
    expected = Verdict.FOUND if share else Verdict.CLEAN
    assert _check_permuted(target, probabilities).verdict is expected


def test_too_few_bars_of_every_label_are_no_finding() -> None:
    target = np.zeros(N_BARS)
    target[: MIN_SUPPORT - 1] = 1
    found = examined(np.arange(N_BARS), target)
    assert {check.verdict for check in found.values()} == {Verdict.SKIPPED}
    assert str(MIN_SUPPORT) in found["split_gap"].answer
