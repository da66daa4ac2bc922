"""Fold models: what predicts the bars that a model version learned from, without having learned from them.

The teaching bars of all series are cut into blocks of time at the same instants. For each block a model of the same
family, features and calibration is fitted on the rest, with the samples left out that touch the block.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from candleloop.annotations.encodings import UNKNOWN
from candleloop.candles.frame import MICROSECONDS, IntArray
from candleloop.errors import BundleRefused, TooFewLabels
from candleloop.features.matrix import feature_matrix
from candleloop.inference.bundle import EPOCH, ModelBundle
from candleloop.pipeline_config import OutOfFoldConfig
from candleloop.progress import Progress, silent
from candleloop.storage import Storage
from candleloop.training.corpus import Corpus, CorpusSeries, FeaturesOf, build_corpus
from candleloop.training.families import family_for, fitted_from_files
from candleloop.training.families.base import TrainingBars
from candleloop.training.snapshot import Snapshot
from candleloop.training.splits import BoolArray, near
from candleloop.training.train import CandlesOf, teaching_spans

logger = logging.getLogger(__name__)

FOLDER = "folds"
MANIFEST = "folds.json"

Ranges = Mapping[str, IntArray]
"""For each series the bars that some sample of a model reads: int64 array of shape (n, 2), times of first and last bar,
ascending, apart from one another."""


@dataclass(frozen=True, eq=False, slots=True)
class FoldModels:
    """The fold models of a model version.

    Parameters
    ----------
    version
        The model version, number 0 below.
    cuts
        Times at which the next block begins, with the bar at or after it, int64 array of shape (n_folds - 1,).
    bundles
        The model for each block, numbers 1, 2, ... below; None where a block holds nearly all there is to learn from.
    taught
        What samples each model learned from have read, by its number.
    """

    version: str
    cuts: IntArray
    bundles: tuple[ModelBundle | None, ...]
    taught: tuple[Ranges, ...]

    def number_for(self, series_id: str, time: IntArray) -> npt.NDArray[np.int64]:
        """Return the number of the model that decides on each bar: 0 where the model version itself knows nothing.

        Parameters
        ----------
        time
            Bar-open times, int64 array of shape (n_bars,), microseconds UTC.
        """
        block = np.searchsorted(self.cuts, time, side="right") + 1
        there = np.array([False, *(bundle is not None for bundle in self.bundles)])
        known = touched(self.taught[0].get(series_id), time, time)
        return np.where(known & there[block], block, 0).astype(np.int64)

    def save(self, storage: Storage, name: str) -> None:
        """Write them as one file, whole or not at all."""
        entries = {f"{k}.zip": one.to_bytes() for k, one in enumerate(self.bundles, start=1) if one is not None}
        manifest = {
            "version": self.version,
            "cuts": self.cuts.tolist(),
            "files": {entry: hashlib.sha256(content).hexdigest() for entry, content in entries.items()},
            "taught": [{series_id: found.tolist() for series_id, found in ranges.items()} for ranges in self.taught],
        }
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
            for entry, content in {MANIFEST: json.dumps(manifest).encode(), **entries}.items():
                archive.writestr(zipfile.ZipInfo(entry, EPOCH), content)
        storage.write(name, buffer.getvalue())

    @classmethod
    def load(cls, storage: Storage, name: str) -> FoldModels:
        """Read what :meth:`save` wrote.

        Raises
        ------
        NotFound
            When there is no such file.
        BundleRefused
            When it is damaged, or its models cannot be used here; see :meth:`ModelBundle.from_bytes`.
        """
        content = storage.read(name)
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                entries = {entry: archive.read(entry) for entry in archive.namelist()}
            manifest = json.loads(entries.pop(MANIFEST))
            if {entry: hashlib.sha256(part).hexdigest() for entry, part in entries.items()} != manifest["files"]:
                raise BundleRefused(f"A checksum in {name} does not fit.", code="bundle_damaged")
            count = len(manifest["cuts"]) + 1
            return cls(
                version=manifest["version"],
                cuts=np.array(manifest["cuts"], dtype=np.int64),
                bundles=tuple(
                    ModelBundle.from_bytes(entries[f"{k}.zip"]) if f"{k}.zip" in entries else None
                    for k in range(1, count + 1)
                ),
                taught=tuple(
                    {series_id: np.array(found, dtype=np.int64).reshape(-1, 2) for series_id, found in ranges.items()}
                    for ranges in manifest["taught"]
                ),
            )
        except (zipfile.BadZipFile, KeyError, ValueError, EOFError) as error:
            raise BundleRefused(f"{name} does not hold fold models: {error}", code="bundle_damaged") from error


def folds_name(version: str, config: OutOfFoldConfig) -> str:
    """Return the name in the storage of a version's fold models."""
    return f"{FOLDER}/{version}-{config.folds}-{config.max_samples}.zip"


def touched(ranges: IntArray | None, start_time: IntArray, end_time: IntArray) -> BoolArray:
    """Tell which spans, from bar-open time to bar-open time, both inclusive, touch one of the ranges of a series."""
    if ranges is None or len(ranges) == 0:
        return np.zeros(len(start_time), dtype=np.bool_)
    place = np.searchsorted(ranges[:, 1], start_time)
    first = np.append(ranges[:, 0], np.iinfo(np.int64).max)
    return np.asarray(first[place] <= end_time, dtype=np.bool_)


