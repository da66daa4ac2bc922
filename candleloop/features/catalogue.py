"""All features by name, and the default set."""

from __future__ import annotations

from types import MappingProxyType

from candleloop.features import geometry, indicators, recursive, trend, volume
from candleloop.features.feature import Feature, FeatureGroup

FORMULAS = 1
"""Raised when a formula changes under an unchanged name, so that models and caches built before do not fit."""

DEFAULT_GROUPS: tuple[FeatureGroup, ...] = (
    geometry.candles,
    geometry.neighbours,
    geometry.proportions,
    trend.trend,
    indicators.oscillators,
    volume.volume,
)
"""The groups of the default set: windowed formulas with short warm-up; TA-Lib's CDL* outputs are never among them."""

GROUPS: tuple[FeatureGroup, ...] = (*DEFAULT_GROUPS, volume.pressure, *recursive.groups)

DEFAULT_NAMES: tuple[str, ...] = tuple(name for group in DEFAULT_GROUPS for name in group.names)

CATALOGUE: MappingProxyType[str, Feature] = MappingProxyType(
    {feature.name: feature for group in GROUPS for feature in group.features}
)
"""Every feature by name, in the order of the catalogue."""
