"""A tiny sequence model: softmax over a window of feature rows. Shows that families which read context fit in."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from candleloop.errors import BundleRefused
from candleloop.progress import Progress, silent
from candleloop.training.families import FittedModel
from candleloop.training.families.base import (
    FeatureArray,
    FloatArray,
    IntArray,
    ProbabilityArray,
    TrainingBars,
    expand,
)

ARRAYS = ("weights", "mean", "scale", "classes")


def windows(
    read: Callable[[IntArray], FeatureArray], rows: IntArray, group: npt.NDArray[np.int32] | None, context: int
) -> npt.NDArray[np.float64]:
    """Return the rows with the context before them, oldest first, shape (n_rows, (context + 1) * n_columns)."""
    bars = rows[:, None] - np.arange(context, -1, -1)
    if (bars < 0).any() or (group is not None and (group[bars] != group[rows][:, None]).any()):
        raise ValueError("a window leaves its group")
    found = read(bars).astype(np.float64)
    found = found.reshape(len(rows), (context + 1) * found.shape[2])
    if np.isnan(found).any():
        raise ValueError("a window reaches into the warm-up")
    return np.asarray(found)


def softmax(scores: FloatArray) -> FloatArray:
    grown = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(grown / grown.sum(axis=1, keepdims=True))


@dataclass(frozen=True, eq=False)
class FittedWindowSoftmax:
    weights: FloatArray
    mean: FloatArray
    scale: FloatArray
    classes: IntArray
    n_classes: int
    context: int

    @property
    def importance(self) -> FloatArray:
        by_column = np.abs(self.weights[:-1]).sum(axis=1).reshape(self.context + 1, -1).sum(axis=0)
        return np.asarray(by_column / by_column.sum())

    def predict_probabilities(
        self, features: FeatureArray, rows: IntArray, group: npt.NDArray[np.int32] | None = None
    ) -> ProbabilityArray:
        inputs = (windows(features.__getitem__, rows, group, self.context) - self.mean) / self.scale
        return expand(softmax(inputs @ self.weights[:-1] + self.weights[-1]), self.classes, self.n_classes)

    def to_files(self) -> dict[str, bytes]:
        files = {"about.json": json.dumps({"n_classes": self.n_classes, "context": self.context}).encode()}
        for name in ARRAYS:
            buffer = io.BytesIO()
            np.save(buffer, getattr(self, name), allow_pickle=False)
            files[name] = buffer.getvalue()
        return files

    @classmethod
    def from_files(cls, files: Mapping[str, bytes], *, threads: int = 1) -> Self:  # noqa: ARG003
        try:
            arrays: dict[str, Any] = {name: np.load(io.BytesIO(files[name]), allow_pickle=False) for name in ARRAYS}
            return cls(**arrays, **json.loads(files["about.json"]))
        except (KeyError, ValueError, EOFError) as error:
            raise BundleRefused(f"The model cannot be read: {error}") from error


@dataclass(frozen=True)
class WindowSoftmaxFamily:
    context: int = 4
    steps: int = 150
    name: str = "window_softmax"

    def fit(
        self,
        bars: TrainingBars,
        validation: TrainingBars | None = None,
        *,
        seed: int,
        threads: int = 1,
        progress: Progress = silent,
    ) -> FittedWindowSoftmax:
        """Descend the gradient of the weighted cross-entropy; nothing is drawn, so the seed has no effect."""
        classes = bars.present()
        inputs = windows(bars.read, bars.rows, bars.group, self.context)
        mean, scale = inputs.mean(axis=0), np.maximum(inputs.std(axis=0), 1e-6)
        inputs = np.concatenate([(inputs - mean) / scale, np.ones((len(bars), 1))], axis=1)
        weights = np.zeros((inputs.shape[1], len(classes)))
        hot = np.searchsorted(classes, bars.target)[:, None] == np.arange(len(classes))
        share = (bars.weight / bars.weight.sum())[:, None]
        for step in range(self.steps):
            weights -= 2.0 * inputs.T @ (share * (softmax(inputs @ weights) - hot))
            progress("fit", step + 1, self.steps, "steps")
        return FittedWindowSoftmax(weights, mean, scale, classes, bars.n_classes, self.context)

    def settled(self, fitted: FittedModel) -> WindowSoftmaxFamily:
        return self
