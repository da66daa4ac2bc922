"""Label sets and what TA-Lib finds of them in a series."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from candleloop.annotations.label_set import LabelSet
from candleloop.annotations.places import to_times
from candleloop.candles.frame import IntArray
from candleloop.context import Context
from candleloop.patterns.auto_label import auto_label
from candleloop.pipeline.importing import read_series
from candleloop.progress import Progress, silent
from candleloop.store import label_sets, marks


@dataclass(frozen=True)
class AutoLabelOutcome:
    """What an auto-label run found in one series."""

    series_id: str
    spans: int
    by_label: dict[str, int]
    covered_bars: int
    bars: int


def prepare(context: Context, sets: Iterable[LabelSet]) -> None:
    """Make the label sets known to the database.

    Raises
    ------
    Conflict
        When the database holds another definition under the name of one of them: label sets are frozen.
    """
    with context.database.begin() as session:
        for label_set in sets:
            label_sets.ensure(session, label_set)


def auto_label_series(
    context: Context,
    series_id: str,
    label_set_name: str,
    *,
    job_id: str | None = None,
    progress: Progress = silent,
) -> AutoLabelOutcome:
    """Search a series with TA-Lib and store the spans it finds, with the range it searched.

    Earlier ``talib`` annotations of this series and label set are replaced; what a person decided stays.
    """
    with context.database.read() as session:
        label_set = label_sets.get(session, label_set_name)
    candles = read_series(context, series_id)
    found = auto_label(candles, label_set, context.config.auto_label, max_gap=context.max_gap, progress=progress)
    with context.database.begin() as session:
        marks.replace_talib(
            session,
            series_id,
            label_set,
            labels=found.labels,
            spans=to_times(found.spans, candles.time),
            covered=_runs(found.covered, candles.time),
            job_id=job_id,
        )
    counts = np.bincount(found.spans.label, minlength=len(label_set)).tolist()
    return AutoLabelOutcome(
        series_id,
        len(found.spans),
        dict(zip(label_set.names, counts, strict=True)),
        int(found.covered.sum()),
        len(candles),
    )


def _runs(mask: np.ndarray[Any, np.dtype[np.bool_]], time: IntArray) -> list[tuple[int, int]]:
    """Return the runs of true bars as pairs of bar-open times, both inclusive."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(int(time[start]), int(time[end - 1])) for start, end in edges.reshape(-1, 2).tolist()]
