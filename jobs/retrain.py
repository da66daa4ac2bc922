"""When feedback or the night leads to a retrain: the rules, without database or clock.

Events wait in the outbox. Once there are enough of them, one training job per label set is scheduled: after a quiet
time that every further event starts anew, but never later than the longest wait after the first. Events that arrive
while a training runs wait for the next one, because nobody knows whether the running one still saw them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from candleloop.pipeline_config import RetrainConfig


@dataclass(frozen=True)
class WaitingEvents:
    """The feedback of one label set that no training has taken up yet."""

    first: datetime
    last: datetime
    count: int


def retrain_at(waiting: WaitingEvents, config: RetrainConfig) -> datetime | None:
    """Return the moment at which a retrain is due.

    Returns
    -------
    datetime or None
        ``min(last + min_delay, first + max_delay)``; None while there are fewer than ``min_events``.
    """
    if waiting.count < config.min_events:
        return None
    return min(
        waiting.last + timedelta(seconds=config.min_delay_seconds),
        waiting.first + timedelta(seconds=config.max_delay_seconds),
    )


def latest_night(moment: datetime, config: RetrainConfig) -> tuple[date, datetime] | None:
    """Return the latest nightly retrain that was due by ``moment``: its date where it is due, and when that was, UTC.

    One that nobody was awake for is still due; of several only the last. None when there is no nightly retrain.
    """
    if config.nightly_at is None:
        return None
    zone, at = ZoneInfo(config.nightly_timezone), time.fromisoformat(config.nightly_at)
    today = moment.astimezone(zone).date()
    for night in (today, today - timedelta(days=1)):
        due = datetime.combine(night, at, tzinfo=zone).astimezone(UTC)
        if due <= moment:
            return night, due
    return None
