"""A snapshot of random candles that TA-Lib labelled, with what people said about them added by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from candleloop.annotations.label_set import LabelSet
from candleloop.annotations.marks import SeriesMarks, TimeRange, TimeSpans
from candleloop.annotations.places import to_times
from candleloop.candles.frame import Candles
from candleloop.patterns.auto_label import auto_label
from candleloop.pipeline_config import PipelineConfig
from candleloop.training.snapshot import Snapshot, SnapshotSeries
from candleloop.training.splits import last_share
from tests.support.candles import random_candles

ROOT = Path(__file__).parents[2]
DEFAULT_LABELS = LabelSet.load(ROOT / "config/label_sets/default.yaml")


def quick_config(**training: object) -> PipelineConfig:
    """Return the default configuration with few trees."""
    return PipelineConfig.model_validate(
        {
            "training": {
                "threads": 1,
                "xgboost": {"rounds": 8, "max_depth": 4},
                "random_forest": {"trees": 5},
                **training,
            },
            "evaluation": {"bootstrap_samples": 20},
        }
    )


def talib_marks(candles: Candles, label_set: LabelSet = DEFAULT_LABELS) -> SeriesMarks:
    """Return what auto-labelling writes down; all bars after the look-back of the patterns are covered."""
    found = auto_label(candles, label_set, PipelineConfig().auto_label)
    return SeriesMarks(
        annotations=to_times(found.spans, candles.time),
        by_human=np.zeros(len(found.spans), dtype=np.bool_),
        rejections=TimeSpans.empty(),
        coverage=(TimeRange(int(candles.time[found.covered.argmax()]), int(candles.time[-1]), found.labels),),
        reviewed=(),
    )


def snapshot_of(
    *series: tuple[str, Candles],
    marks: Callable[[Candles], SeriesMarks] = talib_marks,
    label_set: LabelSet = DEFAULT_LABELS,
) -> Snapshot:
    """Return a snapshot of series with the last fifth of each as test bars."""
    parts = []
    for series_id, candles in series:
        test = last_share(candles.time) or (None, None)
        parts.append(SnapshotSeries(series_id, candles.version(), test[0], test[1], marks(candles)))
    return Snapshot(label_set, tuple(parts))


def labelled_series(n_bars: int = 2_500, *, seed: int = 0) -> tuple[Snapshot, Candles, Callable[[str, str], Candles]]:
    """Return a snapshot of one auto-labelled series ``S``, its candles, and where a training gets them from."""
    candles = random_candles(n_bars, seed=seed)
    return snapshot_of(("S", candles)), candles, lambda *_: candles


def with_marks(snapshot: Snapshot, change: Callable[[SeriesMarks], SeriesMarks]) -> Snapshot:
    """Return the snapshot with changed marks."""
    return replace(snapshot, series=tuple(replace(one, marks=change(one.marks)) for one in snapshot.series))
