from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from candleloop.candles.frame import MICROSECONDS, IntArray
from candleloop.candles.segments import (
    DAY,
    Rhythm,
    Session,
    bar_interval,
    default_max_gap,
    segment_slices,
    segment_starts,
    segment_starts_of,
    session_of,
)
from tests.support.candles import random_candles

MONDAY = 1_704_067_200 * MICROSECONDS
HOUR = 3_600 * MICROSECONDS


def every(step: int, n: int) -> IntArray:
    return MONDAY + step * np.arange(n, dtype=np.int64)


def weekdays(time: IntArray) -> IntArray:
    return time[(time // DAY + 3) % 7 < 5]


def in_hours(time: IntArray, first: int, last: int) -> IntArray:
    hour = time // HOUR % 24
    return time[(hour >= first) & (hour < last)]


@pytest.mark.parametrize(
    ("time", "session"),
    [
        (every(HOUR, 500), Session.CONTINUOUS),
        (every(DAY, 100), Session.CONTINUOUS),
        (weekdays(every(DAY, 100)), Session.DAILY),
        (every(7 * DAY, 100), Session.DAILY),
        (weekdays(every(HOUR, 1000)), Session.INTRADAY),
        (in_hours(weekdays(every(HOUR // 2, 2000)), 14, 21), Session.INTRADAY),
        (weekdays(every(4 * HOUR, 3000)), Session.INTRADAY),
        (every(MICROSECONDS * 60, 10), Session.INTRADAY),
    ],
)
def test_the_session_shows_in_the_times(time: IntArray, session: Session) -> None:
    assert session_of(time) is session


def test_the_longest_step_inside_a_segment_goes_by_session() -> None:
    assert default_max_gap(every(HOUR, 500)) == 60 * HOUR
    assert default_max_gap(weekdays(every(HOUR, 1000))) == 4 * DAY
    assert default_max_gap(weekdays(every(DAY, 100))) == 10 * DAY
    assert default_max_gap(every(30 * DAY, 50)) == 60 * DAY


def test_weekends_and_missing_bars_do_not_cut_but_long_holes_do() -> None:
    assert len(segment_starts(weekdays(every(HOUR, 1000)))) == 1
    time = every(HOUR, 500)
    assert segment_starts(np.delete(time, slice(100, 150))).tolist() == [0]
    assert segment_starts(np.delete(time, slice(100, 170))).tolist() == [0, 100]


def test_months_of_a_monthly_series_hold_together() -> None:
    months = np.arange("2020-01", "2024-01", dtype="datetime64[M]").astype("datetime64[us]").astype(np.int64)
    assert segment_starts(months).tolist() == [0]


def test_few_bars_have_no_interval_and_one_segment_at_most() -> None:
    assert bar_interval(every(HOUR, 1)) == 0
    assert segment_starts(every(HOUR, 0)).tolist() == []
    assert segment_starts(every(HOUR, 1)).tolist() == [0]


@pytest.mark.parametrize(
    ("counts", "usual"),
    [
        ({HOUR: 1000, 2 * HOUR: 1500}, 2),
        ({2 * HOUR: 1200, HOUR: 1000, 3 * HOUR: 800}, 2),
        ({3 * HOUR: 2000, HOUR: 2000}, 1),
    ],
    ids=["the_beginning_misleads", "none_is_half_of_all", "as_many_of_two"],
)
def test_the_usual_step_is_the_most_frequent_of_all_steps(counts: dict[int, int], usual: int):
    steps = np.repeat(np.array(list(counts)), list(counts.values()))
    assert bar_interval(np.cumsum(np.append(MONDAY, steps))) == usual * HOUR


@settings(deadline=None)
@given(st.lists(st.integers(1, 200), min_size=1, max_size=60), st.integers(1, 200))
def test_segments_cover_all_bars_once_and_cut_exactly_at_longer_steps(steps: list[int], max_gap: int) -> None:
    candles = random_candles(len(steps))
    candles.time[:] = MONDAY + np.cumsum(steps) * MICROSECONDS
    slices = segment_slices(candles, max_gap=max_gap * MICROSECONDS)
    assert [bar for part in slices for bar in range(part.start, part.stop)] == list(range(len(steps)))
    for part in slices:
        assert np.all(np.diff(candles.time[part]) <= max_gap * MICROSECONDS)
        if part.start:
            assert steps[part.start] > max_gap


@settings(deadline=None)
@given(
    st.lists(st.integers(1, 200), min_size=1, max_size=60),
    st.lists(st.integers(0, 60), max_size=4),
    st.sampled_from([None, 3]),
)
def test_times_in_pieces_have_the_rhythm_and_segments_of_the_whole(
    steps: list[int], cuts: list[int], max_gap: int | None
) -> None:
    time = np.cumsum(np.array(steps, dtype=np.int64)) * 3_600_000_000
    pieces = [part for part in np.split(time, sorted({cut for cut in cuts if cut < len(time)})) if len(part)]
    gap = None if max_gap is None else max_gap * 3_600_000_000
    rhythm = Rhythm()
    for part in pieces:
        rhythm.add(part)
    assert (rhythm.interval, rhythm.session, rhythm.max_gap) == (
        bar_interval(time),
        session_of(time),
        default_max_gap(time),
    )
    starts, n_bars = segment_starts_of(lambda: iter(pieces), max_gap=gap)
    assert n_bars == len(time)
    assert starts.tolist() == segment_starts(time, max_gap=gap).tolist()
