"""A training from the snapshot to the model version."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from candleloop.annotations.encodings import encoding_for
from candleloop.annotations.marks import SeriesMarks, TimeRange, TimeSpans
from candleloop.candles.frame import Candles
from candleloop.errors import TooFewLabels
from candleloop.features.matrix import FeatureSpec
from candleloop.inference.predictor import Predictor
from candleloop.pipeline_config import PipelineConfig
from candleloop.training.corpus import Corpus, build_corpus
from candleloop.training.measure import evaluation_case
from candleloop.training.train import TrainedModel, train
from tests.support.candles import random_candles
from tests.support.snapshots import DEFAULT_LABELS, labelled_series, quick_config, snapshot_of, with_marks

SNAPSHOT, CANDLES, CANDLES_OF = labelled_series()
TEST_START = int(CANDLES.time[len(CANDLES) * 4 // 5])


@pytest.fixture(scope="module")
def trained() -> TrainedModel:
    return train(SNAPSHOT, CANDLES_OF, quick_config())


def corpus_of(snapshot=SNAPSHOT, candles_of=CANDLES_OF) -> Corpus:  # type: ignore[no-untyped-def]
    config = PipelineConfig()
    return build_corpus(
        snapshot,
        candles_of,
        FeatureSpec.from_config(config.features),
        encoding_for(config.encoding, DEFAULT_LABELS),
        config.split,
    )


def annotate(spans: list[tuple[int, int, int]], *, covered: bool = True):  # type: ignore[no-untyped-def]
    """Marks made by a person: spans by (label, start, end) bar, everything reviewed unless ``covered`` is False."""

    def marks(candles: Candles) -> SeriesMarks:
        table = np.array(spans, dtype=np.int64).reshape(-1, 3)
        everything = (TimeRange(int(candles.time[0]), int(candles.time[-1]), tuple(range(len(DEFAULT_LABELS)))),)
        return SeriesMarks(
            annotations=TimeSpans(table[:, 0], candles.time[table[:, 1]], candles.time[table[:, 2]]),
            by_human=np.ones(len(table), dtype=np.bool_),
            rejections=TimeSpans.empty(),
            coverage=(),
            reviewed=everything if covered else (),
        )

    return marks


def test_a_model_learns_what_is_marked(trained: TrainedModel) -> None:
    scores = {score.label: score.f1 for score in trained.evaluation.labels}
    assert min(scores["bullish_engulfing"] or 0, scores["bearish_engulfing"] or 0) > 0.9
    assert trained.bundle.metrics["macro_f1"] == trained.evaluation.macro_f1


def test_permuted_labels_teach_nothing() -> None:
    rng = np.random.default_rng(1)

    def shuffled(marks: SeriesMarks) -> SeriesMarks:
        spans = marks.annotations
        place = rng.permutation(np.arange(100, len(CANDLES) - 5))[: len(spans)]
        length = np.array([label.bars for label in DEFAULT_LABELS.labels])[spans.label]
        return replace(
            marks,
            annotations=TimeSpans(spans.label, CANDLES.time[place], CANDLES.time[place + length - 1]),
        )

    found = train(with_marks(SNAPSHOT, shuffled), CANDLES_OF, quick_config())
    assert (found.evaluation.macro_f1 or 0) < 0.15


def test_same_inputs_and_seed_give_the_same_version(trained: TrainedModel) -> None:
    again = train(SNAPSHOT, CANDLES_OF, quick_config())
    assert again.bundle.version == trained.bundle.version
    assert again.bundle.files == trained.bundle.files
    assert again.evaluation == trained.evaluation


def test_other_marks_give_another_version(trained: TrainedModel) -> None:
    fewer = with_marks(SNAPSHOT, lambda marks: replace(marks, rejections=first_spans(marks, 3)))
    assert train(fewer, CANDLES_OF, quick_config()).bundle.version != trained.bundle.version


def first_spans(marks: SeriesMarks, n: int) -> TimeSpans:
    spans = marks.annotations
    return TimeSpans(spans.label[:n], spans.start_time[:n], spans.end_time[:n])


def test_what_is_marked_on_test_bars_does_not_reach_the_model(trained: TrainedModel) -> None:
    def without_test_marks(marks: SeriesMarks) -> SeriesMarks:
        spans = marks.annotations
        keep = spans.end_time < TEST_START
        return replace(
            marks,
            annotations=TimeSpans(spans.label[keep], spans.start_time[keep], spans.end_time[keep]),
            by_human=marks.by_human[keep],
        )

    other = train(with_marks(SNAPSHOT, without_test_marks), CANDLES_OF, quick_config())
    assert other.bundle.files == trained.bundle.files
    assert other.bundle.thresholds == trained.bundle.thresholds
    assert other.evaluation != trained.evaluation


def test_candles_of_the_test_bars_do_not_reach_the_model(trained: TrainedModel) -> None:
    factor = np.where(CANDLES.time >= TEST_START, 1.5, 1.0)
    prices = {name: getattr(CANDLES, name) * factor for name in ("open", "high", "low", "close")}
    changed = Candles(time=CANDLES.time, volume=CANDLES.volume, **prices)
    other = train(SNAPSHOT, lambda *_: changed, quick_config())
    assert other.bundle.files == trained.bundle.files


def test_the_newest_teaching_bars_teach_too() -> None:
    """What is marked in the calibration slice alone changes the model that is served."""
    one = corpus_of().series[0]
    rows = np.flatnonzero(one.split.calibration & one.usable)
    late = int(CANDLES.time[rows[len(rows) // 2]])

    def without_late_spans(marks: SeriesMarks) -> SeriesMarks:
        keep = marks.annotations.start_time < late
        spans = marks.annotations
        return replace(
            marks,
            annotations=TimeSpans(spans.label[keep], spans.start_time[keep], spans.end_time[keep]),
            by_human=marks.by_human[keep],
        )

    fewer = train(with_marks(SNAPSHOT, without_late_spans), CANDLES_OF, quick_config())
    assert fewer.bundle.files != train(SNAPSHOT, CANDLES_OF, quick_config()).bundle.files


def test_the_test_bars_are_the_last_fifth() -> None:
    assert SNAPSHOT.series[0].test_start_time == TEST_START


def test_fit_calibration_and_test_bars_share_no_candle() -> None:
    spec = FeatureSpec.from_config(PipelineConfig().features)
    one = corpus_of().series[0]
    assert one.split.fit.any()
    assert one.split.calibration.any()
    assert one.split.test.any()
    for first, second in ((one.split.fit, one.split.calibration), (one.split.teaching, one.split.test)):
        reached = np.zeros(len(CANDLES), dtype=np.bool_)
        for bar in np.flatnonzero(first).tolist():
            reached[max(bar - spec.warmup, 0) : bar + 1] = True
        assert not (reached & second).any()


def test_evaluation_goes_through_the_predictor_that_serves(trained: TrainedModel) -> None:
    """Predicting the whole series and predicting the part that counts propose the same spans there."""
    one = corpus_of().series[0]
    bars = one.split.test
    predictor = Predictor(trained.bundle)
    part = evaluation_case(predictor, "S", CANDLES, one.truth, bars)
    whole = predictor.predict(CANDLES)
    inside = bars[whole.spans.end]
    kept = bars[part.proposed.end]
    assert part.proposed[kept].rows() == whole.spans[inside].rows()
    np.testing.assert_allclose(part.confidence[kept], whole.confidence[inside], rtol=1e-5)


def test_a_label_with_too_few_spans_is_left_out_and_reported() -> None:
    spans = [(6, bar, bar + 1) for bar in range(100, 1_900, 12)] + [(0, 205, 207), (0, 305, 307)]
    candles = random_candles(2_500, seed=3)
    found = train(snapshot_of(("S", candles), marks=annotate(spans)), lambda *_: candles, quick_config())
    assert "morning_star" in found.left_out
    assert "bullish_engulfing" not in found.left_out
    assert found.counts["morning_star"] == 2
    assert any("morning_star (2)" in warning for warning in found.warnings)
    predictions = Predictor(found.bundle).predict(candles)
    assert predictions.probabilities[:, 1].max(initial=0) == 0


def test_no_label_with_enough_spans_is_refused_with_the_counts() -> None:
    candles = random_candles(800)
    with pytest.raises(TooFewLabels) as refusal:
        train(snapshot_of(("S", candles), marks=annotate([(0, 200, 202)])), lambda *_: candles, quick_config())
    assert refusal.value.details["counts"]["morning_star"] == 1
    assert refusal.value.details["minimum"] == 5


def test_one_label_without_any_background_is_refused_in_plain_words() -> None:
    candles = random_candles(800)
    spans = [(6, bar, bar + 1) for bar in range(100, 500, 10)]
    with pytest.raises(TooFewLabels, match="free of patterns"):
        train(snapshot_of(("S", candles), marks=annotate(spans, covered=False)), lambda *_: candles, quick_config())


def test_a_snapshot_without_series_is_refused() -> None:
    with pytest.raises(TooFewLabels):
        train(snapshot_of(), CANDLES_OF, quick_config())


def test_a_series_shorter_than_the_warm_up_does_no_harm(trained: TrainedModel) -> None:
    short = random_candles(30)
    everything = {"S": CANDLES, "T": short}
    found = train(snapshot_of(("S", CANDLES), ("T", short)), lambda name, _: everything[name], quick_config())
    assert found.counts == trained.counts


def test_several_series_are_never_one_segment() -> None:
    parts = {"A": random_candles(300, seed=1), "B": random_candles(400, seed=2)}
    corpus = corpus_of(snapshot_of(*parts.items()), lambda name, _: parts[name])
    assert len(corpus.features) == 700
    assert set(corpus.group[:300].tolist()).isdisjoint(corpus.group[300:].tolist())
    assert np.isnan(corpus.features[300]).all()


def test_a_rejection_lowers_its_label_there() -> None:
    """Bars that nobody looked at: saying no to one kind of shape makes the model stop proposing it."""
    spans = SNAPSHOT.series[0].marks.annotations
    chosen = np.flatnonzero((spans.label == 6) & (spans.end_time < TEST_START))

    def rejected(marks: SeriesMarks) -> SeriesMarks:
        return replace(
            marks, rejections=TimeSpans(spans.label[chosen], spans.start_time[chosen], spans.end_time[chosen])
        )

    found = train(with_marks(SNAPSHOT, rejected), CANDLES_OF, quick_config())
    assert found.counts["bullish_engulfing"] == 0
    assert "bullish_engulfing" in found.left_out


@pytest.mark.parametrize("family", ["xgboost", "random_forest"])
def test_every_family_trains_to_a_bundle_that_predicts(family: str) -> None:
    found = train(SNAPSHOT, CANDLES_OF, quick_config(family=family))
    assert found.bundle.family == family
    assert len(Predictor(found.bundle).predict(CANDLES)) > 100


def test_a_mark_across_a_gap_is_counted_as_lost() -> None:
    later = np.where(np.arange(len(CANDLES)) >= 1_000, 90 * 86_400_000_000, 0)
    candles = replace(CANDLES, time=CANDLES.time + later)
    marks = annotate([(0, 997, 999), (0, 999, 1_001), (0, 1_200, 1_202)])
    (found,) = corpus_of(snapshot_of(("S", candles), marks=marks), lambda *_: candles).series
    assert found.losses == {"overlap": 0, "length": 0, "gap": 1, "warm_up": 0}
    assert np.flatnonzero(found.target > 0).tolist() == [999, 1_202]


def test_a_mark_that_ends_in_the_warm_up_after_a_gap_is_counted_as_lost() -> None:
    later = np.where(np.arange(len(CANDLES)) >= 1_000, 90 * 86_400_000_000, 0)
    candles = replace(CANDLES, time=CANDLES.time + later)
    (whole,) = corpus_of(snapshot_of(("S", candles), marks=annotate([])), lambda *_: candles).series
    first = 1_000 + int(whole.usable[1_000:].argmax())
    marks = annotate([(0, 20, 22), (0, 1_005, 1_007), (0, first - 3, first - 1), (0, first - 2, first)])
    (found,) = corpus_of(snapshot_of(("S", candles), marks=marks), lambda *_: candles).series
    assert found.losses["warm_up"] == 3


def test_progress_names_its_stages() -> None:
    stages: list[str] = []

    def progress(stage: str, done: int, total: int | None = None, unit: str = "steps") -> None:
        stages.append(stage)

    train(SNAPSHOT, CANDLES_OF, quick_config(), progress=progress)
    assert list(dict.fromkeys(stages)) == ["computing features", "fitting the model", "measuring the model"]
