from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from candleloop.annotations.truth import resolve
from candleloop.loop.feedback import record_feedback
from candleloop.store import feedback, marks, outbox
from candleloop.store.database import Database
from candleloop.store.tables import AnnotationRow, FeedbackEventRow, OutboxRow
from tests.support.feedback import LABELS, Place, World

STAR: Place = ("star", 20, 22)
HARAMI: Place = ("harami", 21, 22)
ALL_LABELS = (0, 1, 2)


@pytest.fixture
def world(database: Database) -> World:
    return World(database).made()


def waiting(world: World) -> list[str | None]:
    with world.database.read() as session:
        return list(session.scalars(select(OutboxRow.event_id).order_by(OutboxRow.id)))


def origins(world: World) -> dict[str, str]:
    with world.database.read() as session:
        rows = session.scalars(select(AnnotationRow).where(AnnotationRow.deleted_at.is_(None)))
        return {row.id: row.origin for row in rows}


def test_confirming_a_prediction_makes_a_confirmed_annotation_and_asks_for_a_retrain(world: World) -> None:
    [result] = world.send(world.event("e1", "confirm", world.prediction(STAR)))
    assert result.status == "accepted"
    assert world.marks() == {"human": [STAR], "talib": [], "rejected": [], "reviewed": []}
    assert origins(world) == {result.annotation_id: "confirmed"}
    assert waiting(world) == ["e1"]


def test_confirming_a_talib_mark_puts_a_confirmed_one_in_its_place(world: World) -> None:
    world.talib(STAR, ("harami", 40, 41))
    [result] = world.send(world.event("e1", "confirm", world.talib_mark(STAR)))
    assert result.status == "accepted"
    assert world.marks() == {"human": [STAR], "talib": [("harami", 40, 41)], "rejected": [], "reviewed": []}


def test_correcting_rejects_the_target_and_makes_a_corrected_annotation(world: World) -> None:
    world.talib(STAR)
    [result] = world.send(world.event("e1", "correct", world.talib_mark(STAR), correction=world.span(HARAMI)))
    assert result.status == "accepted"
    assert world.marks() == {"human": [HARAMI], "talib": [], "rejected": [STAR], "reviewed": []}
    assert origins(world) == {result.annotation_id: "corrected"}


@pytest.mark.parametrize(
    ("reason", "rejected", "reviewed", "asks"),
    [
        ("nothing_here", [], [(20, 22, ALL_LABELS)], True),
        ("wrong_label", [STAR], [], True),
        ("wrong_edges", [], [], False),
        ("duplicate", [], [], False),
        ("unsure", [], [], False),
    ],
)
def test_a_dismissal_does_what_its_reason_says(
    world: World, reason: str, rejected: list[Place], reviewed: list[Any], asks: bool
) -> None:
    [result] = world.send(world.event("e1", "dismiss", world.prediction(STAR), reason=reason))
    assert (result.status, result.annotation_id) == ("accepted", None)
    assert world.marks() == {"human": [], "talib": [], "rejected": rejected, "reviewed": reviewed}
    assert waiting(world) == (["e1"] if asks else [])


def test_a_dismissed_talib_mark_goes_unless_it_was_recorded_only(world: World) -> None:
    other = ("harami", 40, 41)
    world.talib(STAR, other)
    world.send(
        world.event("e1", "dismiss", world.talib_mark(STAR), reason="wrong_label"),
        world.event("e2", "dismiss", world.talib_mark(other), reason="wrong_edges"),
    )
    assert world.marks()["talib"] == [other]


def test_events_on_test_bars_ask_for_a_retrain_too(world: World) -> None:
    world.send(world.event("e1", "confirm", world.prediction(("harami", 57, 58))))
    assert waiting(world) == ["e1"]


def test_the_same_event_again_gives_the_first_result_and_does_nothing(world: World) -> None:
    event = world.event("e1", "confirm", world.prediction(STAR))
    [first] = world.send(event)
    again = world.send(event, event)
    assert [result.status for result in again] == ["duplicate", "duplicate"]
    assert {result.annotation_id for result in again} == {first.annotation_id}
    assert world.marks()["human"] == [STAR]
    assert waiting(world) == ["e1"]


