"""The bars of all series of a snapshot, side by side: features, targets and split."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from candleloop.annotations.encodings import UNKNOWN, Encoding
from candleloop.annotations.label_set import LabelSet
from candleloop.annotations.truth import Truth, resolve
from candleloop.candles.frame import Candles
from candleloop.candles.segments import default_max_gap, segment_numbers, segment_starts
from candleloop.features.matrix import FeatureSpec, feature_matrix, usable_bars
from candleloop.pipeline_config import SplitConfig, TrainingConfig
from candleloop.progress import Progress, silent
from candleloop.training.balancing import custom_weights, weighted_samples
from candleloop.training.families.asking import ask
from candleloop.training.families.base import FittedModel, TrainingBars
from candleloop.training.snapshot import Snapshot, SnapshotSeries
from candleloop.training.splits import SeriesSplit, split_series

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


class FeaturesOf(Protocol):
    """Computes what :func:`feature_matrix` does."""

    def __call__(self, candles: Candles, spec: FeatureSpec, *, max_gap: int | None = None) -> npt.NDArray[np.float32]:
        """Return the features of every bar, float32 array of shape (n_bars, n_features)."""


@dataclass(frozen=True, eq=False, slots=True)
class CorpusSeries:
    """One series of the corpus; all arrays are over its own bars.

    Parameters
    ----------
    series_id, candles
        Which series, and its candles.
    first
        Its first row in the arrays of the corpus.
    segment_starts
        First bar of each segment.
    truth
        What holds.
    target, by_human
        Class of each bar (-1 unknown) and whether a person decided it.
    rejected
        (bar, class) pairs known to be wrong where the class is unknown.
    losses
        Spans that the encoding cannot teach, by reason, and those that are decided while features are warming up
        (``warm_up``), at the beginning and after a gap.
    usable
        Bars after the warm-up and the context of the model family.
    split
        Which bars teach, calibrate and measure.
    """

    series_id: str
    candles: Candles
    first: int
    segment_starts: IntArray
    truth: Truth
    target: npt.NDArray[np.int16]
    by_human: BoolArray
    rejected: IntArray
    losses: dict[str, int]
    usable: BoolArray
    split: SeriesSplit


@dataclass(frozen=True, eq=False, slots=True)
class Corpus:
    """All series of a snapshot.

    Parameters
    ----------
    label_set
        The labels that the classes stand for.
    series
        The series in the order of their ids.
    features
        float32 array of shape (n_bars, n_features), one series after another: the features of each bar by itself.
        Those ahead that the encoding reads are put beside them where a model learns or is asked.
    group
        Segment of each bar, counted over all series, int32 array of shape (n_bars,).
    encoding
        How spans became classes.
    """

    label_set: LabelSet
    series: tuple[CorpusSeries, ...]
    features: npt.NDArray[np.float32]
    group: npt.NDArray[np.int32]
    encoding: Encoding

    @property
    def n_classes(self) -> int:
        """Number of classes with the background."""
        return self.encoding.n_classes

    def without_labels(self, positions: Sequence[int]) -> Corpus:
        """Return the corpus with the bars of some labels unknown, so that they teach neither them nor background."""
        classes = [k for position in positions for k in self.encoding.classes_of(position)]
        return replace(
            self,
            series=tuple(
                replace(one, target=np.where(np.isin(one.target, classes), UNKNOWN, one.target).astype(np.int16))
                for one in self.series
            ),
        )

    def ask(self, model: FittedModel, rows: IntArray) -> npt.NDArray[np.float32]:
        """Return the class probabilities of some bars, ascending, counted over all series."""
        return ask(
            model, self.features, rows, self.group, offsets=self.encoding.offsets, n_classes=self.encoding.n_classes
        )

    def bars(self, chosen: Callable[[CorpusSeries], BoolArray], config: TrainingConfig) -> TrainingBars:
        """Return the bars that teach among the chosen ones, with their weights.

        Parameters
        ----------
        chosen
            Returns a mask over the bars of a series.
        config
            How samples weigh; see :func:`candleloop.training.balancing.weighted_samples`.
        """
        rows: list[IntArray] = [np.empty(0, dtype=np.int64)]
        target: list[npt.NDArray[np.int16]] = [np.empty(0, dtype=np.int16)]
        by_human: list[BoolArray] = [np.empty(0, dtype=np.bool_)]
        rejected: list[IntArray] = [np.empty((0, 2), dtype=np.int64)]
        for one in self.series:
            mask = chosen(one) & one.usable
            known = np.flatnonzero(mask & (one.target != UNKNOWN))
            rows.append(known + one.first)
            target.append(one.target[known])
            by_human.append(one.by_human[known])
            rejected.append(one.rejected[mask[one.rejected[:, 0]]] + np.array([one.first, 0]))
        samples = weighted_samples(
            np.concatenate(rows),
            np.concatenate(target),
            np.concatenate(by_human),
            np.concatenate(rejected),
            n_classes=self.n_classes,
            balancing=config.balancing,
            source_weights=config.source_weights,
            custom=custom_weights(config.label_weights, self.label_set, self.encoding)
            if config.balancing == "custom"
            else None,
        )
        return TrainingBars(
            self.features,
            self.group,
            samples.rows,
            samples.target,
            samples.weight,
            self.n_classes,
            self.encoding.offsets,
        )


def build_corpus(
    snapshot: Snapshot,
    candles_of: Callable[[str, str], Candles],
    spec: FeatureSpec,
    encoding: Encoding,
    split: SplitConfig,
    *,
    context: int = 0,
    max_gap: int | None = None,
    divide: Callable[[SnapshotSeries, IntArray], SeriesSplit] | None = None,
    features_of: FeaturesOf = feature_matrix,
    progress: Progress = silent,
) -> Corpus:
    """Compute features, truth, targets and split of every series of a snapshot.

    Parameters
    ----------
    snapshot, candles_of
        The series, and where their candles come from.
    spec, encoding, split
        Columns, encoding and division of the bars.
    context
        Bars that the model family reads before a bar, beyond the warm-up of the features.
    max_gap
        Longest step inside a segment in microseconds; each series' default when None.
    divide
        Divides the bars of a series, given its times, otherwise than around its test bars.
    features_of
        Computes feature matrices: :func:`feature_matrix`, or what remembers them.
    progress
        Told the series that are done.
    """
    listed = sorted(snapshot.series, key=lambda one: one.series_id)
    candles = [candles_of(one.series_id, one.version) for one in listed]
    n_bars = sum(len(one) for one in candles)
    features = np.empty((n_bars, len(spec.names)), dtype=np.float32)
    group = np.empty(n_bars, dtype=np.int32)
    reach_back = max(spec.warmup + context, encoding.longest_span - 1)
    first = n_segments = 0
    parts = []
    for done, (one, own) in enumerate(zip(listed, candles, strict=True)):
        progress("computing features", done, len(listed), "series")
        here = slice(first, first + len(own))
        gap = default_max_gap(own.time) if max_gap is None else max_gap
        starts = segment_starts(own.time, max_gap=gap)
        features[here] = features_of(own, spec, max_gap=gap)
        group[here] = n_segments + segment_numbers(starts, len(own))
        truth = resolve(one.marks, own.time, len(snapshot.label_set))
        targets = encoding.encode(truth, len(own), segment_starts=starts)
        usable = usable_bars(own.time, spec, max_gap=gap, context=context)
        heads = [encoding.classes_of(position)[0] for position in range(len(snapshot.label_set))]
        warming_up = int((np.isin(targets.target, heads) & ~usable).sum())
        parts.append(
            CorpusSeries(
                series_id=one.series_id,
                candles=own,
                first=first,
                segment_starts=starts,
                truth=truth,
                target=targets.target,
                by_human=targets.by_human,
                rejected=targets.rejected,
                losses=targets.losses | {"warm_up": warming_up},
                usable=usable,
                split=divide(one, own.time)
                if divide is not None
                else split_series(
                    own.time,
                    test_start_time=one.test_start_time,
                    test_end_time=one.test_end_time,
                    reach_back=reach_back,
                    reach_ahead=encoding.teaches_after,
                    embargo=split.embargo,
                    calibration_share=split.calibration_share,
                ),
            )
        )
        first, n_segments = here.stop, n_segments + len(starts)
    progress("computing features", len(listed), len(listed), "series")
    return Corpus(snapshot.label_set, tuple(parts), features, group, encoding)
