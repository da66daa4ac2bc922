from __future__ import annotations

import pytest

from candleloop.store import label_sets, outbox
from candleloop.store.database import Database
from tests.support.annotations import label_set


@pytest.fixture
def two_label_sets(database: Database) -> Database:
    with database.begin() as session:
        for name in ("a", "b"):
            label_sets.ensure(session, label_set([1], name=name))
    return database


def append(database: Database, label_set: str, *event_ids: str) -> None:
    for event_id in event_ids:
        with database.begin() as session:
            outbox.append(session, topic=outbox.RETRAIN, label_set=label_set, event_id=event_id)


def waiting(database: Database) -> dict[str, int]:
    with database.read() as session:
        return {entry.label_set: entry.count for entry in outbox.waiting(session)}


def test_rows_wait_per_label_set_with_their_first_and_last_moment(two_label_sets: Database) -> None:
    append(two_label_sets, "a", "e1", "e2", "e3")
    append(two_label_sets, "b", "e4")
    with two_label_sets.read() as session:
        a, b = outbox.waiting(session)
        assert outbox.waiting(session, "other") == []
    assert (a.label_set, a.count, b.label_set, b.count) == ("a", 3, "b", 1)
    assert a.first < a.last <= b.first == b.last
    assert a.first.tzinfo is not None
    assert a.last_id < b.last_id


def test_a_job_gets_the_rows_that_were_seen_and_no_later_ones(two_label_sets: Database) -> None:
    append(two_label_sets, "a", "e1", "e2")
    append(two_label_sets, "b", "e3")
    with two_label_sets.read() as session:
        seen = outbox.waiting(session)[0]
    append(two_label_sets, "a", "e4")
    with two_label_sets.begin() as session:
        assert outbox.assign(session, topic="retrain", label_set="a", up_to=seen.last_id, job_id="j") == 2
        assert outbox.assign(session, topic="retrain", label_set="a", up_to=seen.last_id, job_id="k") == 0
    assert waiting(two_label_sets) == {"a": 1, "b": 1}


def test_the_rows_of_a_job_that_came_to_nothing_wait_again(two_label_sets: Database) -> None:
    append(two_label_sets, "a", "e1", "e2")
    with two_label_sets.begin() as session:
        outbox.assign(session, topic="retrain", label_set="a", up_to=10**9, job_id="j")
    assert waiting(two_label_sets) == {}
    with two_label_sets.begin() as session:
        assert outbox.release(session, "j") == 2
    assert waiting(two_label_sets) == {"a": 2}
