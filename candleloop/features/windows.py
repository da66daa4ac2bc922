"""Sums, extremes and variances over a fixed number of bars, equal to the last bit wherever a series is cut.

Running totals (add the new bar, subtract the old one) carry rounding errors along the whole series: after a flat
stretch they leave dirt where zero belongs, and the same bar gets other digits when the series starts elsewhere. Here
every window is put together from windows half as long, always in the same order, so a value depends on the bars of its
window alone and costs about log2(period) array operations.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Columns = tuple[FloatArray, ...]
Join = Callable[[Columns, int, Columns, int], Columns]


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
    return _full(_windows((values,), period, _each(np.add))[0], values)


def rolling_mean(values: FloatArray, period: int) -> FloatArray:
    """Return the mean of the last ``period`` bars; see :func:`rolling_sum`."""
    return rolling_sum(values, period) / period


def rolling_max(values: FloatArray, period: int) -> FloatArray:
    """Return the largest of the last ``period`` bars; see :func:`rolling_sum`."""
    return _full(_windows((values,), period, _each(np.maximum))[0], values)


def rolling_min(values: FloatArray, period: int) -> FloatArray:
    """Return the smallest of the last ``period`` bars; see :func:`rolling_sum`."""
    return _full(_windows((values,), period, _each(np.minimum))[0], values)


def rolling_variance(values: FloatArray, period: int) -> FloatArray:
    """Return the population variance of the last ``period`` bars; see :func:`rolling_sum`.

    Notes
    -----
    Two neighbouring windows are joined by their sums and their sums of squared deviations (Chan, Golub and LeVeque,
    "Algorithms for computing the sample variance", 1983), so nothing cancels where prices are large and steps are
    small; TA-Lib's STDDEV subtracts squared prices.
    """
    squares = _windows((values, np.zeros_like(values)), period, _join_squares)[1]
    return _full(squares, values) / period


def _windows(block: Columns, period: int, join: Join) -> Columns:
    """Return the statistic of each whole window: element j is about bars j .. j + period - 1."""
    whole: Columns | None = None
    covered, size = 0, 1
    while True:
        if period & size:
            whole = block if whole is None else join(whole, covered, block, size)
            covered += size
        if covered == period:
            assert whole is not None
            return whole
        block = join(block, size, block, size)
        size *= 2


def _pairs(first: FloatArray, bars: int, second: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Line up each window of ``first`` (``bars`` long) with the window of ``second`` that begins right after it."""
    later = second[..., bars:]
    return first[..., : later.shape[-1]], later[..., : first.shape[-1]]


def _each(combine: Callable[[FloatArray, FloatArray], FloatArray]) -> Join:
    def join(first: Columns, bars: int, second: Columns, _: int) -> Columns:
        return (combine(*_pairs(first[0], bars, second[0])),)

    return join


def _join_squares(first: Columns, bars: int, second: Columns, more: int) -> Columns:
    sum_a, sum_b = _pairs(first[0], bars, second[0])
    squares_a, squares_b = _pairs(first[1], bars, second[1])
    apart = sum_a * (more / bars) - sum_b
    return sum_a + sum_b, squares_a + squares_b + apart * apart * (bars / (more * (bars + more)))


def _full(windows: FloatArray, values: FloatArray) -> FloatArray:
    out = np.full(values.shape, np.nan)
    if windows.shape[-1]:
        out[..., values.shape[-1] - windows.shape[-1] :] = windows
    return out
