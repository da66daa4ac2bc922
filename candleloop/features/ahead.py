"""Features of bars ahead beside a bar's own, for encodings that decide with a right context."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FeatureArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]


def with_bars_ahead(features: FeatureArray, segment_starts: IntArray, offsets: tuple[int, ...]) -> FeatureArray:
    """Put the features of later bars beside those of each bar.

    Parameters
    ----------
    features
        float32 array of shape (n_bars, n_features).
    segment_starts
        First bar of each segment, ascending.
    offsets
        How many bars ahead, ascending, 0 first.

    Returns
    -------
    ndarray of shape (n_bars, n_features * len(offsets)), float32, C-contiguous
        First the features of the bar itself. Where a segment ends sooner its last bar stands in, so that bars at the
        edge have an answer, if a less certain one. ``features`` itself when only the bar itself is asked for.
    """
    if offsets == (0,):
        return features
    n_bars, n_features = features.shape
    bar = np.arange(n_bars)
    last = np.append(segment_starts[1:], n_bars)[np.searchsorted(segment_starts, bar, side="right") - 1] - 1
    wide = np.empty((n_bars, n_features * len(offsets)), dtype=np.float32)
    for place, offset in enumerate(offsets):
        wide[:, place * n_features : (place + 1) * n_features] = features[np.minimum(bar + offset, last)]
    return wide