def test_the_same_event_with_times_in_another_form_is_the_same_event(world: World) -> None:
    event = world.event("e1", "confirm", world.prediction(STAR))
    world.send(event)
    first, last = (int(time) // 1_000 for time in world.time[[20, 22]])
    in_milliseconds = {**event, "target": {**event["target"], "start_time": first, "end_time": last // 1_000}}
    assert world.send(in_milliseconds)[0].status == "duplicate"


def test_an_event_id_used_for_another_event_is_rejected(world: World) -> None:
    world.send(world.event("e1", "confirm", world.prediction(STAR)))
    [result] = world.send(world.event("e1", "dismiss", world.prediction(STAR), reason="unsure"))
    assert result.status == "rejected"
    assert result.problem is not None
    assert (result.problem.code, result.problem.field) == ("event_id_reused", "event_id")
    assert world.marks()["human"] == [STAR]


def test_an_event_accepted_before_events_had_notes_is_still_the_same_event(world: World) -> None:
    event = world.event("e1", "dismiss", world.prediction(STAR), reason="unsure")
    world.send(event)
    with world.database.begin() as session:
        row = session.scalars(select(FeedbackEventRow)).one()
        row.body = {name: value for name, value in row.body.items() if name != "note"}
    assert world.send(event)[0].status == "duplicate"
    [other] = world.send({**event, "note": "Is the body too small?"})
    assert other.problem is not None
    assert other.problem.code == "event_id_reused"


def test_a_decided_target_gives_a_conflict_that_shows_the_decision(world: World) -> None:
    [first] = world.send(world.event("e1", "confirm", world.prediction(STAR)))
    same, other = world.send(
        world.event("e2", "confirm", world.prediction(STAR)),
        world.event("e3", "dismiss", world.prediction(STAR), reason="wrong_label"),
    )
    for result in (same, other):
        assert result.status == "conflict"
        assert result.current is not None
        assert result.current.model_dump(mode="json") == {
            "kind": "annotation",
            "id": first.annotation_id,
            "label": "star",
            "start_time": world.iso(20),
            "end_time": world.iso(22),
            "origin": "confirmed",
            "revision": 1,
            "deleted": False,
            "event_id": "e1",
            "verb": "confirm",
            "reason": None,
        }
    assert world.marks() == {"human": [STAR], "talib": [], "rejected": [], "reviewed": []}
    assert waiting(world) == ["e1"]


def test_a_recorded_dismissal_decides_but_being_unsure_does_not(world: World) -> None:
    world.send(
        world.event("e1", "dismiss", world.prediction(STAR), reason="unsure"),
        world.event("e2", "dismiss", world.prediction(STAR), reason="unsure"),
        world.event("e3", "dismiss", world.prediction(STAR), reason="duplicate"),
    )
    [result] = world.send(world.event("e4", "confirm", world.prediction(STAR)))
    assert result.status == "conflict"
    assert result.current is not None
    assert (result.current.kind, result.current.event_id, result.current.reason) == ("event", "e3", "duplicate")


def test_what_somebody_could_not_tell_is_listed_until_its_target_is_decided(world: World) -> None:
    def flags() -> list[tuple[str, str | None]]:
        with world.database.read() as session:
            page = feedback.list_flags(session, world.series_id, LABELS.name)
            return [(row.event_id, row.body["note"]) for row in page.items]

    world.send(
        world.event("e1", "dismiss", world.prediction(STAR), reason="unsure", note="Is the gap wide enough?"),
        world.event("e2", "dismiss", world.prediction(HARAMI), reason="unsure"),
        world.event("e3", "dismiss", world.prediction(("harami", 30, 31)), reason="wrong_label", note="No."),
    )
    assert flags() == [("e1", "Is the gap wide enough?"), ("e2", None)]
    world.send(world.event("e4", "confirm", world.prediction(STAR)))
    assert flags() == [("e2", None)]


def test_the_same_place_under_another_id_is_decided_too(world: World) -> None:
    world.talib(STAR)
    world.send(world.event("e1", "confirm", world.prediction(STAR)))
    results = world.send(
        world.event("e2", "confirm", world.talib_mark(STAR)),
        world.event("e3", "confirm", world.prediction(STAR, model="ffffffffffff")),
        world.event("e4", "correct", world.prediction(HARAMI), correction=world.span(STAR)),
    )
    assert [result.status for result in results] == ["conflict"] * 3
    assert {result.current.event_id for result in results if result.current} == {"e1"}
    assert world.marks() == {"human": [STAR], "talib": [STAR], "rejected": [], "reviewed": []}


def test_another_person_may_say_the_same_and_each_takes_back_their_own(world: World) -> None:
    world.talib(STAR)
    world.send(world.event("e1", "confirm", world.prediction(STAR)), requested_by="api:ada")
    again = world.event("e2", "confirm", world.prediction(STAR, model="ffffffffffff"))
    assert [one.status for one in world.send(again, requested_by="api:ada")] == ["conflict"]
    by_bob = (
        world.event("e3", "confirm", world.talib_mark(STAR)),
        world.event("e4", "dismiss", world.prediction(STAR, model="ffffffffffff"), reason="wrong_label"),
    )
    assert [one.status for one in world.send(*by_bob, requested_by="api:bob")] == ["accepted", "conflict"]
    assert world.marks() == {"human": [STAR, STAR], "talib": [], "rejected": [], "reviewed": []}
    with world.database.read() as session:
        truth = resolve(marks.load_marks(session, world.series_id, LABELS), world.time, len(LABELS))
    assert len(truth.spans) == 1  # it holds once
    world.send(world.event("u1", "undo", undoes="e1"), requested_by="api:ada")
    assert world.marks() == {"human": [STAR], "talib": [], "rejected": [], "reviewed": []}


def test_what_somebody_rejected_cannot_be_confirmed_under_another_id(world: World) -> None:
    world.send(world.event("e1", "dismiss", world.prediction(STAR), reason="wrong_label"))
    [result] = world.send(world.event("e2", "confirm", world.prediction(STAR, model="ffffffffffff")))
    assert result.status == "conflict"
    assert result.current is not None
    assert (result.current.kind, result.current.event_id) == ("rejection", "e1")


def test_undo_takes_back_exactly_what_the_event_did(world: World) -> None:
    world.talib(STAR, ("harami", 40, 41))
    before = world.marks()
    world.send(
        world.event("e1", "correct", world.talib_mark(STAR), correction=world.span(HARAMI)),
        world.event("e2", "dismiss", world.talib_mark(("harami", 40, 41)), reason="nothing_here"),
        world.event("e3", "confirm", world.prediction(("flag", 30, 37))),
    )
    results = world.send(*(world.event(f"u{n}", "undo", undoes=f"e{n}") for n in (1, 2, 3)))
    assert [result.status for result in results] == ["accepted"] * 3
    assert results[0].annotation_id == world.talib_mark(STAR)["id"]
    assert world.marks() == before
    assert waiting(world) == ["e1", "e2", "e3", "u1", "u2", "u3"]


def test_an_undone_target_can_be_decided_again(world: World) -> None:
    world.send(world.event("e1", "confirm", world.prediction(STAR)), world.event("u1", "undo", undoes="e1"))
    [result] = world.send(world.event("e2", "dismiss", world.prediction(STAR), reason="wrong_label"))
    assert result.status == "accepted"
    assert world.marks()["rejected"] == [STAR]


def test_undoing_twice_is_a_duplicate_or_a_conflict(world: World) -> None:
    undo = world.event("u1", "undo", undoes="e1")
    world.send(world.event("e1", "confirm", world.prediction(STAR)), undo)
    same, other = world.send(undo, world.event("u2", "undo", undoes="e1"))
    assert same.status == "duplicate"
    assert other.status == "conflict"
    assert other.current is not None
    assert (other.current.verb, other.current.event_id) == ("undo", "u1")


def test_undoing_a_recorded_dismissal_asks_for_no_retrain(world: World) -> None:
    world.send(
        world.event("e1", "dismiss", world.prediction(STAR), reason="duplicate"),
        world.event("u1", "undo", undoes="e1"),
    )
    assert waiting(world) == []
    assert world.send(world.event("e2", "confirm", world.prediction(STAR)))[0].status == "accepted"


def test_what_was_edited_since_cannot_be_undone(world: World) -> None:
    [first] = world.send(world.event("e1", "confirm", world.prediction(STAR)))
    with world.database.begin() as session:
        row = session.get_one(AnnotationRow, first.annotation_id)
        row.label, row.revision = "flag", 2
    [result] = world.send(world.event("u1", "undo", undoes="e1"))
    assert result.status == "conflict"
    assert result.current is not None
    assert (result.current.label, result.current.revision) == ("flag", 2)
    assert world.marks()["human"] == [("flag", 20, 22)]


def test_undo_does_not_bring_back_what_talib_no_longer_finds(world: World) -> None:
    world.talib(STAR)
    world.send(world.event("e1", "confirm", world.talib_mark(STAR)))
    world.talib(("harami", 40, 41))
    [result] = world.send(world.event("u1", "undo", undoes="e1"))
    assert (result.status, result.annotation_id) == ("accepted", None)
    assert world.marks()["talib"] == [("harami", 40, 41)]


def test_auto_labelling_again_brings_nothing_back_that_was_decided(world: World) -> None:
    confirmed, corrected, rejected, background = (("star", bar, bar + 2) for bar in (12, 20, 30, 40))
    also_predicted = ("harami", 50, 51)
    found = (confirmed, corrected, rejected, background, also_predicted)
    world.talib(confirmed, corrected, rejected, background)
    world.send(
        world.event("e1", "confirm", world.talib_mark(confirmed)),
        world.event("e2", "correct", world.talib_mark(corrected), correction=world.span(("harami", 20, 21))),
        world.event("e3", "dismiss", world.talib_mark(rejected), reason="wrong_label"),
        world.event("e4", "dismiss", world.talib_mark(background), reason="nothing_here"),
        world.event("e5", "dismiss", world.prediction(also_predicted), reason="wrong_label"),
    )
    decided = world.marks()
    world.talib(*found)
    again = world.marks()
    assert {**again, "talib": []} == {**decided, "talib": []}
    assert again["talib"] == [also_predicted]  # a mark of its own beside the rejection, which overrules it:
    with world.database.read() as session:
        truth = resolve(marks.load_marks(session, world.series_id, LABELS), world.time, len(LABELS))
    assert truth.by_human.all()
    assert truth.spans.rows() == [(0, 12, 14), (1, 20, 21)]
    assert truth.overruled.rows() == [(1, 50, 51)]


def test_each_event_has_its_own_fate(world: World) -> None:
    results = world.send(
        world.event("e1", "confirm", world.prediction(STAR)),
        {"event_id": "e2", "verb": "shout"},
        world.event("e3", "confirm", world.prediction(STAR)),
        world.event("e1", "confirm", world.prediction(STAR)),
        world.event("e4", "confirm", world.prediction(("harami", 30, 31))),
    )
    assert [(result.event_id, result.status) for result in results] == [
        ("e1", "accepted"),
        ("e2", "rejected"),
        ("e3", "conflict"),
        ("e1", "duplicate"),
        ("e4", "accepted"),
    ]
    assert world.marks()["human"] == [STAR, ("harami", 30, 31)]


def test_what_was_not_accepted_leaves_no_trace_and_may_come_again(world: World) -> None:
    conflicting = world.event("e2", "dismiss", world.prediction(STAR), reason="wrong_label")
    world.send(world.event("e1", "confirm", world.prediction(STAR)), conflicting)
    with world.database.read() as session:
        assert list(session.scalars(select(FeedbackEventRow.event_id))) == ["e1"]
    results = world.send(world.event("u1", "undo", undoes="e1"), conflicting)
    assert [result.status for result in results] == ["accepted", "accepted"]


def test_nothing_lasts_when_the_transaction_fails(world: World) -> None:
    def record_and_stop() -> None:
        with world.database.begin() as session:
            event = world.event("e1", "confirm", world.prediction(STAR))
            record_feedback(session, LABELS, [event], bar_times=lambda _: world.time)
            raise RuntimeError("the process died")

    with pytest.raises(RuntimeError):
        record_and_stop()
    assert world.marks()["human"] == []
    assert waiting(world) == []


def test_the_body_is_kept_as_it_came(world: World) -> None:
    more = {"note": "Sure.", "review_item": "r-7", "blind": True, "seconds": 2.5}
    world.send(world.event("e1", "confirm", world.prediction(STAR), **more))
    with world.database.read() as session:
        [row] = session.scalars(select(FeedbackEventRow))
    assert {**row.body, "correction": None} == {
        **world.event("e1", "confirm", world.prediction(STAR), **more),
        "correction": None,
        "reason": None,
        "undoes": None,
    }


def test_other_series_and_label_sets_are_left_alone(world: World) -> None:
    other = world.another("IBM-1h")
    world.send(world.event("e1", "confirm", world.prediction(STAR)))
    assert other.marks()["human"] == []
    assert other.send(other.event("e2", "confirm", other.prediction(STAR)))[0].status == "accepted"
    [result] = other.send(other.event("u1", "undo", undoes="e1"))
    assert result.problem is not None
    assert result.problem.code == "unknown_event"


def test_bar_times_are_asked_for_once_per_series(world: World) -> None:
    asked = []

    def bar_times(series_id: str) -> np.ndarray:
        asked.append(series_id)
        return world.time

    events = [world.event(f"e{bar}", "confirm", world.prediction(("harami", bar, bar + 1))) for bar in (3, 9, 15)]
    with world.database.begin() as session:
        record_feedback(session, LABELS, events, bar_times=bar_times)
    assert asked == [world.series_id]


def test_results_are_json(world: World) -> None:
    results = world.send(world.event("e1", "confirm", world.prediction(STAR)), {"event_id": 7})
    dumped = [result.model_dump(mode="json") for result in results]
    assert json.loads(json.dumps(dumped)) == dumped
    assert dumped[1]["event_id"] == ""


def test_outbox_rows_wait_per_label_set(world: World) -> None:
    world.send(*(world.event(f"e{bar}", "confirm", world.prediction(("harami", bar, bar + 1))) for bar in (3, 9)))
    with world.database.read() as session:
        [entry] = outbox.waiting(session)
    assert (entry.label_set, entry.count) == (LABELS.name, 2)
