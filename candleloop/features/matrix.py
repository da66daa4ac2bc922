"""The feature matrix: which columns, and how they come from candles."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt
from talib import __ta_version__  # type: ignore[attr-defined]

from candleloop.candles.frame import Candles, IntArray
from candleloop.candles.segments import segment_slices, segment_starts
from candleloop.errors import BadConfiguration
from candleloop.features.bars import FloatArray, SegmentBars
from candleloop.features.catalogue import CATALOGUE, DEFAULT_NAMES, FORMULAS, GROUPS
from candleloop.features.feature import Feature, FeatureGroup
from candleloop.features.own import OwnGroup, is_own, load_own
from candleloop.pipeline_config import FeaturesConfig

LIMIT = 1000.0
"""Every value is clipped to plus or minus this: a move after a flat stretch has no natural size."""

CHUNK = 16384
"""Bars computed at once; each chunk begins with the warm-up it needs, so memory does not grow with the series."""


@dataclass(frozen=True, slots=True)
class FeatureSpec:
    """The columns of a feature matrix, in order.

    Parameters
    ----------
    names
        Names from the catalogue or of ``own``, each once.
    own
        The user's own groups that some of the names are from.

    Raises
    ------
    BadConfiguration
        For no name at all, one given twice or one that neither the catalogue nor an own group has, and for an own group
        that is not loaded or has changed.
    """

    names: tuple[str, ...]
    own: tuple[OwnGroup, ...] = ()

    def __post_init__(self) -> None:
        if not self.names:
            raise BadConfiguration("features: no feature is left.", field="features")
        known = _known_features(self.own)
        for position, name in enumerate(self.names):
            _require_known(name, f"features.names.{position}", known)
            if name in self.names[:position]:
                raise BadConfiguration(f"features.names.{position}: {name!r} is given twice.", field="features.names")

    @classmethod
    def from_config(cls, config: FeaturesConfig) -> Self:
        """Build the set that ``features`` in the pipeline configuration describes.

        Raises
        ------
        BadConfiguration
            With ``field`` ``features.add.N`` or ``features.drop.N``: a name that the catalogue does not have, that is
            added though it is there, or dropped though it is not, or a dotted path that gives no group of features.
        """
        names, own = list(DEFAULT_NAMES), list[OwnGroup]()
        for position, name in enumerate(config.drop):
            field = f"features.drop.{position}"
            _require_known(name, field)
            if name not in names:
                raise BadConfiguration(f"{field}: {name!r} is not in the {config.set} set.", field=field)
            names.remove(name)
        for position, name in enumerate(config.add):
            field = f"features.add.{position}"
            added: tuple[str, ...] = (name,)
            if is_own(name):
                own.append(load_own(name, field))
                added = own[-1].group.names
            else:
                _require_known(name, field)
            for one in added:
                if one in names:
                    raise BadConfiguration(f"{field}: {one!r} is in the set already.", field=field)
                names.append(one)
        return cls(tuple(names), tuple(own))

    @property
    def features(self) -> tuple[Feature, ...]:
        """The descriptions of the columns in their order."""
        known = _known_features(self.own)
        return tuple(known[name] for name in self.names)

    @property
    def groups(self) -> tuple[FeatureGroup, ...]:
        """The groups that the columns are computed in."""
        return tuple(group for group, _ in _plan(self).parts)

    @property
    def lookback(self) -> int:
        """Bars before t that some column reads at bar t."""
        return max(feature.lookback for feature in self.features)

    @property
    def warmup(self) -> int:
        """Bars at the start of every segment that have no features: the longest warm-up of the columns."""
        return _plan(self).warmup

    def content_hash(self) -> str:
        """Return 16 hex digits over the names, the formulas' and TA-Lib's version, and the sources of own groups."""
        content: dict[str, Any] = {"formulas": FORMULAS, "talib": talib_version(), "names": self.names}
        if self.own:
            content["own"] = [asdict(one) for one in self.own]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]

    def to_json(self) -> str:
        """Return the specification as JSON; :meth:`from_json` reads it."""
        content: dict[str, Any] = {"names": self.names, "formulas": FORMULAS}
        if self.own:
            content["own"] = [asdict(one) for one in self.own]
        return json.dumps(content)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what :meth:`to_json` wrote.

        Raises
        ------
        BadConfiguration
            For text that is no specification, for features that this version of candleloop does not have or computes
            otherwise, and for own groups that the configuration of this process has not loaded or that have changed.
        """
        try:
            content = json.loads(text)
            names, formulas = tuple(str(name) for name in content["names"]), content["formulas"]
            own = tuple(OwnGroup(str(one["path"]), str(one["source"])) for one in content.get("own", ()))
        except (ValueError, TypeError, KeyError) as error:
            raise BadConfiguration(f"Not a feature specification: {error}", field="features") from error
        if formulas != FORMULAS:
            raise BadConfiguration(
                f"These features were computed by formulas {formulas}; this version has {FORMULAS}.", field="features"
            )
        return cls(names, own)


def talib_version() -> str:
    """Return the version of TA-Lib's C library, such as ``0.8.1`` (without its build date)."""
    text: str = __ta_version__.decode()
    return text.split(" ", 1)[0]


