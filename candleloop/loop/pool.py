"""What a query strategy chooses from: windows that nobody has reviewed, and what is known of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from candleloop.loop.windows import BoolArray, FloatArray, IntArray, SingleArray, WindowScores


@dataclass(frozen=True, eq=False, slots=True)
class ReviewPool:
    """Windows to choose from.

    Parameters
    ----------
    scores
        What the model says of each window; all unknown where there is no model.
    series
        Which series each window is of, any whole number that orders them, int64 array of shape (n_windows,).
    start, end
        First and last bar of the focus, both inclusive, int64 arrays of shape (n_windows,).
    test
        Whether the window lies in test bars: those measure, so only the audit may ask for them. Bool array of shape
        (n_windows,).
    disagreement
        The strongest disagreement of the model and what holds in each window (0 none, 1 strong), float64 array of
        shape (n_windows,).
    labelled
        Spans of each label that a person decided so far, int64 array of shape (n_labels,).
    seen_embedding
        ``scores.embedding`` of the windows that are reviewed already, float32 array of shape (n_seen, n_features).
    seen_labels
        Which labels a person found in them, bool array of shape (n_seen, n_labels).
    marked
        Marks of TA-Lib in each window that nobody decided on, int64 array of shape (n_windows,); None where nobody
        looked them up.
    """

    scores: WindowScores
    series: IntArray
    start: IntArray
    end: IntArray
    test: BoolArray
    disagreement: FloatArray
    labelled: IntArray
    seen_embedding: SingleArray
    seen_labels: BoolArray
    marked: IntArray | None = None

    def __len__(self) -> int:
        return len(self.series)

    @property
    def n_labels(self) -> int:
        """Number of labels of the set."""
        return len(self.labelled)

    def __getitem__(self, rows: IntArray | BoolArray) -> ReviewPool:
        """Return the pool of these windows, with the same things known beside it."""
        return replace(
            self,
            scores=self.scores[rows],
            series=self.series[rows],
            start=self.start[rows],
            end=self.end[rows],
            test=self.test[rows],
            disagreement=self.disagreement[rows],
            marked=None if self.marked is None else self.marked[rows],
        )

    def places(self) -> tuple[FloatArray, FloatArray]:
        """Return where the windows of the pool and the seen ones lie, for distances between them.

        Returns
        -------
        pool, seen : float64 arrays of shape (n_windows, n_features) and (n_seen, n_features)
            The embeddings with each column scaled by its spread over both; unknown ones lie at the centre.
        """
        together = np.concatenate([self.scores.embedding, self.seen_embedding]).astype(np.float64)
        known = np.isfinite(together)
        count = np.maximum(known.sum(axis=0), 1)
        centred = np.where(known, together - np.where(known, together, 0.0).sum(axis=0) / count, 0.0)
        spread = np.sqrt((centred**2).sum(axis=0) / count)
        scaled = centred / np.where(spread > 0, spread, 1.0)
        return scaled[: len(self)], scaled[len(self) :]


def nearest(places: FloatArray, others: FloatArray) -> tuple[FloatArray, IntArray]:
    """Return the distance from each place to the nearest other one, and which that is.

    Parameters
    ----------
    places
        Float64 array of shape (n_places, n_features).
    others
        Float64 array of shape (n_others, n_features).

    Returns
    -------
    distance : float64 array of shape (n_places,)
        Infinite where there is no other place.
    which : int64 array of shape (n_places,)
        -1 where there is no other place.
    """
    distance = np.full(len(places), np.inf)
    which = np.full(len(places), -1, dtype=np.int64)
    if len(others) == 0:
        return distance, which
    square = (others**2).sum(axis=1)
    for first in range(0, len(places), 4096):
        part = places[first : first + 4096]
        found = square - 2 * (part @ others.T)
        best = found.argmin(axis=1)
        which[first : first + 4096] = best
        distance[first : first + 4096] = np.sqrt(((part - others[best]) ** 2).sum(axis=1))
    return distance, which
