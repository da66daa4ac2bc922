"""Feedback of many clients at once, who send events again as if they had heard no answer."""

from __future__ import annotations

import http.client
import itertools
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from sqlalchemy import func, select

from candleloop.annotations.identity import prediction_id
from candleloop.context import Context
from candleloop.loop.instants import format_instant
from candleloop.pipeline.snapshots import take_snapshot
from candleloop.store import outbox
from candleloop.store.tables import AnnotationRow, FeedbackEventRow, JobRow, ModelRow, OutboxRow, RejectionRow
from tests.support.databases import backends
from tests.support.homes import Place
from tests.support.processes import WorkerProcess
from tests.support.served import relaying, served
from tests.support.service import CANDLES, CONFIG, SERIES
from tests.support.waiting import wait_for

CLIENTS = 20
EVENTS = {"sqlite": 10_000, "postgresql": 2_000}
MAX_DELAY = 15.0
"""Seconds after which feedback is trained on at the latest, however much more of it comes."""

PAIRS = (
    ("morning_star", "evening_star", 3),
    ("shooting_star", "inverted_hammer", 1),
    ("bullish_harami", "bearish_harami", 2),
    ("bullish_engulfing", "bearish_engulfing", 2),
)
"""Labels of equal length: what is decided on, and what it is corrected to."""


@pytest.fixture(params=backends())
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def decisions(count: int) -> list[dict[str, Any]]:
    """Return events about different places: confirmed, corrected, dismissed for each reason in turn."""
    ways: Iterator[dict[str, Any]] = itertools.cycle(
        [
            {"verb": "confirm"},
            {"verb": "correct"},
            {"verb": "dismiss", "reason": "wrong_label"},
            {"verb": "dismiss", "reason": "nothing_here"},
            {"verb": "dismiss", "reason": "unsure"},
        ]
    )
    places = ((first, *pair) for first in range(100, len(CANDLES) - 3) for pair in PAIRS)
    events = []
    for number, (way, (first, label, other, bars)) in enumerate(
        zip(ways, itertools.islice(places, count), strict=False)
    ):
        start, end = int(CANDLES.time[first]), int(CANDLES.time[first + bars - 1])
        times = {"start_time": format_instant(start), "end_time": format_instant(end)}
        identity = prediction_id(SERIES, "0123456789ab", label, start, end)
        target = {"kind": "prediction", "id": identity, "label": label, "model_version": "0123456789ab", **times}
        event = {"event_id": f"e-{number}", "series_id": SERIES, "target": target, **way}
        if way["verb"] == "correct":
            event["correction"] = {"label": other, **times}
        events.append(event)
    assert len(events) == count
    return events


def send_share(url: str, number: int, events: list[dict[str, Any]]) -> Counter[tuple[str, str]]:
    """Send a share of the events, some of the others' and some of its own again; return what became of which."""
    rng = random.Random(number)
    mine = events[number::CLIENTS]
    rng.shuffle(mine)
    mine += rng.sample(mine, len(mine) // 10)
    fates: Counter[tuple[str, str]] = Counter()
    connection = http.client.HTTPConnection(str(urlsplit(url).netloc), timeout=120)
    while mine:
        sent = [mine.pop() for _ in range(min(len(mine), rng.choice((1, 1, 2, 5, 20))))]
        if rng.random() < 0.3:
            sent.append(rng.choice(events))
        body = json.dumps({"label_set": "default", "events": sent})
        connection.request("POST", "/feedback", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        content = answer.read()
        assert answer.status == 202, content
        fates.update((result["event_id"], result["status"]) for result in json.loads(content)["results"])
    connection.close()
    return fates


@pytest.mark.slow
def test_every_event_of_a_flood_is_taken_once_and_taught_with_a_handful_of_retrains(
    backend: str,
    context: Context,
    environment: dict[str, str],
    place: Place,
    start_worker: Callable[..., WorkerProcess],
    tmp_path: Path,
) -> None:
    retrain = {"min_delay_seconds": 1, "max_delay_seconds": MAX_DELAY}
    (place.home / "pipeline.yaml").write_text(yaml.safe_dump({**CONFIG, "retrain": retrain}))
    events = decisions(EVENTS[backend])
    began = time.monotonic()
    with (
        served(place.settings, tmp_path / "api.log", more=environment) as url,
        relaying(environment, tmp_path / "relay.log"),
        ThreadPoolExecutor(CLIENTS) as clients,
    ):
        start_worker("train", burst=False)
        fates = sum(clients.map(lambda number: send_share(url, number, events), range(CLIENTS)), Counter())

        def quiet() -> bool:
            with context.database.read() as session:
                ended = session.scalar(select(func.count()).where(JobRow.kind == "train", JobRow.ended_at.is_(None)))
                return not ended and not outbox.waiting(session)

        wait_for(quiet, "end of the last retrain", 120)
    lasted = time.monotonic() - began

    accepted = {event: count for (event, status), count in fates.items() if status == "accepted"}
    assert accepted == {event["event_id"]: 1 for event in events}
    assert {status for _, status in fates} == {"accepted", "duplicate"}

    with context.database.read() as session:
        stored = session.scalars(select(FeedbackEventRow.event_id)).all()
        origins = dict(session.execute(select(AnnotationRow.origin, func.count()).group_by(AnnotationRow.origin)).all())
        rejections = session.scalar(select(func.count()).select_from(RejectionRow))
        taken_up = session.execute(select(OutboxRow.event_id, OutboxRow.job_id)).all()
        trainings = {row.id: row for row in session.scalars(select(JobRow).where(JobRow.kind == "train"))}
        latest = session.scalars(select(ModelRow).order_by(ModelRow.trained_at.desc())).first()
    assert sorted(stored) == sorted(accepted)
    fifth = len(events) // 5
    assert (origins["confirmed"], origins["corrected"], rejections) == (fifth, fifth, 2 * fifth)
    assert sorted(row.event_id for row in taken_up) == sorted(
        event["event_id"] for event in events if event.get("reason") != "unsure"
    )
    assert {row.status for row in trainings.values()} == {"succeeded"}
    assert {row.job_id for row in taken_up} == set(trainings)
    assert len(trainings) <= 2 + lasted / MAX_DELAY
    assert latest is not None
    assert latest.snapshot == take_snapshot(context, "default").content_hash()
