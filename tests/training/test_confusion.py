from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from candleloop.annotations.spans import Spans
from candleloop.training.confusion import confusion_matrix, confusions
from candleloop.training.event_counts import Counted, EvaluationCase, count_case
from tests.support.annotations import Row, label_set, plain_truth

LABELS = label_set([3, 1, 2])
N_BARS = 60


def counted(truth: list[Row], predicted: list[Row]) -> Counted:
    case = EvaluationCase(
        series_id="S",
        truth=plain_truth(truth, N_BARS, 3),
        proposed=Spans.of(predicted),
        confidence=np.ones(len(predicted)),
        bars=np.ones(N_BARS, dtype=np.bool_),
    )
    return count_case(case, LABELS, dict.fromkeys(LABELS.names, 0.5))


def cells(truth: list[Row], predicted: list[Row]) -> dict[tuple[str | None, str | None], int]:
    found = confusions([counted(truth, predicted)], LABELS)
    return {(cell.label, cell.predicted): cell.count for cell in found}


def test_right_wrong_missed_and_mistaken_spans_have_their_cells() -> None:
    found = cells([(0, 4, 6), (0, 14, 16), (1, 30, 30)], [(0, 4, 6), (2, 15, 16), (2, 50, 51)])
    assert found == {("a", "a"): 1, ("a", "c"): 1, ("b", None): 1, (None, "c"): 1}


def test_another_label_at_the_same_bars_is_a_span_more_and_no_confusion() -> None:
    assert cells([(0, 4, 6)], [(0, 4, 6), (2, 5, 6)]) == {("a", "a"): 1, (None, "c"): 1}


SPANS = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, N_BARS - 5), st.integers(0, 4)).map(
        lambda r: (r[0], r[1], r[1] + r[2])
    ),
    max_size=15,
    unique=True,
)


@given(SPANS, SPANS)
def test_rows_add_up_to_the_true_spans_and_columns_to_the_predicted_ones(
    truth: list[Row], predicted: list[Row]
) -> None:
    one = counted(truth, predicted)
    matrix = confusion_matrix(confusions([one], LABELS), LABELS)
    assert matrix[-1, -1] == 0
    assert matrix[:-1].sum(axis=1).tolist() == np.bincount(one.truth.label, minlength=3).tolist()
    assert matrix[:, :-1].sum(axis=0).tolist() == np.bincount(one.predicted.label, minlength=3).tolist()
    assert matrix.trace() == len(one.matches)
