from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest

from candleloop.training.report import NONE, figures, importance, tables
from candleloop.training.train import TrainedModel, train
from tests.support.snapshots import labelled_series, quick_config

SNAPSHOT, CANDLES, CANDLES_OF = labelled_series()


@pytest.fixture(scope="module", params=["xgboost", "random_forest"])
def trained(request: pytest.FixtureRequest) -> TrainedModel:
    return train(SNAPSHOT, CANDLES_OF, quick_config(family=request.param))


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_the_label_table_has_a_row_for_each_label(trained: TrainedModel) -> None:
    found = rows(tables(trained)["labels.csv"])
    assert [row["label"] for row in found] == list(SNAPSHOT.label_set.names)
    engulfing = next(score for score in trained.evaluation.labels if score.label == "bullish_engulfing")
    own = next(row for row in found if row["label"] == "bullish_engulfing")
    assert float(own["f1"]) == pytest.approx(engulfing.f1, abs=1e-4)
    assert float(own["f1_low"]) <= float(own["f1_high"])


def test_the_confusion_table_adds_up_to_the_true_spans(trained: TrainedModel) -> None:
    found = rows(tables(trained)["confusion.csv"])
    for score in trained.evaluation.labels:
        assert sum(int(row["count"]) for row in found if row["label"] == score.label) == score.support
    assert not [row for row in found if row["label"] == row["predicted"] == NONE]


def test_importance_names_the_columns_and_adds_up_to_one(trained: TrainedModel) -> None:
    found = importance(trained)
    assert sorted(name for name, _ in found) == sorted(trained.bundle.feature_spec.names)
    assert sum(share for _, share in found) == pytest.approx(1)
    assert found[0][1] == max(share for _, share in found)
    assert [row["column"] for row in rows(tables(trained)["importance.csv"])] == [name for name, _ in found]


def test_every_figure_is_drawn_and_what_cannot_be_measured_has_none(trained: TrainedModel) -> None:
    for name, figure in figures(trained).items():
        drawn = io.BytesIO()
        figure.savefig(drawn)
        assert drawn.getvalue().startswith(b"\x89PNG"), name
    empty = replace(trained, evaluation=trained.evaluation.model_copy(update={"calibration": None, "confusions": ()}))
    assert sorted(figures(empty)) == ["confusion.png", "importance.png"]
    assert rows(tables(empty)["reliability.csv"]) == []
