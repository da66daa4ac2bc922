"""What a query strategy is, and what all of them share.

The promises are checked by :func:`candleloop.loop.strategies.contract.breaches`. A new strategy is added to
``candleloop.loop.strategies.STRATEGIES``, nowhere else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from candleloop.loop.pool import ReviewPool
from candleloop.loop.windows import FloatArray, IntArray, SingleArray


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a window is shown: a word for it, a sentence for people, and the figure it was chosen by, if there is one."""

    code: str
    text: str
    value: float | None = None


class Strategy(Protocol):
    """Chooses what a person should look at next; knows nothing but the pool."""

    @property
    def name(self) -> str:
        """Name in the configuration and in the API."""

    def query(self, pool: ReviewPool, k: int, rng: np.random.Generator) -> IntArray:
        """Choose windows.

        Parameters
        ----------
        pool
            What there is to choose from.
        k
            How many are wanted.
        rng
            Decides where the strategy does not; the same generator gives the same answer.

        Returns
        -------
        int64 array of shape (min(k, n_windows),)
            Different rows of the pool, the most wanted first. Windows without scores come after all others.
        """

    def explain(self, pool: ReviewPool, row: int, labels: Sequence[str]) -> Reason:
        """Say why a window was chosen.

        Parameters
        ----------
        pool
            The pool that it was chosen from.
        row
            One of the rows that ``query`` gave.
        labels
            Names of the labels of the set, in order.
        """


def ranked(score: FloatArray | SingleArray, k: int, rng: np.random.Generator) -> IntArray:
    """Return the rows with the highest scores, highest first; equal ones in a random order, NaN after all others."""
    shuffled = rng.permutation(len(score))
    order = np.argsort(np.negative(np.nan_to_num(score[shuffled], nan=-np.inf)), kind="stable")
    return np.asarray(shuffled[order[:k]], dtype=np.int64)


def spoken(label: str) -> str:
    """Return a label as words: ``bearish_harami`` is "bearish harami"."""
    return label.replace("_", " ")


def one_spoken(label: str) -> str:
    """Return one span of a label as words: "a doji", "an evening star"."""
    words = spoken(label)
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def torn_between(pool: ReviewPool, row: int, labels: Sequence[str]) -> str:
    """Return between which two classes the model hesitates most in a window, as words."""
    names = ["no pattern", *(spoken(label) for label in labels)]
    first, second = (names[int(k)] for k in pool.scores.torn_classes[row])
    return f"{first} and {second}"


def finite(value: float) -> float | None:
    """Return a figure that can be shown, None for NaN."""
    return float(value) if np.isfinite(value) else None
