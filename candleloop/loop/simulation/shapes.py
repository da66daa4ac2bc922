"""Shapes of 6 to 25 bars that are planted into candles, and decoys that only begin like them.

A shape is a path of the close in steps of the local mean range, and how wide the ranges are on the way. The person in
the simulation calls it by its name whatever the noise makes of it, so its rule is no function of the features; a decoy
shares a part of the path and has no name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from candleloop.annotations.label_set import Label, LabelSet

FloatArray = npt.NDArray[np.float64]

SHORTEST, LONGEST = 6, 25
STRENGTHS = (1.5, 1.0, 0.6)
"""Difficulty: how much of a planted path stands above the noise, from easy to hard; a third of the shapes each."""


@dataclass(frozen=True, slots=True)
class Path:
    """Steps of the close in local mean ranges, and ranges as a share of what they were; arrays of shape (n_bars,)."""

    step: FloatArray
    width: FloatArray


@dataclass(frozen=True, slots=True)
class Shape:
    """One kind of shape.

    Parameters
    ----------
    name, code, colour
        As in :class:`~candleloop.annotations.label_set.Label`.
    share
        Share of the planted shapes that are of this kind.
    path, decoy
        Draw the path of a shape, or of its decoy, of so many bars.
    """

    name: str
    code: str
    colour: str
    share: float
    path: Callable[[int, np.random.Generator], Path]
    decoy: Callable[[int, np.random.Generator], Path]


def _flag(direction: int, *, rests: bool) -> Callable[[int, np.random.Generator], Path]:
    """Return a pole and a quiet, slightly falling rest; the decoy's rest is as wild as the pole and gives it back."""

    def draw(n_bars: int, rng: np.random.Generator) -> Path:
        pole = max(2, round(n_bars * rng.uniform(0.25, 0.4)))
        step, width = np.empty(n_bars), np.empty(n_bars)
        step[:pole], width[:pole] = direction * rng.uniform(0.7, 1.0), 1.1
        back = rng.uniform(0.25, 0.4) if rests else rng.uniform(0.9, 1.2)
        step[pole:] = -step[:pole].sum() * back / (n_bars - pole)
        width[pole:] = 0.5 if rests else 1.2
        return Path(step, width)

    return draw


def _squeeze(*, narrows: bool) -> Callable[[int, np.random.Generator], Path]:
    """Return swings that become ever smaller; the decoy's keep their size, though its ranges narrow."""

    def draw(n_bars: int, rng: np.random.Generator) -> Path:
        place = np.linspace(0, 1, n_bars)
        swing = 1.0 - 0.85 * place if narrows else np.full(n_bars, 0.6)
        period = int(rng.integers(2, 4))
        sign = np.where(np.arange(n_bars) // period % 2 == 0, 1.0, -1.0) * rng.choice([-1, 1])
        return Path(sign * swing * 0.8, 1.1 - 0.7 * place)

    return draw


def _double_bottom(*, holds: bool) -> Callable[[int, np.random.Generator], Path]:
    """Return a fall, a rise, a fall to the same low and a rise; in the decoy the second low does not hold."""

    def draw(n_bars: int, rng: np.random.Generator) -> Path:
        legs = np.array_split(np.arange(n_bars), 4)
        depth = rng.uniform(1.8, 2.6)
        moves = (-depth, 0.7 * depth, -0.7 * depth, depth) if holds else (-depth, 0.7 * depth, -1.6 * depth, -0.3)
        step = np.empty(n_bars)
        for bars, move in zip(legs, moves, strict=True):
            step[bars] = move / len(bars)
        return Path(step, np.full(n_bars, 0.8))

    return draw


SHAPES = (
    Shape("bull_flag", "BFL", "#0072B2", 0.35, _flag(1, rests=True), _flag(1, rests=False)),
    Shape("bear_flag", "SFL", "#B34A00", 0.30, _flag(-1, rests=True), _flag(-1, rests=False)),
    Shape("squeeze", "SQZ", "#4A7C19", 0.20, _squeeze(narrows=True), _squeeze(narrows=False)),
    Shape("double_bottom", "DBL", "#8A2F6B", 0.15, _double_bottom(holds=True), _double_bottom(holds=False)),
)

SHAPE_LABELS = LabelSet(
    name="shapes", labels=tuple(Label(name=one.name, code=one.code, colour=one.colour) for one in SHAPES)
)
