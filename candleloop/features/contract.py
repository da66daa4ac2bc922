"""What every feature promises, as checks: run over the catalogue by the tests, and over a user's own feature.

A feature that passes reads no future, does not care where the series starts (after its warm-up) or in which currency it
is quoted, and is a number on flat stretches, without trades and without volume.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from candleloop.candles.frame import Candles
from candleloop.features.bars import FloatArray, SegmentBars
from candleloop.features.feature import FeatureGroup

TOLERANCE = 1e-6
"""Largest difference between two starting points, relative to the value or the column's standard deviation."""

CUTS = 6
"""Places at which the future is changed and the past is cut off."""


@dataclass(frozen=True, slots=True)
class Breach:
    """One promise that a feature broke.

    Parameters
    ----------
    feature
        Name of the column.
    promise
        ``shape``, ``number``, ``quiet``, ``untouched``, ``no_future``, ``cut_anywhere`` or ``any_currency``.
    detail
        Where and by how much, in words.
    """

    feature: str
    promise: str
    detail: str


def breaches(group: FeatureGroup, candles: Candles, *, seed: int = 0) -> list[Breach]:
    """Return every promise that ``group`` breaks on ``candles`` and on variants made from them.

    Parameters
    ----------
    group
        Features that are computed together.
    candles
        One segment with moving prices and volume, at least three times the longest warm-up and 200 bars long.
    seed
        Chooses where the series is cut.

    Raises
    ------
    ValueError
        When the candles are too few to tell.
    """
    needed = 3 * max(feature.warmup for feature in group.features) + 200
    if len(candles) < needed:
        raise ValueError(f"The contract of {group.names[0]} needs {needed} bars, there are {len(candles)}.")
    rng = np.random.default_rng(seed)
    found: list[Breach] = []
    for what, variant in _variants(candles, group):
        found.extend(
            Breach(breach.feature, breach.promise, f"{what}: {breach.detail}") for breach in _check(group, variant, rng)
        )
    return found


def _variants(candles: Candles, group: FeatureGroup) -> Iterator[tuple[str, Candles]]:
    n_bars = len(candles)
    warmup = max(feature.warmup for feature in group.features)
    yield "moving prices", candles
    still = np.zeros(n_bars, dtype=np.bool_)
    still[n_bars // 3 : n_bars // 3 + warmup + 60] = True
    still[-40:-20] = True
    yield "flat stretches without trades", _stilled(candles, still)
    yield "a constant series", _stilled(candles, np.ones(n_bars, dtype=np.bool_))
    yield "no volume", replace(candles, volume=None)


def _stilled(candles: Candles, still: FloatArray | np.ndarray) -> Candles:
    """Return the candles with the last close before each still stretch repeated and no volume there."""
    last = np.maximum.accumulate(np.where(still, 0, np.arange(len(candles))))
    price = candles.close[last]
    volume = None if candles.volume is None else np.where(still, 0.0, candles.volume)
    prices = {field: np.where(still, price, getattr(candles, field)) for field in ("open", "high", "low", "close")}
    return Candles(time=candles.time, volume=volume, **prices)


def _compute(group: FeatureGroup, candles: Candles) -> FloatArray:
    out = np.full((len(group.features), len(candles)), np.nan)
    group.fill(SegmentBars(candles), out)
    return out


def _check(group: FeatureGroup, candles: Candles, rng: np.random.Generator) -> Iterator[Breach]:
    before = candles.version()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            values = _compute(group, candles)
    except Warning as warning:
        yield Breach(group.names[0], "quiet", f"warns: {warning}")
        return
    except (ValueError, IndexError) as error:
        yield Breach(group.names[0], "shape", f"does not fill its columns: {error}")
        return
    if candles.version() != before:
        yield Breach(group.names[0], "untouched", "changes the candles it reads")
    for feature, column in zip(group.features, values, strict=True):
        missing = np.flatnonzero(np.isnan(column[feature.warmup :]))
        if len(missing):
            yield Breach(feature.name, "number", f"NaN at bar {feature.warmup + missing[0]}")
    spread = np.array([_spread(column) for column in values])
    warmups = np.array([feature.warmup for feature in group.features])

    def differing(promise: str, first: int, others: FloatArray, own: FloatArray, where: str) -> Iterator[Breach]:
        """Compare columns whose bar 0 is bar ``first`` and that count from each feature's warm-up on."""
        for row, feature in enumerate(group.features):
            start = int(warmups[row])
            a, b = own[row, start:], others[row, start:]
            with np.errstate(invalid="ignore"):
                off = np.abs(a - b) > TOLERANCE * np.maximum(np.abs(a), spread[row])
            off &= a != b
            if off.any():
                bar = int(off.argmax())
                yield Breach(
                    feature.name, promise, f"{where}: {b[bar]:.9g} for {a[bar]:.9g} at bar {first + start + bar}"
                )

    n_bars, longest = len(candles), int(warmups.max())
    for last in rng.integers(longest + 1, n_bars - 2, CUTS).tolist():
        other = _compute(group, _other_future(candles, last, rng))
        yield from differing(
            "no_future", 0, other[:, : last + 1], values[:, : last + 1], f"future of bar {last} changed"
        )
    for first in rng.integers(1, n_bars - longest - 10, CUTS).tolist():
        other = _compute(group, candles[first:])
        yield from differing("cut_anywhere", first, other, values[:, first:], f"series starts at bar {first}")
    yield from differing("any_currency", 0, _compute(group, _doubled(candles)), values, "prices and volume doubled")


def _spread(column: FloatArray) -> float:
    known = column[np.isfinite(column)]
    return float(known.std()) if len(known) else 0.0


def _other_future(candles: Candles, last: int, rng: np.random.Generator) -> Candles:
    factor = np.ones(len(candles))
    factor[last + 1 :] = rng.uniform(0.5, 2.0, len(candles) - last - 1)
    volume = None if candles.volume is None else candles.volume * factor
    prices = {field: getattr(candles, field) * factor for field in ("open", "high", "low", "close")}
    return Candles(time=candles.time, volume=volume, **prices)


def _doubled(candles: Candles) -> Candles:
    volume = None if candles.volume is None else candles.volume * 2
    return Candles(candles.time, candles.open * 2, candles.high * 2, candles.low * 2, candles.close * 2, volume)
