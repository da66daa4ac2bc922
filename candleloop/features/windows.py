"""Sums and variances over a fixed number of bars, equal to the last bit wherever a series is cut.

Running totals (add the new bar, subtract the old one) carry rounding errors along the whole series: after a flat
stretch they leave dirt where zero belongs, and the same bar gets other digits when the series starts elsewhere. Here
every window is put together from windows half as long, always in the same order, so a value depends on the bars of its
window alone and costs about log2(period) array operations. (Extremes round nothing: TA-Lib's MAX and MIN do.)
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

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
    Windows are put together from halves as sums are, by the update of Chan, Golub and LeVeque ("Updating Formulae and a
    Pairwise Algorithm for Computing Sample Variances", 1979): nothing cancels where prices are large and steps are
    small, and a flat window has exactly 0. TA-Lib's STDDEV subtracts squared prices.
    """
    out = np.full(values.shape, np.nan)
    if len(values) < period:
        return out
    mean, squares, size = values, np.zeros_like(values), 1
    whole: tuple[FloatArray, FloatArray, int] | None = None
    while True:
        if period & size:
            whole = (mean, squares, size) if whole is None else _merge(*whole, mean, squares, size)
        if 2 * size > period:
            break
        mean, squares, size = _merge(mean, squares, size, mean, squares, size)
    out[period - 1 :] = whole[1] / period  # type: ignore[index]
    return out


def _merge(
    mean: FloatArray, squares: FloatArray, size: int, next_mean: FloatArray, next_squares: FloatArray, next_size: int
) -> tuple[FloatArray, FloatArray, int]:
    """Join windows with those that begin right after them: their mean and squared deviations from it."""
    both = size + next_size
    apart = next_mean[size:] - mean[: len(next_mean) - size]
    joined = squares[: len(apart)] + next_squares[size:]
    joined += apart * apart * (size * next_size / both)
    apart *= next_size / both
    apart += mean[: len(apart)]
    return apart, joined, both


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