def fit_folds(
    bundle: ModelBundle,
    snapshot: Snapshot,
    candles_of: CandlesOf,
    config: OutOfFoldConfig,
    *,
    go_on: Callable[[], bool] = lambda: True,
    features_of: FeaturesOf = feature_matrix,
    progress: Progress = silent,
) -> FoldModels | None:
    """Fit the fold models of a model version.

    The same version and configuration give the same models. Confidence is calibrated as the version's own, and as many
    rounds are boosted, so that the confidences can be compared.

    Parameters
    ----------
    bundle
        The model version.
    snapshot
        What it learned from.
    candles_of
        Gives the candles of a series version.
    go_on
        Asked before each fit; when it says no there are no fold models.
    features_of
        Computes feature matrices.

    Returns
    -------
    FoldModels or None
        None when it was not to go on.
    """
    training = bundle.config.training
    corpus, _, _ = what_taught(bundle, snapshot, candles_of, features_of=features_of, progress=progress)
    family = family_for(training).settled(fitted_from_files(bundle.family, bundle.files, threads=training.threads))
    learned = {one.series_id: _teaches(one) for one in corpus.series}
    cuts = _cuts(corpus, learned, config.folds)
    bundles, taught = list[ModelBundle | None](), [_ranges(corpus, bundle, learned)]
    for k in range(len(cuts) + 1):
        progress("learning out of fold", k, len(cuts) + 1, "models")
        if not go_on():
            return None
        rest = {one.series_id: ~_kept_free(one, bundle, cuts, k) for one in corpus.series}
        bars = corpus.bars(lambda one: one.split.teaching & rest[one.series_id], training)  # noqa: B023
        try:
            fitted = family.fit(
                _thinned(bars, config.max_samples, training.seed), seed=training.seed, threads=training.threads
            )
        except TooFewLabels as error:
            logger.info("Fold %d of model %s has too little to learn from: %s", k + 1, bundle.version, error.message)
            bundles.append(None)
            taught.append({})
            continue
        bundles.append(replace(bundle, files=fitted.to_files(), metrics={}))
        taught.append(_ranges(corpus, bundle, {name: found & rest[name] for name, found in learned.items()}))
    progress("learning out of fold", len(bundles), len(bundles), "models")
    return FoldModels(bundle.version, cuts, tuple(bundles), tuple(taught))


def what_taught(
    bundle: ModelBundle,
    snapshot: Snapshot,
    candles_of: CandlesOf,
    *,
    features_of: FeaturesOf = feature_matrix,
    progress: Progress = silent,
) -> tuple[Corpus, dict[str, int], tuple[str, ...]]:
    """Return the corpus that a model version was trained on, its teaching spans by label, and the labels left out."""
    config, gap = bundle.config, bundle.config.candles.max_gap_seconds
    corpus = build_corpus(
        snapshot,
        candles_of,
        bundle.feature_spec,
        bundle.encoding,
        config.split,
        context=bundle.context,
        max_gap=None if gap is None else gap * MICROSECONDS,
        features_of=features_of,
        progress=progress,
    )
    counts, left_out = teaching_spans(corpus, snapshot, config.training.min_spans_per_label)
    return corpus.without_labels([snapshot.label_set.index(name) for name in left_out]), counts, left_out


def _teaches(one: CorpusSeries) -> BoolArray:
    """Return the bars of a series that a model learns from."""
    known = one.target != UNKNOWN
    known[one.rejected[:, 0]] = True
    return np.asarray(known & one.split.teaching & one.usable, dtype=np.bool_)


def _cuts(corpus: Corpus, learned: Mapping[str, BoolArray], folds: int) -> IntArray:
    """Return the times that divide the bars that teach, of all series together, into blocks of equal size."""
    parts = [one.candles.time[learned[one.series_id]] for one in corpus.series]
    time = np.sort(np.concatenate([np.empty(0, dtype=np.int64), *parts]))
    found = np.unique(time[[len(time) * k // folds for k in range(1, folds)]]) if len(time) else time
    return found[found > time[0]] if len(time) else found


def _reach_back(bundle: ModelBundle) -> int:
    return max(bundle.feature_spec.warmup + bundle.context, bundle.encoding.longest_span - 1)


def _kept_free(one: CorpusSeries, bundle: ModelBundle, cuts: IntArray, k: int) -> BoolArray:
    """Return the bars of a series whose samples touch block ``k``, or a span that ends in it."""
    block = np.searchsorted(cuts, one.candles.time, side="right") == k
    spans = near(block, reach_back=0, reach_ahead=bundle.encoding.longest_span - 1)
    return near(
        spans,
        reach_back=_reach_back(bundle),
        reach_ahead=bundle.encoding.teaches_after,
        embargo=bundle.config.split.embargo,
    )


def _ranges(corpus: Corpus, bundle: ModelBundle, learned: Mapping[str, BoolArray]) -> Ranges:
    """Return what the samples of these bars read, as times."""
    found = {}
    for one in corpus.series:
        read = near(learned[one.series_id], reach_back=bundle.encoding.teaches_after, reach_ahead=_reach_back(bundle))
        edges = np.flatnonzero(np.diff(np.concatenate([[False], read, [False]]).astype(np.int8))).reshape(-1, 2)
        found[one.series_id] = one.candles.time[edges - np.array([0, 1])]
    return found


def _thinned(bars: TrainingBars, most: int, seed: int) -> TrainingBars:
    """Return the samples with so much background drawn out that ``most`` are left, its weight put on the rest of it.

    Samples of labels all stay, even when they are more than that.
    """
    background = np.flatnonzero(bars.target == 0)
    keep = max(most - (len(bars) - len(background)), 1)
    if keep >= len(background):
        return bars
    drawn = np.random.default_rng(seed).choice(background, keep, replace=False)
    weight = bars.weight.copy()
    weight[drawn] *= bars.weight[background].sum() / bars.weight[drawn].sum()
    chosen = np.sort(np.concatenate([np.flatnonzero(bars.target != 0), drawn]))
    return replace(bars, rows=bars.rows[chosen], target=bars.target[chosen], weight=weight[chosen])
