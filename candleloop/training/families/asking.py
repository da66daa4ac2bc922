"""Asking a fitted model about many bars in memory that does not grow with them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from candleloop.features.ahead import with_bars_ahead
from candleloop.training.families.base import FeatureArray, FittedModel, IntArray, ProbabilityArray

CHUNK = 16_384
"""Bars that a model is asked about at once; only of so many are the features of bars ahead held beside their own."""


def ask(
    model: FittedModel,
    features: FeatureArray,
    rows: IntArray,
    group: npt.NDArray[np.int32],
    *,
    offsets: tuple[int, ...],
    n_classes: int,
) -> ProbabilityArray:
    """Ask chunk by chunk, each with the bars before and after it that the model reads.

    Parameters
    ----------
    model
        The model.
    features
        The features of each bar by itself, float32 array of shape (n_bars, n_features).
    rows
        The bars asked for, ascending, int64 array of shape (n_rows,).
    group
        Segment of each bar, ascending, shape (n_bars,).
    offsets
        How many bars ahead the model sees the features of, ascending, 0 first.
    n_classes
        Number of classes of the label set including the background.

    Returns
    -------
    ndarray of shape (n_rows, n_classes)
        See :meth:`FittedModel.predict_probabilities`.
    """
    n_bars = len(features)
    probabilities = np.empty((len(rows), n_classes), dtype=np.float32)
    for chunk in range(0, n_bars, CHUNK):
        first, stop = np.searchsorted(rows, (chunk, chunk + CHUNK))
        if first == stop:
            continue
        low = max(chunk - model.context, 0)
        high = min(chunk + CHUNK + offsets[-1], n_bars)
        own = group[low:high]
        read = with_bars_ahead(features[low:high], own, offsets)
        probabilities[first:stop] = model.predict_probabilities(read, rows[first:stop] - low, own)
    return probabilities
