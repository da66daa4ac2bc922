"""A family that reads a window of bars, through training, the bundle and the predictor that serves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from candleloop.annotations.encodings import encoding_for
from candleloop.candles.frame import Candles
from candleloop.errors import BadCandles
from candleloop.features.matrix import FeatureSpec
from candleloop.inference.predictor import Predictor
from candleloop.pipeline_config import PipelineConfig
from candleloop.training import families
from candleloop.training.corpus import build_corpus
from candleloop.training.families import RegisteredFamily
from candleloop.training.train import TrainedModel, train
from tests.support.candles import random_candles
from tests.support.snapshots import DEFAULT_LABELS, quick_config, snapshot_of
from tests.support.window_softmax import FittedWindowSoftmax, WindowSoftmaxFamily

CONTEXT = 5
HOLE = 1_200


def with_a_hole(candles: Candles) -> Candles:
    """Return the candles with a gap of a month, so that there are two segments."""
    later = np.arange(len(candles)) >= HOLE
    return replace(candles, time=candles.time + later * 30 * 86_400_000_000)


CANDLES = with_a_hole(random_candles(2_500, seed=4))


@pytest.fixture(scope="module")
def registered() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        made = RegisteredFamily(lambda _: WindowSoftmaxFamily(context=CONTEXT), FittedWindowSoftmax)
        patch.setitem(families.FAMILIES, "window_softmax", made)
        yield patch


@pytest.fixture(scope="module")
def trained(registered: pytest.MonkeyPatch) -> TrainedModel:
    config = quick_config()
    config = config.model_copy(update={"training": config.training.model_copy(update={"family": "window_softmax"})})
    return train(snapshot_of(("S", CANDLES)), lambda *_: CANDLES, config)


def test_it_trains_without_a_window_that_leaves_its_segment(trained: TrainedModel) -> None:
    """The family itself refuses such a window; both segments are measured or taught."""
    assert trained.bundle.family == "window_softmax"
    assert trained.bundle.context == CONTEXT
    assert sum(score.true_positives for score in trained.evaluation.labels) > 20


def test_the_context_counts_as_warm_up(trained: TrainedModel) -> None:
    needed = FeatureSpec.from_config(PipelineConfig().features).warmup + CONTEXT + 1
    assert trained.bundle.warmup_candles == needed
    predictor = Predictor(trained.bundle)
    predictor.predict(CANDLES[:needed])
    with pytest.raises(BadCandles) as refusal:
        predictor.predict(CANDLES[: needed - 1])
    assert refusal.value.code == "too_few_candles"


def test_predictions_do_not_depend_on_where_the_series_is_cut(trained: TrainedModel) -> None:
    predictor = Predictor(trained.bundle)
    gap = 10 * 86_400_000_000
    whole = predictor.predict(CANDLES, max_gap=gap)
    rng = np.random.default_rng(0)
    for first in rng.integers(1, len(CANDLES) - 300, 8).tolist():
        part = predictor.predict(CANDLES[first : first + 300], max_gap=gap)
        first_known = first + trained.bundle.warmup_candles - 1
        if first < HOLE < first + 300:
            first_known = max(first_known, HOLE + trained.bundle.warmup_candles - 1)
        inside = (whole.spans.end >= first_known) & (whole.spans.end < first + 300)
        own = part.spans.end + first >= first_known
        moved = [(label, start + first, end + first) for label, start, end in part.spans[own].rows()]
        assert moved == whole.spans[inside].rows()
        np.testing.assert_allclose(part.confidence[own], whole.confidence[inside], rtol=1e-4)


def test_its_samples_keep_the_context_away_from_the_test_bars() -> None:
    config = PipelineConfig()
    spec = FeatureSpec.from_config(config.features)
    encoding = encoding_for(config.encoding, DEFAULT_LABELS)
    corpus = build_corpus(
        snapshot_of(("S", CANDLES)), lambda *_: CANDLES, spec, encoding, config.split, context=CONTEXT
    )
    one = corpus.series[0]
    for bar in np.flatnonzero(one.split.fit).tolist():
        read = slice(max(bar - spec.warmup - CONTEXT, 0), bar + 1)
        assert not (one.split.test | one.split.calibration)[read].any()
    for segment in (0, HOLE):
        assert not one.usable[segment : segment + spec.warmup + CONTEXT].any()
        assert one.usable[segment + spec.warmup + CONTEXT]
