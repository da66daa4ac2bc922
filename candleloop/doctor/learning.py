"""Checks that fit models: labels in random order teach nothing, and a random split flatters no more than it must."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.metrics import average_precision_score, roc_auc_score

from candleloop.annotations.encodings import UNKNOWN
from candleloop.doctor.report import Check, judged, skipped
from candleloop.pipeline_config import TrainingConfig
from candleloop.progress import Progress
from candleloop.training.corpus import Corpus
from candleloop.training.families import family_for
from candleloop.training.families.base import TrainingBars

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

MOST_SAMPLES = 60_000
"""Samples that are looked at, the latest of each series."""

MIN_SUPPORT = 10
"""Bars of a class below which a score of it says nothing."""

CHANCE_MARGIN = 0.05
"""How far the area under the curve may lie above 0.5 with permuted labels, beyond four standard errors at least."""

SPLIT_MARGIN = 0.15
"""How much average precision may gain from a random split before it is called a finding."""

RANDOM_SPLITS = 2

PERMUTED = "Does a model learn anything when labels are put in random order?"
SPLIT = "How much better would a random split look than later time?"


@dataclass(frozen=True, eq=False, slots=True)
class _Samples:
    """Samples of all series: row in the corpus, class, series, and whether the sample is held out as later time."""

    row: IntArray
    target: npt.NDArray[np.int16]
    series: IntArray
    later: npt.NDArray[np.bool_]


def check_learning(corpus: Corpus, config: TrainingConfig, rng: np.random.Generator, progress: Progress) -> list[Check]:
    """Fit models on the teaching bars of a corpus; test bars are neither learned from nor measured.

    Parameters
    ----------
    corpus
        Features, targets and split.
    config
        The family and its parameters.
    rng
        Chooses permutations and splits.
    progress
        Told the fits that are done.
    """
    samples = _samples(corpus)
    classes = _measurable(samples.target[samples.later])
    if not samples.later.any() or not len(classes) or not len(_measurable(samples.target[~samples.later])):
        why = f"No label has {MIN_SUPPORT} bars both to learn from and to measure on: label or annotate more first."
        return [skipped("permuted_labels", PERMUTED, why), skipped("split_gap", SPLIT, why)]

    fits = 2 + RANDOM_SPLITS

    def scored(target: npt.NDArray[np.int16], held_out: npt.NDArray[np.bool_], done: int) -> npt.NDArray[np.float32]:
        progress("fitting", done, fits, "models")
        learn = samples.row[~held_out]
        bars = TrainingBars(
            corpus.features,
            corpus.group,
            learn,
            target[~held_out],
            np.ones(len(learn)),
            corpus.n_classes,
            corpus.encoding.offsets,
        )
        fitted = family_for(config).fit(bars, seed=config.seed, threads=config.threads)
        return corpus.ask(fitted, samples.row[held_out])

    permuted = samples.target.copy()
    for one in np.unique(samples.series):
        own = samples.series == one
        permuted[own] = rng.permutation(permuted[own])
    chance = _check_permuted(permuted[samples.later], scored(permuted, samples.later, 0))

    temporal = _precision(samples.target[samples.later], scored(samples.target, samples.later, 1))
    mixed = []
    for split in range(RANDOM_SPLITS):
        held_out = np.zeros(len(samples.row), dtype=np.bool_)
        held_out[rng.permutation(len(held_out))[: int(samples.later.sum())]] = True
        mixed.append(_precision(samples.target[held_out], scored(samples.target, held_out, 2 + split)))
    progress("fitting", fits, fits, "models")
    return [chance, _check_split(temporal, float(np.mean(mixed)))]


def _check_permuted(target: npt.NDArray[np.int16], probabilities: npt.NDArray[np.float32]) -> Check:
    classes = _measurable(target)
    if not len(classes):
        return skipped("permuted_labels", PERMUTED, f"No label has {MIN_SUPPORT} bars to measure on.")
    areas = [float(roc_auc_score(target == k, probabilities[:, k])) for k in classes]
    error = np.sqrt(np.mean([1 / (12 * (target == k).sum()) for k in classes]) / len(classes))
    area, limit = float(np.mean(areas)), 0.5 + max(CHANCE_MARGIN, 4 * float(error))
    findings = [] if area <= limit else [f"area under the curve {area:.3f} where chance gives 0.5 (limit {limit:.3f})"]
    return judged(
        "permuted_labels",
        PERMUTED,
        findings,
        f"No: it is right as often as a coin (area under the curve {area:.3f}, chance 0.5).",
        "Yes: samples that are learned from and samples that are measured have something in common.",
        {"area_under_curve": area, "limit": limit},
    )


def _check_split(temporal: float, mixed: float) -> Check:
    gap = mixed - temporal
    how_much = f"By {gap:.3f}" if gap >= 0.0005 else "Not at all"
    findings = [] if gap <= SPLIT_MARGIN else [f"average precision {mixed:.3f} instead of {temporal:.3f}"]
    return judged(
        "split_gap",
        SPLIT,
        findings,
        f"{how_much}: average precision {temporal:.3f} on later time, {mixed:.3f} on bars drawn at random between "
        "those learned from. candleloop measures on later time.",
        "By a lot: what is learned holds beside the candles it was learned from, and less so later. Scores from a "
        "random split are worth nothing here; more series or older candles help.",
        {"later_time": temporal, "random": mixed, "gap": gap},
    )


def _samples(corpus: Corpus) -> _Samples:
    rows, target, series, later = [], [], [], []
    most = MOST_SAMPLES // max(1, len(corpus.series))
    for place, one in enumerate(corpus.series):
        bars = np.flatnonzero(one.split.teaching & one.usable & (one.target != UNKNOWN))[-most:]
        rows.append(bars + one.first)
        target.append(one.target[bars])
        series.append(np.full(len(bars), place))
        later.append(one.split.calibration[bars])
    return _Samples(*(np.concatenate(part) for part in (rows, target, series, later)))


def _measurable(target: npt.NDArray[np.int16]) -> IntArray:
    """Return the classes other than background with enough bars, unless every bar is of that class."""
    classes, counts = np.unique(target, return_counts=True)
    return classes[(classes > 0) & (counts >= MIN_SUPPORT) & (counts < len(target))].astype(np.int64)


def _precision(target: npt.NDArray[np.int16], probabilities: npt.NDArray[np.float32]) -> float:
    """Return the average precision over classes, each weighing as much as it has bars, as rare ones are noise."""
    classes = _measurable(target)
    if not len(classes):
        return 0.0
    scores = [average_precision_score(target == k, probabilities[:, k]) for k in classes]
    return float(np.average(scores, weights=[(target == k).sum() for k in classes]))
