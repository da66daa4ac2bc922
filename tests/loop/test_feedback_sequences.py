"""Properties of any sequence of feedback events."""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from candleloop.store.database import Database
from tests.support.feedback import Place, World

TALIB: tuple[Place, ...] = (("star", 12, 14), ("harami", 13, 14), ("harami", 20, 21), ("flag", 30, 34))
OTHERS: tuple[Place, ...] = (("star", 12, 14), ("star", 40, 42), ("harami", 20, 21), ("flag", 12, 14))
REASONS = ("nothing_here", "wrong_label", "wrong_edges", "duplicate", "unsure")

names = itertools.count()
fresh_series = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

decisions = st.tuples(
    st.sampled_from(["confirm", "correct", "dismiss"]),
    st.one_of(
        st.tuples(st.just("talib"), st.sampled_from(TALIB)), st.tuples(st.just("model"), st.sampled_from(OTHERS))
    ),
    st.sampled_from(OTHERS),
    st.sampled_from(REASONS),
)


def world_of(database: Database) -> World:
    world = World(database, series_id=f"S{next(names)}").made()
    world.talib(*TALIB)
    return world


def event_of(world: World, number: int, decision: Any) -> dict[str, Any]:
    verb, (kind, place), correction, reason = decision
    target = world.talib_mark(place) if kind == "talib" else world.prediction(place)
    more: dict[str, Any] = {"correct": {"correction": world.span(correction)}, "dismiss": {"reason": reason}}.get(
        verb, {}
    )
    return world.event(f"{world.series_id}-e{number}", verb, target, **more)


def undo_of(world: World, event_id: str) -> dict[str, Any]:
    return world.event(f"undo-{event_id}", "undo", undoes=event_id)


@fresh_series
@given(chosen=st.lists(decisions, max_size=8), data=st.data())
def test_undoing_all_in_any_order_gives_back_the_marks(
    sqlite_database: Database, chosen: list[Any], data: st.DataObject
) -> None:
    world = world_of(sqlite_database)
    before = world.marks()
    results = world.send(*(event_of(world, number, decision) for number, decision in enumerate(chosen)))
    accepted = [result.event_id for result in results if result.status == "accepted"]
    undone = world.send(*(undo_of(world, event_id) for event_id in data.draw(st.permutations(accepted))))
    assert {result.status for result in undone} <= {"accepted"}
    assert world.marks() == before


@fresh_series
@given(chosen=st.lists(decisions, min_size=1, max_size=6), data=st.data())
def test_repeats_anywhere_change_nothing(sqlite_database: Database, chosen: list[Any], data: st.DataObject) -> None:
    plain, repeating = world_of(sqlite_database), world_of(sqlite_database)
    sent = []
    for number, decision in enumerate(chosen):
        plain.send(event_of(plain, number, decision))
        sent.append(event_of(repeating, number, decision))
        first = repeating.send(sent[-1])[0]
        again = repeating.send(data.draw(st.sampled_from(sent)), sent[-1])
        assert again[1].status == ("duplicate" if first.status == "accepted" else first.status)
        assert again[1].annotation_id == first.annotation_id
    assert repeating.marks() == plain.marks()


@fresh_series
@given(chosen=st.lists(decisions, max_size=6), undone=st.sets(st.integers(0, 5)), talib=st.sets(st.sampled_from(TALIB)))
def test_auto_labelling_in_between_never_touches_a_persons_decision(
    sqlite_database: Database, chosen: list[Any], undone: set[int], talib: set[Place]
) -> None:
    world = world_of(sqlite_database)
    results = world.send(*(event_of(world, number, decision) for number, decision in enumerate(chosen)))
    decided = world.marks()
    world.talib(*sorted(talib))
    after = world.marks()
    assert {**after, "talib": []} == {**decided, "talib": []}
    assert set(after["talib"]) <= talib
    accepted = [result.event_id for result in results if result.status == "accepted"]
    world.send(*(undo_of(world, event_id) for number, event_id in enumerate(accepted) if number in undone))
    assert set(world.marks()["talib"]) <= talib
    world.send(*(undo_of(world, event_id) for event_id in accepted))
    assert world.marks() == {
        "human": [],
        "talib": sorted(talib, key=lambda place: (place[1], place[2], place[0])),
        "rejected": [],
        "reviewed": [],
    }


@fresh_series
@given(chosen=st.lists(decisions, max_size=8))
def test_no_two_decisions_hold_on_the_same_label_and_bars(sqlite_database: Database, chosen: list[Any]) -> None:
    world = world_of(sqlite_database)
    world.send(*(event_of(world, number, decision) for number, decision in enumerate(chosen)))
    found = world.marks()
    places = found["human"] + found["rejected"]
    assert len(places) == len(set(places))
