from __future__ import annotations

import json

import numpy as np
import pytest

from candleloop.annotations.label_set import LabelSet
from candleloop.annotations.spans import Spans
from candleloop.inference.answer import prediction_rows, prediction_texts
from candleloop.inference.predictor import Predictions
from config.settings import ROOT

LABELS = LabelSet.load(ROOT / "config" / "label_sets" / "default.yaml")


def predictions(ids: tuple[str, ...] | None) -> Predictions:
    shares = np.random.default_rng(3).dirichlet(np.ones(len(LABELS.names) + 1), 2).astype(np.float32)
    return Predictions(
        spans=Spans(np.array([0, 3]), np.array([1, 4]), np.array([3, 4])),
        confidence=np.array([0.123456789012345, 1.0]),
        probabilities=shares,
        uncertainty=np.array([0.1, 1e-9]),
        provisional=np.array([False, True]),
        ids=ids,
        warnings=(),
    )


@pytest.mark.parametrize("ids", [None, ("a" * 32, "b" * 32)])
def test_texts_are_the_rows_with_probabilities_in_their_own_precision(ids: tuple[str, ...] | None):
    time = np.arange(6) * 60_000_000 + 500_000
    found = predictions(ids)
    texts = [json.loads(text) for text in prediction_texts(found, time, LABELS, first_bar=7)]
    rows = prediction_rows(found, time, LABELS, first_bar=7)
    for line, row in zip(texts, rows, strict=True):
        exact = {name: np.float32(value) for name, value in line.pop("probabilities").items()}
        assert exact == row.pop("probabilities")
        assert line == row
        assert list(line) == list(row)


def test_each_text_begins_with_what_more_there_is_to_say():
    more = {"input": 3, "series_id": 'of "100 %s"'}
    time, found = np.arange(6), predictions(None)
    texts = [json.loads(text) for text in prediction_texts(found, time, LABELS, more=more)]
    without = [json.loads(text) for text in prediction_texts(found, time, LABELS)]
    assert texts == [{**more, **one} for one in without]
    assert list(texts[0])[:2] == ["input", "series_id"]


def test_no_predictions_are_no_texts():
    none = predictions(None)[np.zeros(2, dtype=np.bool_)]
    assert prediction_texts(none, np.arange(6), LABELS, more={"input": 0}) == []
