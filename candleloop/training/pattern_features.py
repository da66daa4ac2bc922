"""Outputs of TA-Lib's pattern functions as features, and what only looks different from them."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator

import numpy as np

from candleloop.candles.frame import Candles
from candleloop.errors import BadConfiguration
from candleloop.features.bars import FloatArray, SegmentBars
from candleloop.features.own import OwnGroup, is_own, load_own, made_candles
from candleloop.patterns.catalogue import PATTERNS
from candleloop.training.snapshot import Snapshot

BARS = 20_000
"""Made candles on which a user's features are held against the functions."""

MIN_FIRINGS = 3
"""Firings below which agreeing with a function is chance."""

MOST_VALUES = 10
"""Different values above which a column is a measure of something, not a verdict."""


def refuse_pattern_features(added: tuple[str, ...], snapshot: Snapshot) -> None:
    """Refuse outputs of TA-Lib's pattern functions as features where TA-Lib had a hand in the labels.

    A model would only learn to copy the column. Marks that a person confirmed count too: what TA-Lib did not propose
    there was never looked at. A user's own group is refused when its module names such a function, or when a column of
    it, wherever it comes from, tells where one fires.

    Parameters
    ----------
    added
        ``features.add`` of the configuration.
    snapshot
        What is to be learned from.

    Raises
    ------
    BadConfiguration
        With ``field`` ``features.add.N``.
    """
    if not any(one.marks.coverage or not one.marks.by_human.all() for one in snapshot.series):
        return
    for position, name in enumerate(added):
        field = f"features.add.{position}"
        found = _pattern_in(load_own(name, field)) if is_own(name) else _named(name)
        if found is not None:
            raise BadConfiguration(
                f"{field}: {found}, and TA-Lib labelled part of this snapshot with such functions. A model would only "
                "copy them.",
                code="pattern_features_refused",
                field=field,
            )


def _named(name: str) -> str | None:
    return f"{name} is a pattern function of TA-Lib" if name.upper().startswith("CDL") else None


def _pattern_in(own: OwnGroup) -> str | None:
    """Return what makes a group a copy of pattern functions, None when nothing does."""
    named = sorted({word for word in _words(own) if word.startswith("CDL")})
    if named:
        return f"{own.path} uses {', '.join(named)}"
    candles = made_candles(BARS)
    out = np.full((len(own.group.features), BARS), np.nan)
    try:
        own.group.fill(SegmentBars(candles), out)
    except Exception:
        # The user's code may fail in any way; what a group must do is told by ``require_promises``.
        return None
    for feature, column in zip(own.group.features, out, strict=True):
        function = _told_by(column[feature.warmup :], candles, feature.warmup)
        if function is not None:
            return f"{feature.name} of {own.path} is {function} in other words"
    return None


def _words(own: OwnGroup) -> Iterator[str]:
    """Yield the identifiers of the group's module and its texts, docstrings left out."""
    tree = ast.parse(inspect.getsource(sys.modules[own.path.partition(":")[0]]))
    described = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=word) | ast.Attribute(attr=word) | ast.alias(name=word):
                yield word
            case ast.Constant(value=str(word)) if id(node) not in described:
                yield word


def _told_by(column: FloatArray, candles: Candles, first: int) -> str | None:
    """Return a function that fires at some values of the column and never at others."""
    values, place = np.unique(column, return_inverse=True)
    if len(values) > MOST_VALUES:
        return None
    for function, pattern in PATTERNS.items():
        fires = pattern.fire(candles)[first:] != 0
        at_firings = np.bincount(place, weights=fires, minlength=len(values))
        elsewhere = np.bincount(place, weights=~fires, minlength=len(values))
        if fires.sum() >= MIN_FIRINGS and not ((at_firings > 0) & (elsewhere > 0)).any():
            return function
    return None
