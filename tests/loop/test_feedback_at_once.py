"""Many clients at once: nothing is lost, nothing done twice."""

from __future__ import annotations

import multiprocessing
import random
import threading
from collections import Counter
from multiprocessing.synchronize import Barrier
from typing import Any

from sqlalchemy import func, select, text

from candleloop.loop.feedback import FeedbackResult, record_feedback
from candleloop.store.database import Database
from candleloop.store.tables import FeedbackEventRow, OutboxRow
from tests.support.feedback import LABELS, World
from tests.support.waiting import wait_for

CLIENTS = 8
EVENTS = 40


def events_of(world: World, client: int) -> list[dict[str, Any]]:
    """Return all events in the client's own order, some of them twice."""
    events = [
        world.event(f"e{number}", "confirm", world.prediction(("harami", number, number + 1)))
        for number in range(EVENTS)
    ]
    order = random.Random(client)
    events += order.sample(events, 10)
    order.shuffle(events)
    return events


def check(world: World) -> None:
    assert world.marks()["human"] == [("harami", number, number + 1) for number in range(EVENTS)]
    with world.database.read() as session:
        recorded = Counter(session.scalars(select(FeedbackEventRow.event_id)))
        asked = Counter(session.scalars(select(OutboxRow.event_id)))
    assert recorded == asked == Counter({f"e{number}": 1 for number in range(EVENTS)})


def test_threads_that_send_the_same_events_do_each_once(database: Database) -> None:
    world = World(database).made()
    results: list[FeedbackResult] = []
    failures: list[BaseException] = []

    def send(client: int) -> None:
        try:
            for event in events_of(world, client):
                results.extend(world.send(event))
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=send, args=(client,)) for client in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    fates = Counter((result.event_id, result.status) for result in results)
    assert {status for _, status in fates} == {"accepted", "duplicate"}
    assert [count for (_, status), count in fates.items() if status == "accepted"] == [1] * EVENTS
    check(world)


def send_batches(url: str, client: int, start: Barrier) -> None:
    database = Database(url)
    world = World(database)
    start.wait(30)
    events = events_of(world, client)
    for first in range(0, len(events), 7):
        world.send(*events[first : first + 7])
    database.dispose()


def test_processes_that_send_the_same_events_do_each_once(database: Database) -> None:
    world = World(database).made()
    fork = multiprocessing.get_context("fork")
    start = fork.Barrier(CLIENTS)
    url = database.url.render_as_string(hide_password=False)
    processes = [fork.Process(target=send_batches, args=(url, client, start)) for client in range(CLIENTS)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0] * CLIENTS
    check(world)


def test_of_clients_that_decide_otherwise_on_one_target_one_wins(database: Database) -> None:
    world = World(database).made()
    world.talib(("star", 20, 22))
    target = world.talib_mark(("star", 20, 22))
    start = threading.Barrier(CLIENTS)
    results: list[FeedbackResult] = []

    def decide(client: int) -> None:
        start.wait(30)
        verb, more = ("confirm", {}) if client % 2 else ("dismiss", {"reason": "wrong_label"})
        results.extend(world.send(world.event(f"c{client}", verb, target, **more)))

    threads = [threading.Thread(target=decide, args=(client,)) for client in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(result.status for result in results) == {"accepted": 1, "conflict": CLIENTS - 1}
    found = world.marks()
    assert len(found["human"]) + len(found["rejected"]) == 1
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(OutboxRow)) == 1


def test_an_event_id_taken_for_another_series_at_the_same_moment_is_rejected(database: Database) -> None:
    world = World(database).made()
    other = world.another("IBM-1h")
    place = ("harami", 3, 4)
    results: list[FeedbackResult] = []

    def send() -> None:
        results.extend(other.send(other.event("e1", "confirm", other.prediction(place))))

    def somebody_waits() -> bool:
        with database.read() as session:
            return bool(session.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")))

    thread = threading.Thread(target=send)
    with database.begin() as session:
        event = world.event("e1", "confirm", world.prediction(place))
        record_feedback(session, LABELS, [event], bar_times=lambda _: world.time)
        thread.start()
        if not database.is_sqlite:  # there the other one waits to begin
            wait_for(somebody_waits, "transaction that waits for this one")
    thread.join()
    assert results[0].problem is not None
    assert results[0].problem.code == "event_id_reused"
    assert (world.marks()["human"], other.marks()["human"]) == ([place], [])
