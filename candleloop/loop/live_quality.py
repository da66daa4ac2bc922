"""How good the model is by the audits alone: random windows of test bars that people marked without seeing it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sqlalchemy.orm import Session

from candleloop.annotations.label_set import LabelSet
from candleloop.annotations.marks import TimeSpans
from candleloop.annotations.matching import match
from candleloop.annotations.places import to_bars
from candleloop.annotations.spans import IntArray
from candleloop.store import review
from candleloop.store.tables import AnnotationRow, PredictionRow, ReviewItemRow
from candleloop.training.event_counts import (
    FALSE_NEGATIVE,
    FALSE_POSITIVE,
    TRUE_POSITIVE,
    f1_by_label,
    interval_95,
    macro_f1,
    resample,
)

SAMPLES = 1_000


@dataclass(frozen=True, slots=True)
class LiveLabel:
    """Event F1 of one label in the audits, None without support; ``support`` is the number of true spans."""

    label: str
    support: int
    f1: float | None


@dataclass(frozen=True, slots=True)
class LiveQuality:
    """Event F1 at IoU 0.5 on the audited windows.

    ``macro_f1`` is the mean over labels with support, None when there is none; ``interval`` its 95 % interval by a
    bootstrap over windows, None below two of them. ``windows`` were audited, with ``spans`` true spans in them.
    """

    model_version: str
    windows: int
    spans: int
    macro_f1: float | None
    interval: tuple[float, float] | None
    labels: tuple[LiveLabel, ...]


def live_quality(
    session: Session,
    label_set: LabelSet,
    thresholds_of: Callable[[str], Mapping[str, float]],
    bar_times: Callable[[str], IntArray],
) -> LiveQuality | None:
    """Hold what the model finds in the audited windows against what people marked there.

    The model version is the one that most of the audited windows are scored by: after a promotion the one before until
    the series are scored again. Windows of series that were scored by another one are left out until then.

    Parameters
    ----------
    thresholds_of
        Gives the least confidence of a prediction by label for a model version; a label without one predicts nothing.
    bar_times
        Gives the bar-open times of a series.

    Returns
    -------
    LiveQuality, or None
        None when nothing was audited yet.

    Notes
    -----
    A span counts in the window where it ends. Every window of the test bars is as likely as any other to be audited, so
    no weights are needed; windows that people chose themselves, or that a strategy chose, do not count.
    """
    audits = review.completed_audits(session, label_set.name)
    scored_by = {one.series_id: one.model_version for one in review.queued_series(session, label_set.name)}
    versions = Counter(scored_by[row.series_id] for row in audits if scored_by[row.series_id] is not None)
    model_version = max(versions, key=lambda version: (versions[version], version), default=None)
    if model_version is None:
        return None
    audits = [row for row in audits if scored_by[row.series_id] == model_version]
    thresholds = thresholds_of(model_version)
    counts = np.stack(
        [_count(session, label_set, row, model_version, thresholds, bar_times(row.series_id)) for row in audits]
    )
    totals = counts.sum(axis=0)
    support = totals[:, TRUE_POSITIVE] + totals[:, FALSE_NEGATIVE]
    drawn = None if len(counts) < 2 else resample(counts, samples=SAMPLES, rng=np.random.default_rng(0))
    return LiveQuality(
        model_version=model_version,
        windows=len(audits),
        spans=int(support.sum()),
        macro_f1=_number(macro_f1(totals)),
        interval=None if drawn is None else interval_95(macro_f1(drawn)),
        labels=tuple(
            LiveLabel(name, int(spans), _number(f1))
            for name, spans, f1 in zip(label_set.names, support, f1_by_label(totals), strict=True)
        ),
    )


def _count(
    session: Session,
    label_set: LabelSet,
    row: ReviewItemRow,
    model_version: str,
    thresholds: Mapping[str, float],
    time: IntArray,
) -> IntArray:
    """Count right, wrong and missed spans by label in one window, shape (n_labels, 3)."""
    # A span that ends in the window begins before it by less than the window is long, or is too long to judge here.
    earliest = row.start_time - (row.end_time - row.start_time)
    place = {"start_time": row.start_time, "end_time": row.end_time, "earliest": earliest}
    predicted = [
        one
        for one in review.predictions_ending_in(session, row.series_id, label_set.name, model_version, **place)
        if one.confidence >= thresholds.get(one.label, np.inf)
    ]
    true = review.annotations_ending_in(session, row.series_id, label_set.name, talib=False, **place)
    spans, _ = to_bars(_times(true, label_set), time)
    proposed, found = to_bars(_times(predicted, label_set), time)
    confidence = np.array([one.confidence for one in predicted], dtype=np.float64)[found]
    matches = match(spans, proposed, confidence=confidence)
    n_labels = len(label_set)
    counts = np.zeros((n_labels, 3), dtype=np.int64)
    right = np.bincount(spans.label[matches.truth], minlength=n_labels)
    counts[:, TRUE_POSITIVE] = right
    counts[:, FALSE_POSITIVE] = np.bincount(proposed.label, minlength=n_labels) - right
    counts[:, FALSE_NEGATIVE] = np.bincount(spans.label, minlength=n_labels) - right
    return counts


def _times(rows: list[AnnotationRow] | list[PredictionRow], label_set: LabelSet) -> TimeSpans:
    position = {name: place for place, name in enumerate(label_set.names)}
    table = np.array([(position[row.label], row.start_time, row.end_time) for row in rows], dtype=np.int64).reshape(
        -1, 3
    )
    return TimeSpans(table[:, 0], table[:, 1], table[:, 2])


def _number(value: npt.NDArray[np.float64]) -> float | None:
    return None if np.isnan(value) else float(value)
