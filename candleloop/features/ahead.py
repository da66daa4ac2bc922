"""Features of bars ahead beside a bar's own, for encodings that decide with a right context."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FeatureArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]


def with_bars_ahead(
    features: FeatureArray, group: npt.NDArray[np.int32], offsets: tuple[int, ...], bars: IntArray | None = None
) -> FeatureArray:
    """Put the features of later bars beside those of each bar.

    Parameters
    ----------
    features
        float32 array of shape (n_bars, n_features).
    group
        Segment of each bar, ascending, shape (n_bars,).
    offsets
        How many bars ahead, ascending, 0 first.
    bars
        The bars asked for, an array of any shape; all when None.

    Returns
    -------
    ndarray of shape (*bars.shape, n_features * len(offsets)), float32, C-contiguous
        First the features of the bar itself. Where a segment ends sooner its last bar stands in, so that bars at the
        edge have an answer, if a less certain one. ``features`` itself when all bars and nothing ahead is asked for.
    """
    if offsets == (0,):
        return features if bars is None else features[bars]
    n_bars, n_features = features.shape
    if bars is None:
        bars = np.arange(n_bars)
    last = np.searchsorted(group, group[bars], side="right") - 1
    wide = np.empty((*bars.shape, n_features * len(offsets)), dtype=np.float32)
    for place, offset in enumerate(offsets):
        wide[..., place * n_features : (place + 1) * n_features] = features[np.minimum(bars + offset, last)]
    return wide
