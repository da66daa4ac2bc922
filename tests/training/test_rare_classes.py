"""The label map is frozen: a label that is missing here or there neither crashes a training nor shifts the others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from candleloop.annotations.encodings import encoding_for
from candleloop.annotations.marks import SeriesMarks, TimeSpans
from candleloop.errors import BadConfiguration
from candleloop.features.matrix import FeatureSpec
from candleloop.inference.bundle import ModelBundle
from candleloop.inference.predictor import Predictor
from candleloop.pipeline_config import PipelineConfig
from candleloop.training.corpus import build_corpus
from candleloop.training.snapshot import Snapshot
from candleloop.training.train import TrainedModel, train
from tests.support.snapshots import DEFAULT_LABELS, labelled_series, quick_config, with_marks

SNAPSHOT, CANDLES, CANDLES_OF = labelled_series()
RARE, COMMON = DEFAULT_LABELS.index("bullish_engulfing"), DEFAULT_LABELS.index("bearish_engulfing")
SPLIT = (
    build_corpus(
        SNAPSHOT,
        CANDLES_OF,
        FeatureSpec.from_config(PipelineConfig().features),
        encoding_for(PipelineConfig().encoding, DEFAULT_LABELS),
        PipelineConfig().split,
    )
    .series[0]
    .split
)
FAMILIES = ["xgboost", "random_forest"]


def keeping(chosen: np.ndarray, *, only: tuple[int, ...] = ()) -> Snapshot:
    """Return the snapshot with the rare label's spans at these bars alone, and of the others all or only some."""

    def change(marks: SeriesMarks) -> SeriesMarks:
        spans = marks.annotations
        end = np.searchsorted(CANDLES.time, spans.end_time)
        keep = np.where(spans.label == RARE, chosen[end], np.isin(spans.label, only) if only else True)
        return replace(
            marks,
            annotations=TimeSpans(spans.label[keep], spans.start_time[keep], spans.end_time[keep]),
            by_human=marks.by_human[keep],
        )

    return with_marks(SNAPSHOT, change)


def trained(snapshot: Snapshot, family: str, **training: object) -> TrainedModel:
    return train(snapshot, CANDLES_OF, quick_config(family=family, min_spans_per_label=1, **training))


def f1(found: TrainedModel, position: int) -> float | None:
    return found.evaluation.labels[position].f1


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("missing", ["fit", "calibration", "test"])
def test_a_label_that_one_part_lacks_leaves_the_others_in_place(family: str, missing: str) -> None:
    found = trained(keeping(~getattr(SPLIT, missing)), family)
    assert tuple(score.label for score in found.evaluation.labels) == DEFAULT_LABELS.names
    assert (f1(found, COMMON) or 0) > 0.7
    if missing == "test":
        assert "bullish_engulfing" in found.evaluation.not_measurable
        assert f1(found, RARE) is None
    if missing == "calibration":
        assert found.bundle.thresholds["bullish_engulfing"] == 0.5
        assert (f1(found, RARE) or 0) > 0.7
    again = Predictor(ModelBundle.from_bytes(found.bundle.to_bytes())).predict(CANDLES)
    assert again.probabilities.shape[1] == len(DEFAULT_LABELS) + 1


@pytest.mark.parametrize("family", FAMILIES)
def test_a_label_that_nothing_teaches_is_never_predicted(family: str) -> None:
    found = trained(keeping(SPLIT.test), family)
    assert found.left_out == ("bullish_engulfing",)
    predictions = Predictor(found.bundle).predict(CANDLES)
    assert not predictions.probabilities[:, RARE + 1].any()
    assert RARE not in predictions.spans.label
    assert f1(found, RARE) == 0
    assert (f1(found, COMMON) or 0) > 0.7


@pytest.mark.parametrize("family", FAMILIES)
def test_one_span_is_enough_to_go_through(family: str) -> None:
    spans = SNAPSHOT.series[0].marks.annotations
    end = np.searchsorted(CANDLES.time, spans.end_time)
    first = np.zeros(len(CANDLES), dtype=np.bool_)
    first[end[(spans.label == RARE) & SPLIT.fit[end] & (end > 200)][:1]] = True
    found = trained(keeping(first), family)
    assert found.counts["bullish_engulfing"] == 1
    assert (f1(found, COMMON) or 0) > 0.7


@pytest.mark.parametrize("family", FAMILIES)
def test_one_label_against_the_background_keeps_its_column(family: str) -> None:
    found = trained(keeping(np.zeros(len(CANDLES), dtype=np.bool_), only=(COMMON,)), family)
    predictions = Predictor(found.bundle).predict(CANDLES)
    assert set(predictions.spans.label.tolist()) == {COMMON}
    assert (f1(found, COMMON) or 0) > 0.7
    assert found.evaluation.macro_f1 == f1(found, COMMON)


def test_custom_balancing_makes_a_label_likelier() -> None:
    """Before calibration: what a label weighs is what its probability is multiplied by, nearly."""
    plain = trained(SNAPSHOT, "xgboost", balancing="none")
    heavy = trained(SNAPSHOT, "xgboost", balancing="custom", label_weights={"bullish_engulfing": 50.0})

    def probability(found: TrainedModel) -> float:
        spans = Predictor(found.bundle).predict(CANDLES)
        return float(spans.probabilities[:, RARE + 1].mean())

    assert probability(heavy) > 1.2 * probability(plain)
    assert heavy.bundle.version != plain.bundle.version


def test_a_weight_for_an_unknown_label_stops_a_training() -> None:
    with pytest.raises(BadConfiguration, match="bullish_engulfin"):
        trained(SNAPSHOT, "xgboost", balancing="custom", label_weights={"bullish_engulfin": 2.0})
