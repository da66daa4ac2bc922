"""Windowed sums, means and variances against the plain definition."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from candleloop.features import windows
from candleloop.features.bars import FloatArray

Rolling = Callable[[FloatArray, int], FloatArray]
Plain = Callable[[FloatArray], float]

CASES: list[tuple[Rolling, Plain]] = [
    (windows.rolling_sum, np.sum),
    (windows.rolling_mean, np.mean),
    (windows.rolling_variance, np.var),
]


@pytest.mark.parametrize(("rolling", "plain"), CASES, ids=lambda case: case.__name__)
@given(data=st.data(), n_bars=st.integers(1, 70), period=st.integers(1, 45))
@settings(max_examples=40, deadline=None)
def test_each_value_is_that_of_its_own_window(
    rolling: Rolling, plain: Plain, data: st.DataObject, n_bars: int, period: int
) -> None:
    values = np.array(data.draw(st.lists(st.floats(-1e6, 1e6), min_size=n_bars, max_size=n_bars)))
    found = rolling(values, period)
    assert np.isnan(found[: period - 1]).all()
    for bar in range(period - 1, n_bars):
        window = values[bar - period + 1 : bar + 1]
        assert found[bar] == pytest.approx(plain(window), rel=1e-9, abs=1e-9 * max(1.0, np.abs(window).max() ** 2))


@pytest.mark.parametrize(("rolling", "plain"), CASES, ids=lambda case: case.__name__)
@pytest.mark.parametrize("period", [2, 3, 10, 14, 20, 40])
def test_a_value_has_the_same_bits_wherever_the_series_starts(rolling: Rolling, plain: Plain, period: int) -> None:
    values = 1e5 + np.random.default_rng(period).normal(size=500).cumsum()
    whole = rolling(values, period)
    for start in (1, 7, 133):
        cut = rolling(values[start:], period)
        assert np.array_equal(cut[period - 1 :], whole[start + period - 1 :])


def test_rows_are_rolled_one_by_one() -> None:
    rows = np.arange(12.0).reshape(2, 6)
    assert np.array_equal(windows.rolling_sum(rows, 3)[1, 2:], windows.rolling_sum(rows[1], 3)[2:])


@pytest.mark.parametrize("period", [10, 20])
def test_the_variance_of_a_flat_window_is_zero_after_large_moves(period: int) -> None:
    values = np.concatenate([np.geomspace(1, 1e9, 50), np.full(40, 0.1)])
    assert (windows.rolling_variance(values, period)[-10:] == 0).all()


def test_small_steps_on_a_large_price_keep_their_variance() -> None:
    values = 1e9 + np.tile([0.0, 1e-3], 20)
    assert windows.rolling_variance(values, 20)[-1] == pytest.approx(2.5e-7, rel=1e-3)


def test_several_periods_at_once_are_those_one_by_one() -> None:
    values = np.random.default_rng(3).normal(size=(2, 100))
    for period, sums in zip((7, 10, 40), windows.rolling_sums(values, (7, 10, 40)), strict=True):
        assert np.array_equal(sums, windows.rolling_sum(values, period), equal_nan=True)
        assert np.isnan(sums[:, period - 2]).all()
        assert sums[1, 99] == pytest.approx(values[1, 100 - period :].sum())
