"""How a batch job is divided: long series into pieces, pieces into shards of about the same number of bars.

A piece is predicted with the bars before and after it that its predictions depend on, and keeps the spans that end in
it, so that the pieces of a series together give what the series as a whole would give.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from candleloop.candles.frame import IntArray
from candleloop.inference.bundle import ModelBundle
from candleloop.store.batches import NewShard

SHARD_BARS = 65_536
"""Most bars of a shard: some seconds of work, and what is lost when a worker is killed."""

SMALLEST_SHARD = 16_384
"""Bars below which it does not pay to divide further."""

SHARE_OF_THE_REST = 4
"""A shard is at most this part of what is left, so that the workers of a job end at about the same time."""


class PlannedInput(BaseModel):
    """Candles to predict.

    ``store_id`` and ``version`` say where the candle store has them; ``series_id`` is what their predictions are named
    after. Those of a stored series are ``stored``. ``max_gap`` is that of all the candles together, in microseconds.
    ``test_bars`` are the bar-open times of the first and last frozen test bar. With ``window_bars`` above 0 the model's
    doubts are kept for the review queue, by windows of so many bars, shown with ``context_bars`` on each side;
    ``committee`` is the model version of another family that votes about them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    store_id: str
    version: str
    series_id: str | None
    stored: bool
    bars: int
    max_gap: int
    test_bars: tuple[int, int] | None = None
    window_bars: int = 0
    context_bars: int = 0
    committee: str | None = None


class Piece(BaseModel):
    """Bars of an input whose predictions are wanted.

    ``first_bar`` is the place of the first bar to read. The candles between ``read_from`` and ``read_to`` are read, the
    spans that end between ``keep_from`` and ``keep_to`` kept: bar-open times, both inclusive.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: int
    first_bar: int
    read_from: int
    read_to: int
    keep_from: int
    keep_to: int


def pieces_of(
    number: int,
    time: IntArray,
    bundle: ModelBundle,
    *,
    borders: IntArray | None = None,
    beside: int = 0,
    most: int = SHARD_BARS,
) -> list[tuple[int, Piece]]:
    """Divide an input into pieces of about equal size, each with its number of bars.

    Parameters
    ----------
    number
        The place of the input in the plan.
    time
        Bar-open times, int64 array of shape (n_bars,), microseconds UTC, ascending, not empty.
    bundle
        The model, which decides how many bars beside a piece are read with it.
    borders
        Bars at which pieces may begin, ascending, 0 first; any when None.
    beside
        Least number of bars to read on each side.
    most
        Most bars of a piece, but for what it takes to begin at a border.

    Notes
    -----
    Towards the end of the input pieces become smaller, see :func:`next_size`.
    """
    encoding = bundle.encoding
    before = max(bundle.warmup_candles + encoding.longest_span, beside)
    after = max(encoding.longest_span + encoding.reads_after + bundle.right_context, beside)
    edges = [0]
    while (left := len(time) - edges[-1]) > 0:
        count = -(-left // next_size(left, most=most))
        edges.append(edges[-1] + -(-left // count))
    if borders is not None:
        edges = [int(borders[np.searchsorted(borders, edge, side="right") - 1]) for edge in edges[:-1]] + edges[-1:]
    found = []
    for first, stop in pairwise(sorted(set(edges))):
        read = max(first - before, 0), min(stop + after, len(time)) - 1
        piece = Piece(
            input=number,
            first_bar=read[0],
            read_from=int(time[read[0]]),
            read_to=int(time[read[1]]),
            keep_from=int(time[first]),
            keep_to=int(time[stop - 1]),
        )
        found.append((stop - first, piece))
    return found


def shards_of(pieces: Sequence[tuple[int, Piece]], *, most: int = SHARD_BARS) -> list[NewShard]:
    """Put pieces together, in order, into shards of at most so many bars, smaller ones towards the end."""
    shards: list[NewShard] = []
    left = sum(count for count, _ in pieces)
    bars = 0
    held: list[dict[str, Any]] = []
    for count, piece in pieces:
        if held and bars + count > next_size(left, most=most):
            shards.append(NewShard(bars, held))
            left -= bars
            bars, held = 0, []
        bars += count
        held.append(piece.model_dump())
    if held:
        shards.append(NewShard(bars, held))
    return shards


def next_size(left: int, *, most: int = SHARD_BARS) -> int:
    """Return how many bars the next shard has at most when so many are left.

    A fixed share of the rest, within bounds: large shards first, which cost least, small ones last, so that no worker
    waits long for another. This is guided self-scheduling for a fixed number of workers: C. D. Polychronopoulos, D. J.
    Kuck, "Guided Self-Scheduling: A Practical Scheduling Scheme for Parallel Supercomputers", IEEE Transactions on
    Computers C-36, 1987.
    """
    return min(most, max(left // SHARE_OF_THE_REST, SMALLEST_SHARD))
