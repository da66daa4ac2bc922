from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from candleloop.errors import BadRequest, Conflict, NotFound
from candleloop.store import label_sets, models
from candleloop.store.database import Database
from candleloop.store.models import How
from tests.support.feedback import LABELS

A, B, C = "a" * 12, "b" * 12, "c" * 12
START = datetime(2026, 1, 1, tzinfo=UTC)


def facts(version: str, **more: Any) -> dict[str, Any]:
    return {
        "version": version,
        "label_set": LABELS.name,
        "family": "xgboost",
        "snapshot": "5" * 16,
        "bundle_sha256": version[0] * 64,
        "metrics": {"macro_f1": 0.9},
        "gate": {"promote": True},
        "trained_at": START,
        **more,
    }


@pytest.fixture
def three(database: Database) -> Database:
    """A database with three trained versions."""
    with database.begin() as session:
        label_sets.ensure(session, LABELS)
        label_sets.ensure(session, LABELS.model_copy(update={"name": "other"}))
        for number, version in enumerate((A, B, C)):
            assert models.add_model(session, **facts(version, trained_at=START + timedelta(hours=number)))
    return database


def promote(database: Database, version: str, expected: int | None, how: How = How.AUTOMATIC) -> tuple[str, int, bool]:
    with database.begin() as session:
        row = models.promote(session, LABELS.name, version, expected_revision=expected, how=how, reason="test")
        return row.version, row.revision, row.pinned


def history(database: Database) -> list[tuple[str, str | None, str]]:
    with database.read() as session:
        return [(row.version, row.previous, row.how) for row in models.promotions(session, LABELS.name)]


def test_a_model_comes_back_and_the_list_begins_with_the_latest(three: Database) -> None:
    with three.read() as session:
        assert models.get(session, A).metrics == {"macro_f1": 0.9}
        first = models.list_models(session, label_set=LABELS.name, limit=2)
        rest = models.list_models(session, label_set=LABELS.name, limit=2, cursor=first.next_cursor)
        assert [row.version for row in (*first.items, *rest.items)] == [C, B, A]
        assert rest.next_cursor is None
        assert models.list_models(session, label_set="other").items == ()
        with pytest.raises(NotFound):
            models.get(session, "none")


def test_training_the_same_version_again_keeps_one_row_with_the_latest_run(three: Database) -> None:
    with three.begin() as session:
        assert not models.add_model(session, **facts(A, run_id="run-2", registry_version="7"))
    with three.read() as session:
        row = models.get(session, A)
        assert (row.run_id, row.registry_version) == ("run-2", "7")


@pytest.mark.parametrize("change", [{"snapshot": "f" * 16}, {"label_set": "other"}])
def test_a_version_with_other_content_is_a_conflict(three: Database, change: dict[str, Any]) -> None:
    with pytest.raises(Conflict) as caught, three.begin() as session:
        models.add_model(session, **facts(A, **change))
    assert caught.value.code == "model_exists"


def test_there_is_no_champion_before_the_first_promotion(three: Database) -> None:
    with three.read() as session:
        assert models.champion(session, LABELS.name) is None
    with pytest.raises(NotFound), three.begin() as session:
        models.pin(session, LABELS.name)


def test_promotions_count_revisions_and_are_remembered(three: Database) -> None:
    assert promote(three, A, None) == (A, 1, False)
    assert promote(three, B, 1) == (B, 2, False)
    assert promote(three, A, 2, How.MANUAL) == (A, 3, False)
    assert history(three) == [(A, B, "manual"), (B, A, "automatic"), (A, None, "automatic")]


@pytest.mark.parametrize("expected", [None, 0, 2])
def test_a_promotion_decided_on_another_champion_is_a_conflict(three: Database, expected: int | None) -> None:
    promote(three, A, None)
    with pytest.raises(Conflict) as caught:
        promote(three, B, expected)
    assert caught.value.code == "champion_moved"
    assert history(three) == [(A, None, "automatic")]


def test_promoting_the_champion_changes_nothing(three: Database) -> None:
    promote(three, A, None)
    assert promote(three, A, 1) == (A, 1, False)
    assert len(history(three)) == 1


def test_a_rollback_pins_until_unpinned(three: Database) -> None:
    promote(three, A, None)
    promote(three, B, 1)
    assert promote(three, A, 2, How.ROLLBACK) == (A, 3, True)
    with pytest.raises(Conflict) as caught:
        promote(three, C, 3)
    assert caught.value.code == "champion_pinned"
    assert promote(three, C, 3, How.MANUAL) == (C, 4, True)
    with three.begin() as session:
        assert not models.unpin(session, LABELS.name).pinned
    assert promote(three, B, 4) == (B, 5, False)


def test_rolling_back_to_the_champion_pins_it(three: Database) -> None:
    promote(three, A, None)
    assert promote(three, A, 1, How.ROLLBACK) == (A, 1, True)


def test_a_model_of_another_label_set_is_refused(three: Database) -> None:
    with pytest.raises(BadRequest), three.begin() as session:
        models.promote(session, "other", A, expected_revision=None, how=How.MANUAL)
    with pytest.raises(NotFound):
        promote(three, "none", None)


@pytest.mark.parametrize("expected", [None, 1])
def test_of_two_promotions_at_once_one_wins(three: Database, expected: int | None) -> None:
    if expected is not None:
        promote(three, A, None)
    outcomes: list[str] = []
    start = threading.Barrier(2)

    def decide(version: str) -> None:
        start.wait(30)
        try:
            outcomes.append(promote(three, version, expected)[0])
        except Conflict as conflict:
            outcomes.append(conflict.code)

    threads = [threading.Thread(target=decide, args=(version,)) for version in (B, C)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) in (sorted([B, "champion_moved"]), sorted([C, "champion_moved"]))
    assert len(history(three)) == (1 if expected is None else 2)
