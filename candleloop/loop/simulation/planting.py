"""Candles put together from pieces of real ones, with shapes and decoys planted into them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from candleloop.annotations.spans import Spans
from candleloop.candles.frame import MICROSECONDS, Candles
from candleloop.loop.simulation.shapes import LONGEST, SHAPES, SHORTEST, STRENGTHS

FloatArray = npt.NDArray[np.float64]

PIECES = (20, 60)
"""Bars of a piece of real candles: long enough to keep how volatility lasts, short enough to make many series."""

HOUR = 3600
FIRST_TIME = 1_600_000_000
SCALE_BARS = 20
DECOYS = 0.4
"""Share of the planted places that are decoys."""
NOISE_KEPT = 0.15
"""Share of the candles' own moves that stays inside a shape."""


@dataclass(frozen=True, eq=False, slots=True)
class Moves:
    """Candles as moves: logarithms of gap, body and shadows, float64 arrays of shape (n_bars,)."""

    gap: FloatArray
    body: FloatArray
    upper: FloatArray
    lower: FloatArray

    @classmethod
    def of(cls, candles: Candles) -> Moves:
        """Return the moves of all candles but the first, whose gap is not known."""
        top, bottom = np.maximum(candles.open, candles.close), np.minimum(candles.open, candles.close)
        return cls(
            np.log(candles.open[1:] / candles.close[:-1]),
            np.log(candles.close / candles.open)[1:],
            np.log(candles.high / top)[1:],
            np.log(bottom / candles.low)[1:],
        )

    def candles(self, *, start: float = 100.0) -> Candles:
        """Return the candles that make these moves, hourly, from a price on."""
        level = np.cumsum(self.gap + self.body)
        close = start * np.exp(level)
        open_ = close / np.exp(self.body)
        time = (FIRST_TIME + HOUR * np.arange(len(close), dtype=np.int64)) * MICROSECONDS
        return Candles.checked(
            time=time,
            open=open_,
            high=np.maximum(open_, close) * np.exp(self.upper),
            low=np.minimum(open_, close) * np.exp(-self.lower),
            close=close,
        )


def pieced_together(sources: Sequence[Candles], n_bars: int, rng: np.random.Generator) -> Moves:
    """Draw pieces of real candles with replacement until there are so many bars.

    Every piece keeps its candles as they were, gaps and shadows included; only what follows it is chance. The median
    move is taken out, so that a series does not climb for ever.
    """
    moves = [Moves.of(candles) for candles in sources]
    parts: list[list[FloatArray]] = []
    drawn = 0
    while drawn < n_bars:
        source = moves[int(rng.integers(len(moves)))]
        length = int(rng.integers(*PIECES))
        first = int(rng.integers(len(source.body) - length))
        piece = slice(first, first + length)
        parts.append([source.gap[piece], source.body[piece], source.upper[piece], source.lower[piece]])
        drawn += length
    gap, body, upper, lower = (np.concatenate(column)[:n_bars] for column in zip(*parts, strict=True))
    limit = 0.15
    gap, body = np.clip(gap, -limit, limit), np.clip(body, -limit, limit)
    return Moves(gap - (gap + body).mean(), body, np.minimum(upper, limit), np.minimum(lower, limit))


def plant(moves: Moves, rng: np.random.Generator, *, every: int) -> tuple[Candles, Spans, FloatArray]:
    """Plant shapes and as many decoys, one of either about every so many bars.

    Parameters
    ----------
    moves
        What they are planted into.
    rng
        Source of everything random.
    every
        Mean number of bars from the end of one to the beginning of the next, shapes and decoys alike.

    Returns
    -------
    candles
        The candles with everything planted.
    spans
        The shapes; labels are positions in ``SHAPE_LABELS``. Decoys are not among them.
    strength
        Difficulty of each shape, one of ``STRENGTHS``, float64 array of shape (n_spans,).
    """
    gap, body, upper, lower = (np.array(column) for column in (moves.gap, moves.body, moves.upper, moves.lower))
    width = np.abs(body) + upper + lower
    scale = np.convolve(width, np.full(SCALE_BARS, 1 / SCALE_BARS))[: len(width)]
    shares = np.array([shape.share for shape in SHAPES])
    rows, strengths = [], []
    start = 3 * SCALE_BARS
    while True:
        start += int(rng.integers(every // 2, every + every // 2))
        length = int(rng.integers(SHORTEST, LONGEST + 1))
        if start + length + SCALE_BARS >= len(body):
            break
        kind = int(rng.choice(len(SHAPES), p=shares))
        strength = float(rng.choice(STRENGTHS))
        decoy = bool(rng.random() < DECOYS)
        path = (SHAPES[kind].decoy if decoy else SHAPES[kind].path)(length, rng)
        bars, share = slice(start, start + length), min(strength, 1.0)
        keep = NOISE_KEPT + (1 - share) * (1 - NOISE_KEPT)
        body[bars] = body[bars] * keep * path.width + strength * path.step * scale[start]
        gap[bars] *= keep
        narrow = 1 + share * (path.width - 1)
        upper[bars] *= narrow
        lower[bars] *= narrow
        if not decoy:
            rows.append((kind, start, start + length - 1))
            strengths.append(strength)
        start += length
    return Moves(gap, body, upper, lower).candles(), Spans.of(rows), np.array(strengths)
