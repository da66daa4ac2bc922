"""What a model family is given, what it gives back, and what all of them promise.

The promises are checked by :func:`candleloop.training.families.contract.breaches`. A new family is added to
``candleloop.training.families.FAMILIES`` and to the choices of the configuration, nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

from candleloop.errors import TooFewLabels
from candleloop.features.ahead import with_bars_ahead
from candleloop.progress import Progress, silent

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
FeatureArray = npt.NDArray[np.float32]
ProbabilityArray = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False, slots=True)
class TrainingBars:
    """Bars of one or more series with their features, and the samples among them that teach.

    All bars are handed over, not only those that teach, so that a family that reads windows of bars finds the context
    of every sample: as many bars before it as the family's ``context`` says lie in the same group and have features. A
    flat family looks at ``read(rows)`` alone.

    Parameters
    ----------
    features
        float32 array of shape (n_bars, n_features), bars of one group after another in ascending time; NaN in bars
        that are still warming up, never in a bar that teaches. What a model learns from is what :meth:`read` gives: the
        features of bars ahead are put beside these only where they are asked for, as all of them take many times the
        memory.
    group
        Segment of each bar, ascending, int32 array of shape (n_bars,). A window of bars never crosses from one to the
        next.
    rows
        The bar of each sample, int64 array of shape (n_samples,). A bar may appear more than once: a rejection is
        one sample for each class that the bar may still be.
    target
        The class of each sample, 0 is the background, int16 array of shape (n_samples,).
    weight
        The weight of each sample, positive, float64 array of shape (n_samples,).
    n_classes
        Number of classes of the label set including the background, whatever is present here.
    offsets
        How many bars ahead a model sees the features of, ascending, 0 first.
    """

    features: FeatureArray
    group: npt.NDArray[np.int32]
    rows: IntArray
    target: npt.NDArray[np.int16]
    weight: FloatArray
    n_classes: int
    offsets: tuple[int, ...] = (0,)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def n_columns(self) -> int:
        """Number of columns that a model sees at a bar."""
        return int(self.features.shape[1]) * len(self.offsets)

    def read(self, bars: IntArray) -> FeatureArray:
        """Return what a model sees at some bars.

        Parameters
        ----------
        bars
            The bars asked for, int64 array of any shape.

        Returns
        -------
        ndarray of shape (*bars.shape, n_columns), float32, C-contiguous
        """
        return with_bars_ahead(self.features, self.group, self.offsets, bars)

    def present(self) -> IntArray:
        """Return the classes that occur among the samples, ascending.

        Raises
        ------
        TooFewLabels
            When there are fewer than two: nothing to tell apart.
        """
        classes = np.unique(self.target).astype(np.int64)
        if len(classes) < 2:
            counts = {str(k): int((self.target == k).sum()) for k in classes.tolist()}
            what = f"class {classes[0]} only" if len(classes) else "no sample at all"
            raise TooFewLabels(f"A model needs samples of two classes; there is {what}.", counts=counts)
        return classes

    def of_classes(self, classes: IntArray) -> TrainingBars:
        """Return the same bars with the samples of other classes left out."""
        keep = np.isin(self.target, classes)
        return replace(self, rows=self.rows[keep], target=self.target[keep], weight=self.weight[keep])


class FittedModel(Protocol):
    """A model that has been fitted; safe to call from several threads at once."""

    @property
    def context(self) -> int:
        """Bars before a row that the prediction for it reads; the ``context`` of the family."""

    @property
    def importance(self) -> FloatArray:
        """How much of what it learned each column carries, shape (n_columns,), adding up to 1 (or 0: learned nothing).

        Every family has its own measure; only columns of one model can be compared.
        """

    def predict_probabilities(
        self, features: FeatureArray, rows: IntArray, group: npt.NDArray[np.int32] | None = None
    ) -> ProbabilityArray:
        """Return the probability of each class at some bars.

        Parameters
        ----------
        features
            float32 array of shape (n_bars, n_columns), C-contiguous: what :meth:`TrainingBars.read` gives.
        rows
            The bars asked for, int64 array of shape (n_rows,): none of them warming up, with the whole context before
            them in the same group. What lies further back, after them or in other groups has no influence.
        group
            Segment of each bar, shape (n_bars,); one segment when None.

        Returns
        -------
        ndarray of shape (n_rows, n_classes)
            float32, each row sums to 1; exactly 0 for a class that was not there to learn from.
        """

    def to_files(self) -> dict[str, bytes]:
        """Return the model as named byte strings: plain data, the same bytes for the same model, no pickle."""

    @classmethod
    def from_files(cls, files: Mapping[str, bytes], *, threads: int = 1) -> Self:
        """Rebuild a model from what :meth:`to_files` gave.

        Raises
        ------
        BundleRefused
            When a file is missing or is not what this family writes.
        """


class ModelFamily(Protocol):
    """A way to learn, with its parameters."""

    @property
    def name(self) -> str:
        """The name under which the configuration and the bundle know the family."""

    @property
    def context(self) -> int:
        """Bars before a sample that the family itself reads, beyond the look-back of the features (0 when flat)."""

    def fit(
        self,
        bars: TrainingBars,
        validation: TrainingBars | None = None,
        *,
        seed: int,
        threads: int = 1,
        progress: Progress = silent,
    ) -> FittedModel:
        """Learn from ``bars``; the same input, seed and number of threads give the same bytes.

        Parameters
        ----------
        bars
            What teaches.
        validation
            Later bars on which the family may choose how long to learn; it never learns from them.
        seed
            Seed of everything random.
        threads
            Most threads to use.
        progress
            Told after each round or tree.

        Raises
        ------
        TooFewLabels
            With fewer than two classes in ``bars``.
        """

    def settled(self, fitted: FittedModel) -> ModelFamily:
        """Return the family with what ``validation`` chose now fixed, for a fit on all bars without validation."""


def expand(probabilities: npt.NDArray[np.floating], classes: IntArray, n_classes: int) -> ProbabilityArray:
    """Put the columns of the classes that were learned back in their places among all classes.

    Parameters
    ----------
    probabilities
        Shape (n_rows, n_present).
    classes
        The class of each column, ascending, shape (n_present,).
    n_classes
        Number of classes of the label set including the background.

    Returns
    -------
    ndarray of shape (n_rows, n_classes)
        float32 with 0 in the columns of absent classes.
    """
    if len(classes) == n_classes:
        return np.asarray(probabilities, dtype=np.float32)
    expanded = np.zeros((len(probabilities), n_classes), dtype=np.float32)
    expanded[:, classes] = probabilities
    return expanded
