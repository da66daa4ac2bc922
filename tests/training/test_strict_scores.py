"""The strict scores against seqeval's, the reference of sequence labelling."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics import classification_report
from seqeval.scheme import IOB2

from candleloop.annotations.spans import Spans
from candleloop.pipeline_config import EvaluationConfig
from candleloop.training.evaluation import Evaluation, EvaluationCase, evaluate
from tests.support.annotations import Row, label_set, plain_truth

N_BARS = 30
LABELS = label_set([None, None, None])


def measured(*cases: tuple[list[Row], list[Row]]) -> Evaluation:
    """Measure predicted spans against true ones, each case a series of its own."""
    return evaluate(
        [
            EvaluationCase(
                series_id=str(number),
                truth=plain_truth(truth, N_BARS, 3),
                proposed=Spans.of(predicted),
                confidence=np.ones(len(predicted)),
                bars=np.ones(N_BARS, dtype=np.bool_),
            )
            for number, (truth, predicted) in enumerate(cases)
        ],
        LABELS,
        dict.fromkeys(LABELS.names, 0.5),
        EvaluationConfig(bootstrap_samples=0),
        seed=0,
    )


def tags(rows: list[Row]) -> list[list[str]]:
    """Return one sequence of IOB2 tags for each label."""
    layers = [["O"] * N_BARS for _ in LABELS.names]
    for label, start, end in rows:
        name = LABELS.names[label]
        layers[label][start : end + 1] = [f"B-{name}", *[f"I-{name}"] * (end - start)]
    return layers


def apart(lengths: list[tuple[int, int]], label: int) -> list[Row]:
    """Return spans of one label after one another from (gap before, length); a gap of 0 makes neighbours."""
    rows, bar = [], 0
    for gap, length in lengths:
        if bar + gap + length > N_BARS:
            break
        rows.append((label, bar + gap, bar + gap + length - 1))
        bar += gap + length
    return rows


LAYER = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 4)), max_size=8)
SPANS = st.tuples(LAYER, LAYER, LAYER).map(
    lambda layers: [row for label, layer in enumerate(layers) for row in apart(layer, label)]
)


@given(st.lists(st.tuples(SPANS, SPANS), min_size=1, max_size=3))
def test_strict_scores_equal_those_of_seqeval(cases: list[tuple[list[Row], list[Row]]]) -> None:
    found = measured(*cases)
    true = [layer for truth, _ in cases for layer in tags(truth)]
    predicted = [layer for _, spans in cases for layer in tags(spans)]
    if not any(truth for truth, _ in cases):
        assert found.strict.f1 is None
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report = classification_report(true, predicted, mode="strict", scheme=IOB2, output_dict=True, zero_division=0)
    expected = report["micro avg"]
    assert (found.strict.precision, found.strict.recall, found.strict.f1) == pytest.approx(
        (expected["precision"], expected["recall"], expected["f1-score"])
    )
    by_label = {score.label: score.strict_f1 for score in found.labels if score.support}
    assert by_label == pytest.approx({name: report[name]["f1-score"] for name in by_label})
    assert found.strict.macro_f1 == pytest.approx(np.mean(list(by_label.values())))


def test_a_bar_too_many_is_wrong_where_the_event_score_forgives_it() -> None:
    found = measured(([(0, 4, 9)], [(0, 4, 10)]))
    assert (found.strict.f1, found.macro_f1) == (0.0, 1.0)


def test_neighbours_of_one_label_are_not_one_long_span() -> None:
    apart_, joined = [(0, 4, 5), (0, 6, 7)], [(0, 4, 7)]
    assert measured((apart_, apart_)).strict.f1 == 1
    assert measured((apart_, joined)).strict.f1 == 0


def test_without_true_spans_there_is_nothing_to_score() -> None:
    assert measured(([], [(0, 4, 7)])).strict.model_dump() == dict.fromkeys(
        ("precision", "recall", "f1", "macro_f1"), None
    )
