"""Sums and variances over a fixed number of bars, equal to the last bit wherever a series is cut.

Running totals (add the new bar, subtract the old one) carry rounding errors along the whole series: after a flat
stretch they leave dirt where zero belongs, and the same bar gets other digits when the series starts elsewhere. Here
every window is put together from windows half as long, always in the same order, so a value depends on the bars of its
window alone and costs about log2(period) array operations. (Extremes round nothing: TA-Lib's MAX and MIN do.)
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

FloatArray = npt.NDArray[np.float64]


def rolling_sum(values: FloatArray, period: int) -> FloatArray:
    """Return the sum of the last ``period`` bars, the current one included.

    Parameters
    ----------
    values
        Float64 array of shape (..., n_bars); the last axis runs over bars.
    period
        Bars in the window, at least 1.

    Returns
    -------
    ndarray of the shape of ``values``
        NaN in the first ``period - 1`` bars.
    """
    return rolling_sums(values, (period,))[0]


def rolling_sums(values: FloatArray, periods: tuple[int, ...]) -> list[FloatArray]:
    """Return :func:`rolling_sum` for each of ascending ``periods``; the halves they have in common are added once."""
    n_bars = values.shape[-1]
    found = [np.full(values.shape, np.nan) for _ in periods]
    for windows, out in zip(_windows(values, periods), found, strict=True):
        first = n_bars - windows.shape[-1]
        out[..., first:] = windows
    return found


def rolling_mean(values: FloatArray, period: int) -> FloatArray:
    """Return the mean of the last ``period`` bars; see :func:`rolling_sum`."""
    return rolling_sum(values, period) / period


def rolling_variance(values: FloatArray, period: int) -> FloatArray:
    """Return the population variance of the last ``period`` bars; ``values`` has shape (n_bars,).

    Notes
    -----
    Deviations are taken from the last value of each window, so nothing cancels where prices are large and steps are
    small, and a flat window has exactly 0; TA-Lib's STDDEV subtracts squared prices.
    """
    out = np.full(values.shape, np.nan)
    if len(values) >= period:
        # One row for each place in the window, so that numpy adds row by row, in the same order for every bar.
        apart = sliding_window_view(values, period).T - values[period - 1 :]
        total = apart.sum(axis=0)
        apart *= apart
        out[period - 1 :] = np.maximum(apart.sum(axis=0) - total * total / period, 0.0) / period
    return out


def _windows(block: FloatArray, periods: tuple[int, ...]) -> list[FloatArray]:
    """Return the sums of whole windows by period: element j is about bars j .. j + period - 1."""
    whole: list[FloatArray | None] = [None] * len(periods)
    size = 1
    while True:
        for place, period in enumerate(periods):
            if period & size:
                begun = whole[place]
                whole[place] = block if begun is None else _join(begun, period & (size - 1), block)
        if 2 * size > periods[-1]:
            return [windows for windows in whole if windows is not None]
        block = _join(block, size, block)
        size *= 2


def _join(first: FloatArray, bars: int, second: FloatArray) -> FloatArray:
    """Add to each window of ``first`` (``bars`` long) the window of ``second`` that begins right after it."""
    later = second[..., bars:]
    return first[..., : later.shape[-1]] + later
