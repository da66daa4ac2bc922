from __future__ import annotations

import numpy as np
from sqlalchemy import select

from candleloop.annotations.identity import prediction_id
from candleloop.store.database import Database
from candleloop.store.predictions import drop_predictions, upsert_predictions
from candleloop.store.tables import PredictionRow
from tests.support.annotations import time_spans
from tests.support.feedback import LABELS, MODEL, World


def upsert(world: World, confidence: list[float], *, provisional: bool) -> list[str]:
    rows = [(0, 20, 22), (1, 57, 58)]
    with world.database.begin() as session:
        return upsert_predictions(
            session,
            world.series_id,
            LABELS,
            MODEL,
            time_spans(rows, world.time),
            confidence=np.array(confidence),
            probabilities=np.array([[0.1, 0.7, 0.1, 0.1], [0.25, 0.25, 0.5, 0.0]], dtype=np.float32),
            uncertainty=np.array([0.3, 0.5]),
            provisional=np.array([False, provisional]),
        )


def test_predictions_are_stored_under_ids_of_their_content_and_brought_up_to_date(database: Database) -> None:
    world = World(database).made()
    first = upsert(world, [0.9, 0.4], provisional=True)
    assert first[0] == prediction_id(world.series_id, MODEL, "star", int(world.time[20]), int(world.time[22]))
    assert upsert(world, [0.8, 0.6], provisional=False) == first
    with database.read() as session:
        rows = session.scalars(select(PredictionRow).order_by(PredictionRow.start_time)).all()
    assert [(row.id, row.label, row.confidence, row.provisional) for row in rows] == [
        (first[0], "star", 0.8, False),
        (first[1], "harami", 0.6, False),
    ]
    assert rows[1].probabilities == {"background": 0.25, "star": 0.25, "harami": 0.5, "flag": 0.0}


def test_only_predictions_that_end_between_the_times_are_dropped(database: Database) -> None:
    world = World(database).made()
    first, second = upsert(world, [0.9, 0.4], provisional=False)

    def drop(begin: int, end: int, earliest: int) -> int:
        with database.begin() as session:
            times = {"first_time": int(world.time[begin]), "last_time": int(world.time[end])}
            place = world.series_id, LABELS.name, MODEL
            return drop_predictions(session, *place, **times, earliest_start=int(world.time[earliest]))

    assert drop(20, 21, 0) == 0
    assert drop(59, 59, 0) == 0
    assert drop(22, 57, 20) == 1
    with database.read() as session:
        assert session.scalars(select(PredictionRow.id)).all() == [second]
    assert first != second