def feature_matrix(candles: Candles, spec: FeatureSpec, *, max_gap: int | None = None) -> npt.NDArray[np.float32]:
    """Compute the features of every bar, each segment by itself.

    Parameters
    ----------
    candles
        Candles of one series, in order.
    spec
        The columns.
    max_gap
        Longest step inside a segment in microseconds; the series' default when None. Whoever computes features of a
        part of a series passes the gap of the whole.

    Returns
    -------
    ndarray of shape (n_bars, n_features), float32, C-contiguous
        NaN in the first ``spec.warmup`` rows of every segment, and nowhere else. Values are clipped to
        plus or minus ``LIMIT``.
    """
    matrix = np.empty((len(candles), len(spec.names)), dtype=np.float32)
    for chunk in chunks_of(candles, spec, max_gap=max_gap):
        matrix[chunk.start : chunk.stop] = _columns(candles, spec, chunk).T
    return matrix


def feature_chunks(
    candles: Candles, spec: FeatureSpec, *, max_gap: int | None = None
) -> Iterator[tuple[slice, npt.NDArray[np.float32]]]:
    """Compute :func:`feature_matrix` piece by piece, in memory that does not grow with the series.

    Yields
    ------
    rows, features
        Consecutive bars from the first to the last, and their features: float32 array of shape (n_rows, n_features).
        One after another they are the matrix, bit by bit.
    """
    for chunk in chunks_of(candles, spec, max_gap=max_gap):
        yield slice(chunk.start, chunk.stop), compute_chunk(candles, spec, chunk)


class Chunk(NamedTuple):
    """Consecutive bars, ``start`` to ``stop``, whose features are computed at once from the candles from ``first`` on.

    Where ``first`` equals ``start`` they begin a segment, and the first of them are warming up.
    """

    first: int
    start: int
    stop: int


def chunks_of(candles: Candles, spec: FeatureSpec, *, max_gap: int | None = None) -> Iterator[Chunk]:
    """Divide the bars into what is computed at once, each chunk with the warm-up before it."""
    warmup = _plan(spec).warmup
    for segment in segment_slices(candles, max_gap=max_gap):
        start = segment.start
        while start < segment.stop:
            first = max(start - warmup, segment.start)
            stop = min(first + warmup + CHUNK, segment.stop)
            yield Chunk(first, start, stop)
            start = stop


def compute_chunk(candles: Candles, spec: FeatureSpec, chunk: Chunk) -> npt.NDArray[np.float32]:
    """Return the features of a chunk, float32 array of shape (n_rows, n_features)."""
    features = np.empty((chunk.stop - chunk.start, len(spec.names)), dtype=np.float32)
    features[:] = _columns(candles, spec, chunk).T
    return features


def _columns(candles: Candles, spec: FeatureSpec, chunk: Chunk) -> FloatArray:
    """Compute the columns of a chunk: float64, clipped, (n_features, n_rows)."""
    plan, (first, start, stop) = _plan(spec), chunk
    if first == start and stop - start <= plan.warmup:
        return np.full((plan.n_columns, stop - start), np.nan)
    columns = plan.compute(SegmentBars(candles[first:stop]))
    if first == start:
        columns[:, : plan.warmup] = np.nan
    else:
        columns = columns[:, plan.warmup :]
    np.clip(columns, -LIMIT, LIMIT, out=columns)
    return columns


def usable_bars(
    time: IntArray, spec: FeatureSpec, *, max_gap: int | None = None, context: int = 0
) -> npt.NDArray[np.bool_]:
    """Tell which bars have features, and so many bars before them in their segment as ``context`` says.

    Returns
    -------
    ndarray of shape (n_bars,)
        All but the first ``spec.warmup + context`` bars of every segment.
    """
    usable, warmup = np.ones(len(time), dtype=np.bool_), spec.warmup + context
    for start in segment_starts(time, max_gap=max_gap).tolist():
        usable[start : start + warmup] = False
    return usable


class _Plan:
    """Which groups to compute and where their columns go; made once for each specification."""

    def __init__(self, names: tuple[str, ...], groups: Iterable[FeatureGroup]) -> None:
        groups = tuple(groups)
        warmups = {feature.name: feature.warmup for group in groups for feature in group.features}
        place = {name: column for column, name in enumerate(names)}
        self.n_columns = len(names)
        self.warmup = max(warmups[name] for name in names)
        self.parts: list[tuple[FeatureGroup, slice | tuple[list[int], list[int]]]] = []
        for group in groups:
            wanted = [(row, place[name]) for row, name in enumerate(group.names) if name in place]
            if not wanted:
                continue
            rows, columns = (list(side) for side in zip(*wanted, strict=True))
            first, n_rows = columns[0], len(group.features)
            if columns == list(range(first, first + n_rows)):
                self.parts.append((group, slice(first, first + n_rows)))
            else:
                self.parts.append((group, (rows, columns)))

    def compute(self, bars: SegmentBars) -> FloatArray:
        """Return the columns, shape (n_features, n_bars)."""
        out = np.full((self.n_columns, len(bars)), np.nan)
        for group, where in self.parts:
            if isinstance(where, slice):
                group.fill(bars, out[where])
            else:
                rows, columns = where
                whole = np.full((len(group.features), len(bars)), np.nan)
                group.fill(bars, whole)
                out[columns] = whole[rows]
        return out


@lru_cache(maxsize=64)
def _plan(spec: FeatureSpec) -> _Plan:
    return _Plan(spec.names, (*GROUPS, *(one.group for one in spec.own)))


def _known_features(own: tuple[OwnGroup, ...]) -> Mapping[str, Feature]:
    if not own:
        return CATALOGUE
    return {**CATALOGUE, **{feature.name: feature for one in own for feature in one.group.features}}


def _require_known(name: str, field: str, known: Mapping[str, Feature] = CATALOGUE) -> None:
    if name not in known:
        raise BadConfiguration(
            f"{field}: there is no feature {name!r}; see candleloop/features/catalogue.py.", field=field, value=name
        )
