"""Which bars of a series teach, which calibrate, and which only measure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from candleloop.annotations.spans import IntArray

BoolArray = npt.NDArray[np.bool_]

TEST_SHARE = 0.2
MIN_BARS_TO_TEST = 50
RANDOM_BLOCK = 20
"""Bars that stay together in a random split: long enough to hold spans whole."""


@dataclass(frozen=True, eq=False, slots=True)
class SeriesSplit:
    """Masks over the bars of one series; no bar is in two of them, purged bars are in none.

    Parameters
    ----------
    fit
        Bars whose samples the model learns from, bool array of shape (n_bars,).
    calibration
        Later bars that early stopping, calibration and thresholds use, bool array of shape (n_bars,).
    test
        The frozen test bars, bool array of shape (n_bars,).
    """

    fit: BoolArray
    calibration: BoolArray
    test: BoolArray

    @property
    def teaching(self) -> BoolArray:
        """Fit and calibration bars together: what the last refit may use."""
        return self.fit | self.calibration


def last_share(time: IntArray | Sequence[int], share: float = TEST_SHARE) -> tuple[int, int] | None:
    """Return the times of the first and last bar of the latest share of a series: its test bars at import.

    Parameters
    ----------
    time
        Bar-open times, int64 array of shape (n_bars,), microseconds UTC, ascending.
    share
        Share of the bars, rounded down to whole bars.

    Returns
    -------
    tuple of two int, or None
        Bar-open times, both inclusive. None below 50 bars: so few test bars measure nothing, and the series is better
        used to learn from.

    Raises
    ------
    ValueError
        When the share is not between 0 and 1.
    """
    if not 0 < share < 1:
        raise ValueError(f"a share of {share} is not between 0 and 1")
    n_bars = len(time)
    count = int(n_bars * share)
    if n_bars < MIN_BARS_TO_TEST or count == 0:
        return None
    return int(time[n_bars - count]), int(time[-1])


def split_series(
    time: IntArray,
    *,
    test_start_time: int | None,
    test_end_time: int | None,
    reach_back: int,
    reach_ahead: int,
    embargo: int,
    calibration_share: float,
) -> SeriesSplit:
    """Divide the bars of a series into fit, calibration and test bars.

    Parameters
    ----------
    time
        Bar-open times, int64 array of shape (n_bars,), microseconds UTC, ascending.
    test_start_time, test_end_time
        Bar-open times between which bars are test bars, both inclusive; None when the series has no test bars.
    reach_back
        Bars before *t* that the sample of bar *t* reads: the longer of look-back (warm-up) and longest span minus one.
    reach_ahead
        Bars after *t* that the sample of bar *t* reads: the right context.
    embargo
        Further bars kept free on both sides.
    calibration_share
        Share of the teaching bars before the test bars that become the calibration slice, rounded down.

    Returns
    -------
    SeriesSplit
        Bars before and after the test bars teach. The calibration slice is the latest part of the teaching bars before
        the test bars; where there are none before (or no test bars at all), the latest part of all teaching bars.

    Raises
    ------
    ValueError
        When a reach or the embargo is negative, the share is not between 0 and 1, or only one of the test times is
        given.

    Notes
    -----
    Small series: when cutting the calibration slice out would leave fewer fit bars than calibration bars, there is no
    slice and all teaching bars fit. When the test bars with their margins leave nothing, all masks but ``test`` are
    empty.

    .. topic:: Why bars beside the test bars are left out

        ::

            bars        ......................................................
            samples of  |fffffffffff|.......|ccccccc|.......|TTTTTTTT|.......|fffff|
                                    |purge + |       |purge + |        |purge + |
                                    |embargo |       |embargo |        |embargo |

        The sample of bar *t* is not one bar: its features look back ``reach_back`` bars, its label may need
        ``reach_ahead`` bars after it. A sample beside the test bars therefore holds candles of the test bars, and a
        model that learned from it has seen part of the examination (look-ahead). *Purging* leaves out every bar whose
        interval [t - reach_back, t + reach_ahead] touches a test bar; the *embargo* leaves out some more, because
        volatility and trend persist. The same is done between fit and calibration bars, so that early stopping,
        calibration and thresholds are not flattered either. Test samples may look back at teaching bars: at the time
        of a real prediction that past is known.

    References
    ----------
    M. López de Prado, "Advances in Financial Machine Learning", 2018, chapter 7 (purging and embargo).
    """
    if min(reach_back, reach_ahead, embargo) < 0:
        raise ValueError("reach_back, reach_ahead and embargo cannot be negative")
    if not 0 < calibration_share < 1:
        raise ValueError(f"a calibration share of {calibration_share} is not between 0 and 1")
    if (test_start_time is None) != (test_end_time is None):
        raise ValueError("only one of the two test times is given")

    n_bars = len(time)
    bar = np.arange(n_bars)
    test = np.zeros(n_bars, dtype=np.bool_)
    if test_start_time is not None and test_end_time is not None:
        test = (time >= test_start_time) & (time <= test_end_time)
    teaching = ~near(test, reach_back=reach_back, reach_ahead=reach_ahead, embargo=embargo)
    before = teaching & (bar < test.argmax()) if test.any() else teaching
    pool = np.flatnonzero(before if before.any() else teaching)
    calibration = np.zeros(n_bars, dtype=np.bool_)
    count = int(len(pool) * calibration_share)
    calibration[pool[len(pool) - count :]] = True
    fit = teaching & ~near(calibration, reach_back=reach_back, reach_ahead=reach_ahead, embargo=embargo)
    if fit.sum() < calibration.sum():
        fit, calibration = teaching, np.zeros(n_bars, dtype=np.bool_)
    return SeriesSplit(fit=fit, calibration=calibration, test=test)


def last_instant(times: Sequence[IntArray], share: float = TEST_SHARE) -> int:
    """Return the time from which on the latest share of the bars of all series together lies.

    Parameters
    ----------
    times
        Bar-open times of each series, int64 arrays, microseconds UTC, ascending.
    share
        Largest share of all bars that may lie at or after the instant.

    Raises
    ------
    ValueError
        When there are no bars, or so few instants that none can be cut off.
    """
    together = np.sort(np.concatenate([np.empty(0, dtype=np.int64), *times]))
    count = int(len(together) * share)
    later = together[together > together[len(together) - count - 1]] if count else together[:0]
    if len(later) == 0:
        raise ValueError("there are too few bars to cut all series at one instant")
    return int(later[0])


def random_split(
    n_bars: int, *, calibration_share: float, seed: int, share: float = TEST_SHARE, block: int = RANDOM_BLOCK
) -> SeriesSplit:
    """Divide the bars of a series at random, in short runs: a diagnosis of leakage and nothing else.

    The test bars lie between bars that teach, nothing is purged. How much better a model seems here than on later bars
    is what it knows from the neighbourhood.
    """
    rng = np.random.default_rng(seed)
    drawn = rng.random(-(-n_bars // block)).repeat(block)[:n_bars]
    test = drawn < share
    calibration = ~test & (drawn < share + (1 - share) * calibration_share)
    return SeriesSplit(fit=~test & ~calibration, calibration=calibration, test=test)


def near(bars: BoolArray, *, reach_back: int, reach_ahead: int, embargo: int = 0) -> BoolArray:
    """Return the bars whose sample interval, with the embargo on both sides, touches one of the given bars.

    Parameters
    ----------
    bars
        The bars that are asked about, bool array of shape (n_bars,).
    reach_back, reach_ahead, embargo
        As in :func:`split_series`.
    """
    n_bars = len(bars)
    so_far = np.concatenate([[0], np.cumsum(bars)])
    bar = np.arange(n_bars)
    first = np.maximum(bar - reach_back - embargo, 0)
    stop = np.minimum(bar + reach_ahead + embargo + 1, n_bars)
    return np.asarray(so_far[stop] > so_far[first], dtype=np.bool_)
