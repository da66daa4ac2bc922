"""The relay's occasions: a night is asked for once, and is not lost when nobody was awake."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis
from sqlalchemy import select, update

from candleloop.annotations.label_set import LabelSet
from candleloop.pipeline_config import RetrainConfig
from candleloop.store import jobs, label_sets, models
from candleloop.store.database import Database
from candleloop.store.tables import ChampionRow, JobRow
from config.settings import ROOT
from jobs.queue import cancel, submit
from jobs.relay import Relay
from jobs.retrain import latest_night

NIGHT = RetrainConfig(nightly_at="03:00")
EVE = datetime(2026, 3, 1, 20, tzinfo=UTC)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.fixture
def served(database: Database) -> Database:
    """A database with a champion that was trained on the eve."""
    with database.begin() as session:
        label_sets.ensure(session, LabelSet.load(ROOT / "config" / "label_sets" / "default.yaml"))
        add_model(session, "a" * 12, EVE)
        models.promote(session, "default", "a" * 12, expected_revision=None, how=models.How.MANUAL)
        models.set_tracked(session, "default", "a" * 12)
    return database


def add_model(session, version: str, trained_at: datetime) -> None:  # type: ignore[no-untyped-def]
    models.add_model(
        session,
        version=version,
        label_set="default",
        family="xgboost",
        snapshot="0" * 16,
        bundle_sha256="",
        metrics={},
        gate={},
        trained_at=trained_at,
    )


def relay(database: Database, config: RetrainConfig = NIGHT, *, mlflow: list[bool] | None = None) -> Relay:
    answers = None if mlflow is None else lambda: mlflow.append(True) is None and mlflow[0]
    away = Redis.from_url("unix:///nowhere.sock")
    return Relay(database, away, config, timedelta(seconds=0.5), mlflow_answers=answers)


def found(database: Database, kind: str) -> list[JobRow]:
    with database.read() as session:
        return list(session.scalars(select(JobRow).where(JobRow.kind == kind).order_by(JobRow.created_at)))


def test_a_night_is_asked_for_when_it_is_due_and_once(served: Database) -> None:
    relay(served).step(at("2026-03-02 02:59:59"))
    assert found(served, "train") == []
    for second in range(3):
        relay(served).step(at("2026-03-02 03:00:00") + timedelta(seconds=second))
    (job,) = found(served, "train")
    assert (job.arguments["reason"], job.requested_by, job.status) == ("nightly", "nightly", "queued")
    with served.begin() as session:
        cancel(session, job.id)
    relay(served).step(at("2026-03-03 02:59:59"))
    assert len(found(served, "train")) == 1
    relay(served).step(at("2026-03-03 03:00:00"))
    assert len(found(served, "train")) == 2


def test_two_relays_at_once_ask_for_it_once(served: Database) -> None:
    relays = [relay(served) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda one: one.step(at("2026-03-02 03:00:00")), relays))
    assert len(found(served, "train")) == 1


def test_a_night_that_was_slept_through_is_made_up_for_once_after_waking(served: Database) -> None:
    one = relay(served)
    one.step(at("2026-03-01 21:00:00"))
    one.step(at("2026-03-05 09:30:00"))
    one.step(at("2026-03-05 09:30:01"))
    (job,) = found(served, "train")
    assert job.idempotency_key == "nightly:default:2026-03-05"


def test_a_training_since_then_will_do_and_one_that_failed_will_not(served: Database) -> None:
    with served.begin() as session:
        feedback = submit(session, "train", {"label_set": "default"}, label_set="default").id
    relay(served).step(at("2026-03-02 03:00:00"))
    assert len(found(served, "train")) == 1, "one that waits will do"
    with served.begin() as session:
        assert jobs.claim(session, feedback) is not None
        jobs.fail(session, feedback, 1, "internal_error", "It failed.")
    relay(served).step(at("2026-03-02 03:10:00"))
    assert len(found(served, "train")) == 2
    with served.begin() as session:
        add_model(session, "b" * 12, at("2026-03-03 03:00:01"))
        session.execute(update(JobRow).values(status="succeeded"))
    relay(served).step(at("2026-03-03 04:00:00"))
    assert len(found(served, "train")) == 2


def test_a_first_start_and_a_label_set_without_a_model_ask_for_none(database: Database) -> None:
    with database.begin() as session:
        label_sets.ensure(session, LabelSet.load(ROOT / "config" / "label_sets" / "default.yaml"))
    relay(database).step(at("2026-03-02 12:00:00"))
    assert found(database, "train") == []


def test_without_the_setting_nights_are_quiet(served: Database) -> None:
    relay(served, RetrainConfig()).step(at("2026-03-02 12:00:00"))
    assert found(served, "train") == []


@pytest.mark.parametrize(
    ("zone", "moment", "day", "due"),
    [
        ("UTC", "2026-03-02 03:00:00", "2026-03-02", "2026-03-02 03:00:00"),
        ("UTC", "2026-03-02 02:59:59", "2026-03-01", "2026-03-01 03:00:00"),
        ("Europe/Berlin", "2026-07-02 01:00:00", "2026-07-02", "2026-07-02 01:00:00"),
        ("America/New_York", "2026-01-02 07:59:59", "2026-01-01", "2026-01-01 08:00:00"),
        ("Asia/Tokyo", "2026-01-01 18:00:00", "2026-01-02", "2026-01-01 18:00:00"),
        ("Europe/Berlin", "2026-03-29 01:00:00", "2026-03-29", "2026-03-29 01:00:00"),
    ],
)
def test_the_time_of_the_night_is_that_of_its_time_zone(zone: str, moment: str, day: str, due: str) -> None:
    night = latest_night(at(moment), RetrainConfig(nightly_at="03:00", nightly_timezone=zone))
    assert night is not None
    assert (night[0].isoformat(), night[1]) == (day, at(due))


@pytest.mark.parametrize("wrong", [{"nightly_at": "25:00"}, {"nightly_at": "3"}, {"nightly_timezone": "Mars/Olympus"}])
def test_a_time_or_a_zone_that_does_not_exist_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        RetrainConfig.model_validate(wrong)


def test_a_time_without_quotes_is_read_as_it_was_meant() -> None:
    assert RetrainConfig.model_validate({"nightly_at": 23 * 60 + 30}).nightly_at == "23:30"


def test_mlflow_is_told_of_the_champion_when_it_is_back(served: Database) -> None:
    with served.begin() as session:
        session.execute(update(ChampionRow).values(tracked_version=None))
    asked = [False]
    one = relay(served, RetrainConfig(), mlflow=asked)
    start = at("2026-03-02 12:00:00")
    for second in range(0, 121, 10):
        one.step(start + timedelta(seconds=second))
    assert len(asked) == 1 + 3, "once a minute while it is away"
    assert found(served, "track") == []
    asked[0] = True
    for second in range(180, 300, 10):
        one.step(start + timedelta(seconds=second))
    (job,) = found(served, "track")
    assert job.arguments == {"label_set": "default"}


def test_old_files_are_removed_once_a_day(served: Database) -> None:
    for hour in (1, 2, 23, 25):
        relay(served).step(at("2026-03-02 00:00:00") + timedelta(hours=hour))
    assert len(found(served, "tidy")) == 2
