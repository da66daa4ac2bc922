"""Many people at one queue, on each kind of database: no item for two of them, nothing reviewed twice."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

from sqlalchemy import func, select

from candleloop.context import Context
from candleloop.errors import Conflict
from candleloop.loop.queue import ReviewQueue, find_taken
from candleloop.pipeline_config import PipelineConfig
from candleloop.storage import Storage
from candleloop.store import review
from candleloop.store.database import Database
from candleloop.store.tables import OutboxRow, ReviewItemRow, now
from tests.support.feedback import LABELS, World

PEOPLE = 6


def queue_on(world: World, folder: Path) -> ReviewQueue:
    """Return a queue of its own, as each API process has one."""
    context = Context(world.database, Storage(f"file://{folder}"), PipelineConfig(), "")
    return ReviewQueue(context, lambda _session, _series_id: world.time)


def test_people_in_processes_of_their_own_share_all_windows_out(database: Database, tmp_path: Path) -> None:
    world = World(database, n_bars=60 * 30).made()
    done: dict[str, list[str]] = {}
    failures: list[BaseException] = []

    def work(name: str) -> None:
        own = queue_on(world, tmp_path)
        got = done.setdefault(name, [])
        try:
            while True:
                with database.read() as session:
                    items = own.page(session, LABELS, limit=3, holder=name).items
                if not items:
                    return
                for item in items:
                    try:
                        with database.begin() as session:
                            assert own.lease(session, LABELS, item.window.id, holder=name) is not None
                    except Conflict:
                        continue
                    with database.begin() as session:
                        row = find_taken(session, item.window.id)
                        own.complete(session, LABELS, row, holder=name, seconds=1.0, skipped=False)
                    got.append(item.window.id)
                    break
        except BaseException as failure:
            failures.append(failure)

    people = [threading.Thread(target=work, args=(f"person-{number}",)) for number in range(PEOPLE)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert failures == []
    found = [item for own in done.values() for item in own]
    assert len(found) == len(set(found)) == 24  # the windows outside the test bars: without a model nothing is audited
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(OutboxRow)) == 24
        assert session.scalar(select(func.count()).where(ReviewItemRow.completed_at.is_not(None))) == 24
    assert len(world.marks()["reviewed"]) == 24


def take(database: Database, holder: str, *, minutes: float = 5) -> ReviewItemRow | None:
    with database.begin() as session:
        return review.lease(
            session,
            label_set="three",
            series_id="AAPL-1h",
            start_time=1,
            end_time=2,
            audit=False,
            strategy="random",
            reason={"code": "random", "text": "Drawn.", "value": None},
            model_version=None,
            holder=holder,
            expires_at=now() + timedelta(minutes=minutes),
        )


def test_who_asks_first_holds_it_until_the_lease_ends(database: Database) -> None:
    World(database).made()
    assert take(database, "ada") is not None
    assert take(database, "bob") is None
    longer = take(database, "ada", minutes=-1)
    assert longer is not None
    taken = take(database, "bob")
    assert taken is not None
    with database.begin() as session:
        late = review.complete(session, longer, holder="ada", seconds=None, skipped=False, reviewed_id=None)
    assert late is False
    with database.begin() as session:
        assert review.complete(session, taken, holder="bob", seconds=2.0, skipped=False, reviewed_id=None)
    with database.begin() as session:
        assert not review.complete(session, taken, holder="bob", seconds=2.0, skipped=False, reviewed_id=None)
