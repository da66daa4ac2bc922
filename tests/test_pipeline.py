"""The stages of the loop, one after another, on candles made here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from candleloop import pipeline
from candleloop.annotations.label_set import LabelSet
from candleloop.candles.frame import Candles
from candleloop.candles.readers import read_candles
from candleloop.candles.store import CandleStore
from candleloop.context import Context
from candleloop.errors import Conflict, NoModel, NotFound, TooFewLabels
from candleloop.inference.answer import prediction_rows
from candleloop.inference.predictor import Predictions, Predictor
from candleloop.loop.events import FeedbackEvent
from candleloop.loop.feedback import record_feedback
from candleloop.patterns import auto_label, search
from candleloop.store import label_sets, marks, models, series
from candleloop.times import iso_times
from config.context import open_context
from tests.support.candles import random_candles
from tests.support.service import csv_of, prepared

CANDLES = random_candles(3_000, seed=5)


@pytest.fixture
def context(tmp_path: Path) -> Context:
    """A context in a folder of its own, label sets known, MLflow away."""
    return open_context(prepared(tmp_path / "home"))


@pytest.fixture
def labelled(context: Context) -> Context:
    """The same with two auto-labelled series."""
    for seed, symbol in ((5, "ONE"), (6, "TWO")):
        pipeline.import_file(context, csv_of(random_candles(3_000, seed=seed)), name=f"{symbol}_1h.csv", symbol=symbol)
        pipeline.auto_label_series(context, f"{symbol}-1h", "default")
    return context


def test_an_imported_file_becomes_a_series_with_its_latest_fifth_as_test_bars(context: Context) -> None:
    outcome = pipeline.import_file(context, csv_of(CANDLES), name="BTC-USD_1h.csv", symbol="BTC/USD")
    assert (outcome.series_id, outcome.created, outcome.timeframe_seconds) == ("BTC-USD-1h", True, 3_600)
    stored = pipeline.read_series(context, "BTC-USD-1h")
    assert stored.version() == outcome.version == CANDLES.version()
    with context.database.read() as session:
        assert series.test_bars(session, "BTC-USD-1h") == (int(CANDLES.time[2_400]), int(CANDLES.time[-1]))


def test_importing_the_same_file_again_changes_nothing(context: Context) -> None:
    first = pipeline.import_file(context, csv_of(CANDLES), name="A_1h.csv", symbol="A")
    again = pipeline.import_file(context, csv_of(CANDLES), name="A_1h.csv", symbol="A")
    assert (first.created, again.created) == (True, False)
    assert again.version == first.version


def test_other_candles_under_the_same_id_are_refused_and_the_series_stays(context: Context) -> None:
    first = pipeline.import_file(context, csv_of(CANDLES), name="A_1h.csv", symbol="A")
    with pytest.raises(Conflict):
        pipeline.import_file(context, csv_of(random_candles(3_000, seed=9)), name="A_1h.csv", symbol="A")
    assert pipeline.read_series(context, "A-1h").version() == first.version


def test_auto_labels_are_stored_with_the_bars_that_were_searched(context: Context) -> None:
    pipeline.import_file(context, csv_of(CANDLES), name="A_1h.csv", symbol="A")
    outcome = pipeline.auto_label_series(context, "A-1h", "default")
    assert outcome.spans == sum(outcome.by_label.values()) > 100
    with context.database.read() as session:
        found = marks.load_marks(session, "A-1h", label_sets.get(session, "default"))
    assert len(found.annotations) == outcome.spans
    assert not found.by_human.any()
    covered = sum(
        int(((CANDLES.time >= part.start_time) & (CANDLES.time <= part.end_time)).sum()) for part in found.coverage
    )
    assert covered == outcome.covered_bars > 2_900


def test_training_without_labels_says_how_many_there_are(context: Context) -> None:
    pipeline.import_file(context, csv_of(CANDLES), name="A_1h.csv", symbol="A")
    with pytest.raises(TooFewLabels) as refused:
        pipeline.run_training(context, "default")
    assert refused.value.details["counts"]["morning_star"] == 0


def test_a_label_set_without_a_model_says_how_to_get_one(context: Context) -> None:
    with pytest.raises(NoModel, match="candleloop train"):
        pipeline.evaluate_champion(context, "default")
    with pytest.raises(NotFound):
        pipeline.evaluate_champion(context, "no-such-set")


def test_the_first_model_goes_live_and_the_same_inputs_give_the_same_version(labelled: Context) -> None:
    first = pipeline.run_training(labelled, "default")
    assert (first.promoted, first.previous, first.champion) == (True, None, first.version)
    assert first.evaluation.macro_f1 is not None
    assert first.evaluation.macro_f1 > 0.5
    assert any("MLflow" in warning for warning in first.warnings), "MLflow is away and the user is told"
    again = pipeline.run_training(labelled, "default")
    assert (again.version, again.promoted, again.champion) == (first.version, False, first.version)
    assert [row["version"] for row in pipeline.list_models(labelled, "default")] == [first.version]


def test_the_served_model_is_measured_as_it_was_in_training(labelled: Context) -> None:
    outcome = pipeline.run_training(labelled, "default")
    version, evaluation = pipeline.evaluate_champion(labelled, "default")
    assert version == outcome.version
    assert evaluation.macro_f1 == outcome.evaluation.macro_f1


def test_feedback_outside_the_test_bars_changes_the_next_version(labelled: Context) -> None:
    first = pipeline.run_training(labelled, "default")
    with labelled.database.begin() as session:
        label_set = label_sets.get(session, "default")
        mark = marks.list_annotations(session, "ONE-1h", "default").items[0]
        event = FeedbackEvent.model_validate(
            {
                "event_id": "first-event",
                "verb": "dismiss",
                "series_id": "ONE-1h",
                "target": {
                    "kind": "annotation",
                    "id": mark.id,
                    "label": mark.label,
                    "start_time": iso_times(np.array([mark.start_time]))[0],
                    "end_time": iso_times(np.array([mark.end_time]))[0],
                },
                "reason": "nothing_here",
            }
        )
        results = record_feedback(session, label_set, [event], bar_times=_bar_times(labelled))
    assert [result.status for result in results] == ["accepted"]
    second = pipeline.run_training(labelled, "default")
    assert second.version != first.version
    assert second.gate.champion_macro_f1 == first.gate.candidate_macro_f1


def test_a_pinned_model_stays_whatever_the_gate_says(labelled: Context) -> None:
    first = pipeline.run_training(labelled, "default")
    with labelled.database.begin() as session:
        models.pin(session, "default")
    other = replace(
        labelled,
        config=labelled.config.model_copy(
            update={"training": labelled.config.training.model_copy(update={"seed": 8, "balancing": "none"})}
        ),
    )
    second = pipeline.run_training(other, "default")
    assert second.version != first.version
    assert (second.promoted, second.champion) == (False, first.version)
    if second.gate.promote:
        assert any("pinned" in warning for warning in second.warnings)


def test_a_damaged_champion_is_told_and_replaced_by_a_model_that_works(labelled: Context) -> None:
    first = pipeline.run_training(labelled, "default")
    path = Path(labelled.storage.path(f"models/{first.version}.zip"))
    path.write_bytes(path.read_bytes()[:-100])
    other = replace(
        labelled,
        config=labelled.config.model_copy(
            update={"training": labelled.config.training.model_copy(update={"balancing": "none"})}
        ),
    )
    second = pipeline.run_training(other, "default")
    assert (second.promoted, second.champion) == (True, second.version)
    assert any(first.version in warning for warning in second.warnings)


def test_the_stages_of_dvc_repro_are_those_of_a_training(labelled: Context, tmp_path: Path) -> None:
    folder = tmp_path / "output"
    for name in ("snapshot", "train", "register"):
        assert pipeline.run_stage(labelled, name, folder, "default")
    served = pipeline.list_models(labelled, "default")
    assert len(served) == 1
    assert served[0]["champion"]
    assert pipeline.run_training(labelled, "default").version == served[0]["version"]


def test_a_snapshot_stage_without_new_marks_writes_the_same_bytes(labelled: Context, tmp_path: Path) -> None:
    written = []
    for _ in range(2):
        pipeline.run_stage(labelled, "snapshot", tmp_path, "default")
        files = sorted(path for path in (tmp_path / "snapshot").rglob("*") if path.is_file())
        written.append([(path.name, path.read_bytes()) for path in files])
    assert written[0] == written[1]


def test_a_label_set_cannot_change_under_its_name(context: Context) -> None:
    with context.database.read() as session:
        label_set = label_sets.get(session, "default")
    changed = LabelSet(name="default", labels=label_set.labels[:-1])
    with pytest.raises(Conflict):
        pipeline.prepare(context, [changed])


def test_predicting_a_file_answers_like_the_service(labelled: Context, tmp_path: Path) -> None:
    outcome = pipeline.run_training(labelled, "default")
    file = tmp_path / "NEW_1h.csv"
    file.write_bytes(csv_of(random_candles(600, seed=21)))
    answer = pipeline.predict_file(labelled, file, "default", last=500)
    rows = list(answer.rows())
    assert answer.facts["model"]["version"] == outcome.version
    assert rows
    first = answer.facts["model"]["warmup_candles"] - 1
    assert all(first <= row["end_index"] < 500 and row["confidence"] >= 0.05 for row in rows)


def test_a_long_file_is_predicted_piece_by_piece_with_the_same_result(
    labelled: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.run_training(labelled, "default")
    candles = random_candles(900, seed=22)
    time = candles.time.copy()
    time[400:] += 40 * 86_400_000_000
    time[410:] += 40 * 86_400_000_000
    file = tmp_path / "LONG_1h.csv"
    file.write_bytes(csv_of(replace(candles, time=time)))
    bundle, _ = pipeline.champion_bundle(labelled, "default")
    whole = Predictor(bundle).predict(read_candles(file).candles, max_gap=labelled.max_gap)
    seen = list[int]()
    predict = Predictor.predict

    def noted(predictor: Predictor, candles: Candles, **more: Any) -> Predictions:
        seen.append(len(candles))
        return predict(predictor, candles, **more)

    monkeypatch.setattr(Predictor, "predict", noted)
    monkeypatch.setattr("candleloop.pipeline.predicting.PIECE", 90)
    monkeypatch.setattr("candleloop.pipeline.predicting.ROWS", 7)
    answer = pipeline.predict_file(labelled, file, "default")
    assert len(seen) == 10
    assert max(seen) < 250
    assert list(answer.rows()) == prediction_rows(whole, answer.time, bundle.label_set)
    assert len(whole) > 50
    assert answer.found.warnings == whole.warnings
    assert any("3 runs" in warning for warning in whole.warnings)


def _bar_times(context: Context) -> Callable[[str], np.ndarray]:
    def times(series_id: str) -> np.ndarray:
        with context.database.read() as session:
            version = series.get_series(session, series_id).version
        return CandleStore(context.storage).read(series_id, version).time

    return times


def test_a_damaged_model_is_put_right_by_training_the_same_again(labelled: Context) -> None:
    first = pipeline.run_training(labelled, "default")
    path = Path(labelled.storage.path(f"models/{first.version}.zip"))
    path.write_bytes(path.read_bytes()[:-100])
    again = pipeline.run_training(labelled, "default")
    assert again.version == first.version
    assert pipeline.evaluate_champion(labelled, "default")[0] == first.version


def test_damaged_candles_are_named_and_put_right_by_importing_them_again(context: Context) -> None:
    outcome = pipeline.import_file(context, csv_of(CANDLES), name="A_1h.csv", symbol="A")
    path = Path(context.storage.path(f"candles/A-1h/{outcome.version}.parquet"))
    content = path.read_bytes()
    path.write_bytes(content[:1_000] + b"\xff" * 400 + content[1_400:])
    with pytest.raises(NotFound, match="A-1h") as refused:
        pipeline.read_series(context, "A-1h")
    assert refused.value.code == "candles_damaged"
    pipeline.import_file(context, csv_of(CANDLES), name="A_1h.csv", symbol="A")
    assert pipeline.read_series(context, "A-1h").version() == outcome.version


def test_auto_labelling_by_parts_stores_what_the_whole_series_holds(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    candles = random_candles(3_000, seed=5, decimals=1)
    time = candles.time.copy()
    time[1_700:] += 1_000 * 3_600_000_000
    candles = replace(candles, time=time)
    pipeline.import_file(context, csv_of(candles), name="ONE_1h.csv")

    def stored() -> tuple[Any, ...]:
        outcome = pipeline.auto_label_series(context, "ONE-1h", "default")
        snapshot = pipeline.take_snapshot(context, "default")
        marks = snapshot.series[0].marks
        found = marks.annotations
        return outcome, found.label.tolist(), found.start_time.tolist(), found.end_time.tolist(), marks.coverage

    whole = stored()
    assert whole[0].spans == len(whole[1]) > 300
    for size in (100, 700):
        for module in (search, auto_label):
            monkeypatch.setattr(module, "BARS_AT_ONCE", size)
        assert stored() == whole
