"""From a snapshot to a model version: fit, calibrate, choose thresholds, refit on everything that teaches, measure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np

from candleloop.annotations.encodings import UNKNOWN, Encoding, encoding_for
from candleloop.candles.frame import MICROSECONDS, Candles, IntArray
from candleloop.errors import TooFewLabels
from candleloop.features.matrix import FeatureSpec, feature_matrix
from candleloop.features.own import require_promises
from candleloop.inference.bundle import ModelBundle
from candleloop.inference.predictor import Predictor
from candleloop.pipeline_config import PipelineConfig
from candleloop.progress import Progress, silent
from candleloop.training.calibration import RAW_FLOOR, Calibration, choose_thresholds, fit_calibration
from candleloop.training.corpus import Corpus, CorpusSeries, FeaturesOf, build_corpus
from candleloop.training.evaluation import Evaluation, evaluate
from candleloop.training.event_counts import Counted, EvaluationCase, count_case
from candleloop.training.families import FittedModel, family_for
from candleloop.training.measure import evaluation_case
from candleloop.training.pattern_features import refuse_pattern_features
from candleloop.training.snapshot import Snapshot, SnapshotSeries
from candleloop.training.splits import SeriesSplit

CandlesOf = Callable[[str, str], Candles]
"""Returns the candles of a series by id and version."""


@dataclass(frozen=True, eq=False, slots=True)
class TrainedModel:
    """What a training gave.

    Parameters
    ----------
    bundle
        The model version, its evaluation included.
    evaluation
        How it does on the test bars.
    counts
        Number of teaching spans by label.
    left_out
        Labels with too few of them; the model does not know these.
    warnings
        What the user should know, in plain words.
    """

    bundle: ModelBundle
    evaluation: Evaluation
    counts: dict[str, int]
    left_out: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Learned:
    """A model that is not measured yet.

    Parameters
    ----------
    bundle
        The model version, without an evaluation.
    cases
        What it proposes on the test bars of each series.
    counts, left_out, warnings
        As in :class:`TrainedModel`.
    """

    bundle: ModelBundle
    cases: tuple[EvaluationCase, ...]
    counts: dict[str, int]
    left_out: tuple[str, ...]
    warnings: tuple[str, ...]


def train(
    snapshot: Snapshot,
    candles_of: CandlesOf,
    config: PipelineConfig,
    *,
    max_gap: int | None = None,
    features_of: FeaturesOf = feature_matrix,
    progress: Progress = silent,
) -> TrainedModel:
    """Learn a model version from a snapshot.

    The same snapshot and configuration (with its seed) give the same version. The model is fitted on the fit bars of
    each series with early stopping on the calibration bars, its confidence is calibrated and its thresholds are chosen
    on these, and then it is fitted once more on both with the rounds that were found, so that the newest decisions
    teach too. Test bars never teach.

    Parameters
    ----------
    snapshot
        The marks and the series versions.
    candles_of
        Gives the candles of a series version.
    config
        The whole pipeline configuration.
    max_gap
        Longest step inside a segment in microseconds; ``config.candles`` when None.
    features_of
        Computes feature matrices; hand in a cache's to compute only what changed.
    progress
        Told the stage and how far it is.

    Returns
    -------
    TrainedModel

    Raises
    ------
    TooFewLabels
        With ``counts`` by label and ``minimum`` when no label has enough teaching spans, or nothing else than one class
        is known.
    BadConfiguration
        For outputs of TA-Lib's pattern functions as features when TA-Lib labelled anything in the snapshot, and for a
        user's own features that break what features promise.
    """
    learned = learn(snapshot, candles_of, config, max_gap=max_gap, features_of=features_of, progress=progress)
    bundle = learned.bundle
    evaluation = evaluate(
        learned.cases, snapshot.label_set, bundle.thresholds, config.evaluation, seed=config.training.seed
    )
    return TrainedModel(
        bundle=replace(bundle, metrics=evaluation.model_dump(mode="json")),
        evaluation=evaluation,
        counts=learned.counts,
        left_out=learned.left_out,
        warnings=learned.warnings,
    )


def learn(
    snapshot: Snapshot,
    candles_of: CandlesOf,
    config: PipelineConfig,
    *,
    max_gap: int | None = None,
    divide: Callable[[SnapshotSeries, IntArray], SeriesSplit] | None = None,
    features_of: FeaturesOf = feature_matrix,
    progress: Progress = silent,
) -> Learned:
    """Do what :func:`train` does up to the proposals on the test bars.

    Parameters
    ----------
    divide
        Divides the bars of a series, given its times, otherwise than around its test bars.
    """
    refuse_pattern_features(config.features.add, snapshot)
    spec = FeatureSpec.from_config(config.features)
    require_promises(spec.own)
    encoding = encoding_for(config.encoding, snapshot.label_set)
    family = family_for(config.training)
    if max_gap is None and config.candles.max_gap_seconds is not None:
        max_gap = config.candles.max_gap_seconds * MICROSECONDS
    corpus = build_corpus(
        snapshot,
        candles_of,
        spec,
        encoding,
        config.split,
        context=family.context,
        max_gap=max_gap,
        divide=divide,
        features_of=features_of,
        progress=progress,
    )
    counts, left_out = teaching_spans(corpus, snapshot, config.training.min_spans_per_label)
    corpus = corpus.without_labels([snapshot.label_set.index(name) for name in left_out])

    seed, threads = config.training.seed, config.training.threads
    calibration, counted = Calibration(), list[Counted]()
    fit = corpus.bars(lambda one: one.split.fit, config.training)
    held_out = corpus.bars(lambda one: one.split.calibration, config.training)
    if len(held_out) and len(np.unique(fit.target)) > 1:
        first = family.fit(fit, held_out, seed=seed, threads=threads, progress=progress)
        family = family.settled(first)
        counted = [_proposed(first, corpus, one, encoding, snapshot) for one in corpus.series]
        calibration = fit_calibration(counted, snapshot.label_set)
    thresholds = choose_thresholds(counted, snapshot.label_set, calibration, floor=config.decoding.confidence_floor)
    fitted = family.fit(
        corpus.bars(lambda one: one.split.teaching, config.training), seed=seed, threads=threads, progress=progress
    )

    bundle = ModelBundle(
        label_set=snapshot.label_set,
        feature_spec=spec,
        encoding=encoding,
        family=family.name,
        files=fitted.to_files(),
        calibration=calibration,
        thresholds=thresholds,
        snapshot=snapshot.content_hash(),
        trained_at=datetime.now(UTC).replace(microsecond=0),
        config=config,
        context=fitted.context,
    )
    predictor = Predictor(bundle, threads=threads)
    cases = []
    for done, one in enumerate(corpus.series):
        progress("measuring the model", done, len(corpus.series), "series")
        bars = one.split.test & one.truth.known.all(axis=1)
        cases.append(evaluation_case(predictor, one.series_id, one.candles, one.truth, bars, max_gap=max_gap))
    progress("measuring the model", len(corpus.series), len(corpus.series), "series")
    return Learned(
        bundle=bundle,
        cases=tuple(cases),
        counts=counts,
        left_out=left_out,
        warnings=_warnings(corpus, counts, left_out, config, calibration),
    )


def teaching_spans(corpus: Corpus, snapshot: Snapshot, minimum: int) -> tuple[dict[str, int], tuple[str, ...]]:
    """Return the number of spans that teach by label, and the labels that have too few."""
    names = snapshot.label_set.names
    classes = np.zeros(corpus.n_classes, dtype=np.int64)
    for one in corpus.series:
        target = one.target[one.split.teaching & one.usable]
        classes += np.bincount(target[target != UNKNOWN], minlength=len(classes))
    counts = {name: int(classes[corpus.encoding.classes_of(place)[0]]) for place, name in enumerate(names)}
    left_out = tuple(name for name in names if counts[name] < minimum)
    kept = len(names) - len(left_out)
    if kept + (classes[0] > 0) < 2:
        raise TooFewLabels(
            _too_few(counts, minimum, background=int(classes[0]), kept=kept),
            counts=counts,
            background=int(classes[0]),
            minimum=minimum,
        )
    return counts, left_out


def _too_few(counts: dict[str, int], minimum: int, *, background: int, kept: int) -> str:
    found = ", ".join(f"{name} {count}" for name, count in counts.items())
    if kept and not background:
        return (
            "No bar outside the annotations is known to be free of patterns: auto-label a series, or review a range "
            f"completely. Teaching spans: {found}."
        )
    return f"No label has {minimum} spans to learn from outside the test bars. There are: {found}."


def _proposed(model: FittedModel, corpus: Corpus, one: CorpusSeries, encoding: Encoding, snapshot: Snapshot) -> Counted:
    """Decode the calibration bars of one series, confidence still raw."""
    rows = np.flatnonzero(one.split.calibration & one.usable)
    proposals = encoding.decode(
        corpus.ask(model, rows + one.first),
        rows,
        n_bars=len(one.candles),
        floor=RAW_FLOOR,
        segment_starts=one.segment_starts,
    )
    case = EvaluationCase(
        series_id=one.series_id,
        truth=one.truth,
        proposed=proposals.spans,
        confidence=proposals.confidence,
        bars=one.split.calibration & one.usable & one.truth.known.all(axis=1),
    )
    return count_case(case, snapshot.label_set, {})


def _warnings(
    corpus: Corpus, counts: dict[str, int], left_out: tuple[str, ...], config: PipelineConfig, calibration: Calibration
) -> tuple[str, ...]:
    found = []
    if left_out:
        few = ", ".join(f"{name} ({counts[name]})" for name in left_out)
        found.append(f"Left out for fewer than {config.training.min_spans_per_label} teaching spans: {few}.")
    lost = sum(one.truth.lost for one in corpus.series)
    if lost:
        found.append(f"{lost} marks lie on bars that this version of their series does not have.")
    for reason in sorted({reason for one in corpus.series for reason in one.losses}):
        count = sum(one.losses.get(reason, 0) for one in corpus.series)
        if count:
            found.append(f"{count} spans could not be taught as they are: {reason}.")
    if not calibration.spans:
        found.append("There was nothing to calibrate confidence on; it is what the model says.")
    return tuple(found)
