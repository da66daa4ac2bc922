"""The rules by which feedback leads to a retrain."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from candleloop.pipeline_config import RetrainConfig
from jobs.retrain import WaitingEvents, retrain_at

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
CONFIG = RetrainConfig(min_delay_seconds=10, max_delay_seconds=60, min_events=3)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("last", "count", "due"),
    [
        (0, 3, 10),
        (20, 3, 30),
        (49, 9, 59),
        (51, 9, 60),
        (300, 9, 60),
        (20, 2, None),
    ],
)
def test_a_retrain_is_due_after_a_quiet_time_or_the_longest_wait(last: float, count: int, due: float | None) -> None:
    events = WaitingEvents(first=NOON, last=after(last), count=count)
    assert retrain_at(events, CONFIG) == (None if due is None else after(due))


@given(
    gaps=st.lists(st.floats(0, 100), min_size=1, max_size=30),
    min_delay=st.floats(0, 100),
    max_delay=st.floats(0, 1_000),
)
def test_further_events_never_delay_a_retrain_beyond_the_longest_wait(
    gaps: list[float], min_delay: float, max_delay: float
) -> None:
    config = RetrainConfig(min_delay_seconds=min_delay, max_delay_seconds=max_delay, min_events=1)
    last = NOON
    for count, gap in enumerate(gaps, 1):
        last += timedelta(seconds=gap)
        due = retrain_at(WaitingEvents(NOON, last, count), config)
        assert due is not None
        assert due <= NOON + timedelta(seconds=max_delay)
        assert due <= last + timedelta(seconds=min_delay)
