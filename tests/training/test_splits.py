from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from candleloop.training.splits import SeriesSplit, last_share, split_series
from tests.support.annotations import bar_times


def split(
    n_bars: int,
    test: tuple[int, int] | None,
    *,
    reach_back: int = 5,
    reach_ahead: int = 2,
    embargo: int = 3,
    calibration_share: float = 0.2,
) -> SeriesSplit:
    time = bar_times(n_bars)
    return split_series(
        time,
        test_start_time=None if test is None else int(time[test[0]]),
        test_end_time=None if test is None else int(time[test[1]]),
        reach_back=reach_back,
        reach_ahead=reach_ahead,
        embargo=embargo,
        calibration_share=calibration_share,
    )


def bars(mask: np.ndarray) -> list[int]:
    return np.flatnonzero(mask).tolist()


def test_teaching_bars_keep_their_distance_from_the_test_bars_on_both_sides() -> None:
    found = split(200, (100, 139))
    assert bars(found.test) == list(range(100, 140))
    # 95 bars (0 to 94) lie before the test bars with right context and embargo; the latest fifth of them calibrates.
    assert bars(found.calibration) == list(range(76, 95))
    assert bars(found.fit) == [*range(71), *range(148, 200)]


def test_the_latest_bars_are_test_bars_and_nothing_comes_after() -> None:
    found = split(100, (80, 99), reach_back=0, reach_ahead=0, embargo=0)
    assert bars(found.test) == list(range(80, 100))
    assert bars(found.calibration) == list(range(64, 80))
    assert bars(found.fit) == list(range(64))


def test_bars_appended_later_teach() -> None:
    before, after = split(100, (80, 99)), split(150, (80, 99))
    assert not before.fit[80:].any()
    assert bars(after.fit)[-1] == 149
    assert bars(after.calibration) == bars(before.calibration)


def test_without_test_bars_the_latest_bars_calibrate() -> None:
    found = split(100, None)
    assert not found.test.any()
    assert bars(found.calibration) == list(range(80, 100))
    assert bars(found.fit) == list(range(75))


def test_where_nothing_comes_before_the_test_bars_the_latest_teaching_bars_calibrate() -> None:
    found = split(100, (0, 39), reach_ahead=0)
    assert bars(found.calibration)[-1] == 99
    assert bars(found.fit)[0] == 48


def test_a_series_too_small_for_a_calibration_slice_fits_on_all_teaching_bars() -> None:
    found = split(30, (24, 29), reach_back=2, reach_ahead=0, embargo=9, calibration_share=0.5)
    assert not found.calibration.any()
    assert bars(found.fit) == list(range(15))
    assert bars(found.teaching) == list(range(15))


def test_a_series_that_is_all_test_bars_teaches_nothing() -> None:
    found = split(30, (0, 29))
    assert not found.teaching.any()
    assert split(0, None).test.shape == (0,)


@given(
    st.integers(1, 300),
    st.one_of(st.none(), st.tuples(st.integers(0, 299), st.integers(0, 299))),
    st.integers(0, 80),
    st.integers(0, 20),
    st.integers(0, 30),
    st.floats(0.01, 0.9),
)
def test_no_teaching_sample_touches_a_test_bar_and_no_fit_sample_a_calibration_bar(
    n_bars: int,
    edges: tuple[int, int] | None,
    reach_back: int,
    reach_ahead: int,
    embargo: int,
    share: float,
) -> None:
    test = None if edges is None else (min(*edges) % n_bars, max(min(*edges) % n_bars, max(*edges) % n_bars))
    found = split(
        n_bars, test, reach_back=reach_back, reach_ahead=reach_ahead, embargo=embargo, calibration_share=share
    )
    assert not (found.fit & found.calibration).any()
    assert bars(found.test) == ([] if test is None else list(range(test[0], test[1] + 1)))
    for teaching, kept_free in ((found.teaching, found.test), (found.fit, found.calibration)):
        for bar in bars(teaching):
            touched = slice(max(bar - reach_back - embargo, 0), bar + reach_ahead + embargo + 1)
            assert not kept_free[touched].any()
    # Purging takes no more than it must.
    near_test = {t + d for t in bars(found.test) for d in range(-reach_ahead - embargo, reach_back + embargo + 1)}
    near_calibration = {
        t + d for t in bars(found.calibration) for d in range(-reach_ahead - embargo, reach_back + embargo + 1)
    }
    assert set(range(n_bars)) - near_test - near_calibration <= set(bars(found.fit))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"reach_back": -1}, "negative"),
        ({"embargo": -1}, "negative"),
        ({"calibration_share": 1.0}, "share"),
        ({"test_end_time": None}, "only one"),
    ],
)
def test_a_split_that_makes_no_sense_is_refused(changes: dict[str, object], message: str) -> None:
    arguments = {
        "test_start_time": 0,
        "test_end_time": 1,
        "reach_back": 1,
        "reach_ahead": 0,
        "embargo": 0,
        "calibration_share": 0.2,
    }
    with pytest.raises(ValueError, match=message):
        split_series(bar_times(10), **(arguments | changes))  # type: ignore[arg-type]


def test_the_last_fifth_of_a_series_is_frozen() -> None:
    time = bar_times(104)
    assert last_share(time) == (int(time[84]), int(time[103]))
    assert last_share(time, 0.5) == (int(time[52]), int(time[103]))


def test_a_series_below_fifty_bars_has_no_test_bars() -> None:
    assert last_share(bar_times(49)) is None
    assert last_share(bar_times(50)) is not None
    assert last_share(bar_times(50), 0.001) is None


def test_a_share_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="share"):
        last_share(bar_times(100), 1.0)
