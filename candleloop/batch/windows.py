"""The windows of a series, scored piece by piece beside its predictions, and put together when all pieces are done."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from candleloop.batch.plan import Piece, PlannedInput
from candleloop.candles.frame import IntArray
from candleloop.errors import BadCandles
from candleloop.inference.predictor import Examined, Predictor
from candleloop.inference.uncertainty import vote_shares
from candleloop.loop.window_files import SeriesWindows, read_windows
from candleloop.loop.windows import label_probabilities, score_windows, series_windows
from candleloop.storage import Storage
from candleloop.store.tables import BatchShardRow

if TYPE_CHECKING:
    from candleloop.batch.shards import Predicted


def piece_windows(
    predictor: Predictor,
    wanted: PlannedInput,
    piece: Piece,
    time: IntArray,
    examined: Examined | None = None,
    *,
    top_share: float = 1.0,
) -> SeriesWindows | None:
    """Divide a piece into windows and score them; None where none are wanted.

    Parameters
    ----------
    wanted
        The input, which says how many bars a window has.
    piece
        Begins and ends where windows do.
    time
        Bar-open times of the candles that were read for it, int64 array of shape (n_bars,), microseconds UTC.
    examined
        What the model says of them; None when it cannot say anything.
    top_share
        See :func:`~candleloop.loop.windows.score_windows`.
    """
    if not wanted.window_bars:
        return None
    bundle = predictor.bundle
    first = int(np.searchsorted(time, piece.keep_from))
    stop = int(np.searchsorted(time, piece.keep_to, side="right"))
    start, end, test = series_windows(
        time[first:stop], max_gap=wanted.max_gap, test_bars=wanted.test_bars, window_bars=wanted.window_bars
    )
    start, end = start + first, end + first
    n_labels = len(bundle.label_set)
    nothing = np.empty(0, dtype=np.int64)
    n_features = len(bundle.feature_spec.names) * len(bundle.encoding.offsets)
    scores = score_windows(
        np.empty((0, bundle.encoding.n_classes), dtype=np.float32) if examined is None else examined.probabilities,
        nothing if examined is None else examined.rows,
        np.empty((0, n_features), dtype=np.float32)
        if examined is None or examined.features is None
        else examined.features,
        bundle.encoding,
        start,
        end,
        n_labels=n_labels,
        top_share=top_share,
        votes=None if examined is None else examined.votes,
    )
    return SeriesWindows(
        start=start + piece.first_bar,
        end=end + piece.first_bar,
        start_time=time[start],
        end_time=time[end],
        context_start_time=time[np.maximum(start - wanted.context_bars, 0)],
        context_end_time=time[np.minimum(end + wanted.context_bars, len(time) - 1)],
        test=test,
        scores=scores,
    )


def with_votes(predictor: Predictor, examined: Examined, other: Predictor, *, max_gap: int) -> Examined:
    """Let a model of another family vote beside the one that examined; where it cannot say anything nobody disagrees.

    What the other one learned from it has seen: it has no fold models.
    """
    encoding, n_labels = predictor.bundle.encoding, len(predictor.bundle.label_set)
    own = label_probabilities(examined.probabilities, encoding, n_labels)
    theirs = own.copy()
    try:
        said = other.examine(examined.candles, max_gap=max_gap)
    except BadCandles:
        pass
    else:
        _, here, there = np.intersect1d(examined.rows, said.rows, assume_unique=True, return_indices=True)
        theirs[here] = label_probabilities(said.probabilities[there], other.bundle.encoding, n_labels)
    votes = np.zeros_like(examined.probabilities)
    firsts = [0, *(encoding.classes_of(position)[0] for position in range(n_labels))]
    votes[:, firsts] = vote_shares([own, theirs])
    return replace(examined, votes=votes)


def write_piece_windows(storage: Storage, job_id: str, number: int, made: Sequence[Predicted]) -> None:
    """Write the windows of the pieces of a shard, one file for each input of them."""
    by_input: dict[int, list[SeriesWindows]] = {}
    for one in made:
        if one.windows is not None:
            by_input.setdefault(one.piece.input, []).append(one.windows)
    for wanted, parts in by_input.items():
        storage.write(_name(job_id, number, wanted), SeriesWindows.concatenate(parts).to_bytes())


def read_piece_windows(storage: Storage, job_id: str, shards: Iterable[BatchShardRow]) -> dict[int, SeriesWindows]:
    """Return the windows of each input, in order, from those of all shards."""
    parts: dict[int, list[SeriesWindows]] = {}
    for shard in shards:
        for wanted in sorted({Piece.model_validate(raw).input for raw in shard.pieces}):
            found = read_windows(storage, _name(job_id, shard.number, wanted))
            if found is not None:
                parts.setdefault(wanted, []).append(found)
    return {wanted: SeriesWindows.concatenate(found) for wanted, found in parts.items()}


def _name(job_id: str, number: int, wanted: int) -> str:
    return f"batches/{job_id}/shards/{number:06d}.windows-{wanted}"
