from __future__ import annotations

from typing import Any

import pytest

from candleloop.store.database import Database
from tests.support.feedback import Place, World

STAR: Place = ("star", 20, 22)


@pytest.fixture
def world(sqlite_database: Database) -> World:
    return World(sqlite_database).made()


def reject(world: World, event: dict[str, Any]) -> tuple[str, str | None]:
    [result] = world.send(event)
    assert result.status == "rejected"
    assert result.problem is not None
    assert result.problem.detail
    assert world.marks() == {"human": [], "talib": [STAR], "rejected": [], "reviewed": []}
    return result.problem.code, result.problem.field


@pytest.mark.parametrize("kind", ["prediction", "annotation"])
@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"label": "moon"}, "unknown_label", "target.label"),
        ({"start_time": "2020-09-13T12:00:00Z"}, "not_a_bar", "target.start_time"),
        ({"end_time": "2021-01-01T00:00:00Z"}, "not_a_bar", "target.end_time"),
        ({"end_time": "2020-09-13T12:26:40Z"}, "start_after_end", "target.start_time"),
        ({"start_time": "yesterday"}, "not_a_time", "target.start_time"),
        ({"start_time": None}, "not_a_time", "target.start_time"),
        ({"start_time": 1e300}, "time_out_of_range", "target.start_time"),
        ({"confidence": 2}, "bad_field", "target.confidence"),
        ({"score": 2}, "unknown_field", "target.score"),
        ({"kind": "guess"}, "bad_field", "target.kind"),
    ],
)
def test_a_wrong_target_is_rejected_by_field(
    world: World, kind: str, change: dict[str, Any], code: str, field: str
) -> None:
    world.talib(STAR)
    target = world.prediction(STAR) if kind == "prediction" else world.talib_mark(STAR)
    assert reject(world, world.event("e1", "confirm", {**target, **change})) == (code, field)


def test_a_prediction_whose_id_is_not_of_its_content_is_rejected(world: World) -> None:
    world.talib(STAR)
    target = world.prediction(STAR)
    for change in ({"id": "f" * 32}, {"model_version": "ffffffffffff"}, world.span(("star", 21, 23))):
        event = world.event("e1", "confirm", {**target, **change})
        assert reject(world, event) == ("prediction_id_mismatch", "target.id")
    event = world.event("e1", "confirm", {**target, "model_version": None})
    assert reject(world, event) == ("missing_field", "target.model_version")


def test_an_annotation_that_is_not_there_or_not_as_said_is_rejected(world: World) -> None:
    world.talib(STAR)
    other = world.another("IBM-1h")
    elsewhere = world.event("e1", "confirm", {**world.talib_mark(STAR), "id": "f" * 32})
    assert reject(world, elsewhere) == ("unknown_annotation", "target.id")
    moved = world.event("e1", "confirm", {**world.talib_mark(STAR), **world.span(("star", 21, 23))})
    assert reject(world, moved) == ("target_mismatch", "target")
    [result] = other.send(other.event("e1", "confirm", world.talib_mark(STAR)))
    assert result.problem is not None
    assert result.problem.code == "unknown_annotation"


def test_a_persons_annotation_is_no_target(world: World) -> None:
    [first] = world.send(world.event("e1", "confirm", world.prediction(STAR)))
    target = {"kind": "annotation", "id": first.annotation_id, **world.span(STAR)}
    [result] = world.send(world.event("e2", "dismiss", target, reason="wrong_label"))
    assert result.problem is not None
    assert (result.problem.code, result.problem.field) == ("not_a_talib_annotation", "target.id")


@pytest.mark.parametrize(
    ("correction", "code", "field"),
    [
        (None, "missing_correction", "correction"),
        (("moon", 20, 22), "unknown_label", "correction.label"),
        (("star", 20, 21), "wrong_length", "correction.end_time"),
        (("star", 22, 20), "start_after_end", "correction.start_time"),
        (STAR, "nothing_corrected", "correction"),
    ],
)
def test_a_wrong_correction_is_rejected_by_field(world: World, correction: Place | None, code: str, field: str) -> None:
    world.talib(STAR)
    body = None if correction is None else world.span(correction)
    assert reject(world, world.event("e1", "correct", world.talib_mark(STAR), correction=body)) == (code, field)


def test_a_label_without_fixed_length_may_be_corrected_to_any(world: World) -> None:
    world.talib(STAR)
    event = world.event("e1", "correct", world.talib_mark(STAR), correction=world.span(("flag", 18, 29)))
    assert world.send(event)[0].status == "accepted"


def test_confirming_a_span_of_the_wrong_length_is_rejected(world: World) -> None:
    world.talib(STAR)
    event = world.event("e1", "confirm", world.prediction(("star", 20, 23)))
    assert reject(world, event) == ("wrong_length", "target.end_time")


@pytest.mark.parametrize(
    ("verb", "more", "code", "field"),
    [
        ("dismiss", {}, "missing_reason", "reason"),
        ("dismiss", {"reason": "dull"}, "bad_field", "reason"),
        ("undo", {}, "missing_undoes", "undoes"),
        ("undo", {"undoes": "e9"}, "unknown_event", "undoes"),
        ("confirm", {"target": None}, "missing_target", "target"),
        ("confirm", {"reason": "unsure"}, "unexpected_field", "reason"),
        ("confirm", {"undoes": "e9"}, "unexpected_field", "undoes"),
        ("confirm", {"series_id": "MOON-1h"}, "unknown_series", "series_id"),
        ("confirm", {"series_id": 7}, "bad_field", "series_id"),
        ("confirm", {"series_id": {}}, "bad_field", "series_id"),
        ("confirm", {"event_id": "has spaces"}, "bad_field", "event_id"),
        ("confirm", {"event_id": "x" * 65}, "bad_field", "event_id"),
        ("confirm", {"seconds": float("nan")}, "bad_field", "seconds"),
        ("confirm", {"mood": "good"}, "unknown_field", "mood"),
    ],
)
def test_a_wrong_event_is_rejected_by_field(
    world: World, verb: str, more: dict[str, Any], code: str, field: str
) -> None:
    world.talib(STAR)
    assert reject(world, {**world.event("e1", verb, world.talib_mark(STAR)), **more}) == (code, field)


def test_an_undo_cannot_be_undone(world: World) -> None:
    world.talib(STAR)
    world.send(world.event("e1", "confirm", world.talib_mark(STAR)), world.event("u1", "undo", undoes="e1"))
    assert reject(world, world.event("u2", "undo", undoes="u1")) == ("cannot_undo", "undoes")
