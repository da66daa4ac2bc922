"""What a feature is: a description of one column, and groups of columns that are computed together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from candleloop.features.bars import FloatArray, SegmentBars


@dataclass(frozen=True, slots=True)
class Feature:
    """One column of the feature matrix.

    Parameters
    ----------
    name
        Stable identifier, unique in the catalogue.
    unit
        What the number counts: ``mean ranges``, ``mean bodies``, ``share``, ``percent``, ``bars`` ...
    lookback
        Bars before t that the formula reads at bar t.
    warmup
        Bars before t after which the value at t equals, to 1e-6 relative, the one computed from the whole series. Equal
        to ``lookback`` for windowed formulas, longer for recursive ones (Wilder, exponential averages).
    source
        Where the method comes from, or what it measures.
    needs_volume
        Whether it reads volume; where a series has none it takes its stated neutral value.
    """

    name: str
    unit: str
    lookback: int
    warmup: int
    source: str
    needs_volume: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.lookback <= self.warmup:
            raise ValueError(f"{self.name}: look-back {self.lookback} must be between 0 and warm-up {self.warmup}.")


@dataclass(frozen=True, slots=True)
class FeatureGroup:
    """Features that share their work.

    Parameters
    ----------
    features
        The columns in their order.
    fill
        Called with the bars of a segment and a float64 array of shape (n_features, n_bars), full of NaN, to write the
        columns to. Rows before a feature's warm-up may hold anything; from there on every value is a number (not NaN),
        prices multiplied by a constant leave it unchanged, and no bar after t is read at t.
        ``candleloop.features.contract`` checks that.
    """

    features: tuple[Feature, ...]
    fill: Callable[[SegmentBars, FloatArray], None]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns in their order."""
        return tuple(feature.name for feature in self.features)
