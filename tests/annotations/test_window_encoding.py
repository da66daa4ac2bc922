from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from candleloop.annotations.encodings import Proposals, WindowEncoding, encoding_for, encoding_from_json
from candleloop.annotations.truth import Truth, resolve
from candleloop.errors import BadConfiguration
from candleloop.pipeline_config import EncodingConfig
from tests.support.annotations import Row, bar_times, label_set, plain_truth, series_marks, time_range

LENGTHS = (3, 1, 2)
ENCODING = WindowEncoding(LENGTHS)
N_BARS = 20
TIME = bar_times(N_BARS)
ALL = (0, 1, 2)


def truth_of(**marks: object) -> Truth:
    return resolve(series_marks(TIME, **marks), TIME, len(LENGTHS))  # type: ignore[arg-type]


def decode_targets(target: np.ndarray, *, encoding: WindowEncoding = ENCODING) -> Proposals:
    """Decode what a model that is sure of each target would say."""
    probabilities = np.zeros((len(target), encoding.n_classes), dtype=np.float32)
    probabilities[np.arange(len(target)), np.maximum(target, 0)] = 1
    return encoding.decode(probabilities, np.arange(len(target)), n_bars=len(target), floor=0.5)


def test_a_bar_has_the_class_of_the_span_that_ends_there_and_background_where_all_labels_are_known() -> None:
    truth = truth_of(talib=[(0, 4, 6), (2, 14, 15)], coverage=[time_range(2, 8, ALL, TIME)])
    target = ENCODING.encode(truth, N_BARS).target
    assert target.dtype == np.int16
    assert target.tolist() == [-1] * 2 + [0, 0, 0, 0, 1, 0, 0] + [-1] * 6 + [3] + [-1] * 4


def test_a_bar_known_for_some_labels_only_is_left_out() -> None:
    truth = truth_of(coverage=[time_range(0, 9, (0, 1), TIME)])
    assert (ENCODING.encode(truth, N_BARS).target == -1).all()


def test_a_target_is_human_where_a_person_decided_it() -> None:
    truth = truth_of(
        human=[(1, 3, 3)],
        talib=[(0, 4, 6), (2, 10, 11), (2, 15, 16)],
        rejections=[(2, 10, 11), (1, 6, 6)],
        coverage=[time_range(0, 19, ALL, TIME)],
        reviewed=[time_range(14, 17, ALL, TIME)],
    )
    targets = ENCODING.encode(truth, N_BARS)
    assert np.flatnonzero(targets.by_human).tolist() == [3, 11, 14, 15, 16, 17]
    assert targets.target[[3, 6, 11, 16]].tolist() == [2, 1, 0, 0]


def test_the_end_of_a_talib_mark_that_a_person_moved_is_a_human_negative() -> None:
    targets = ENCODING.encode(
        truth_of(human=[(0, 5, 7)], talib=[(0, 4, 6)], coverage=[time_range(0, 19, ALL, TIME)]), N_BARS
    )
    assert targets.target[[6, 7]].tolist() == [0, 1]
    assert np.flatnonzero(targets.by_human).tolist() == [6, 7]


def test_a_rejection_says_not_this_label_where_nothing_else_is_known() -> None:
    truth = truth_of(
        human=[(0, 2, 4)],
        rejections=[(2, 8, 9), (0, 7, 9), (2, 8, 9), (1, 4, 4), (1, 15, 15)],
        coverage=[time_range(15, 15, ALL, TIME)],
    )
    targets = ENCODING.encode(truth, N_BARS)
    assert targets.rejected.tolist() == [[9, 1], [9, 3]]
    assert targets.target[9] == -1
    assert not targets.by_human[9]
    assert targets.target[15] == 0
    assert targets.by_human[15]


def test_without_rejections_the_list_has_two_columns_still() -> None:
    rejected = ENCODING.encode(truth_of(), N_BARS).rejected
    assert rejected.shape == (0, 2)
    assert rejected.dtype == np.int64


def test_where_two_spans_end_at_one_bar_the_human_one_wins_then_the_order_of_the_label_set() -> None:
    rows: list[Row] = [(2, 5, 6), (1, 6, 6), (0, 10, 12), (1, 12, 12), (2, 11, 12)]
    truth = plain_truth(rows, N_BARS, 3, by_human=[True, False, False, False, False])
    targets = ENCODING.encode(truth, N_BARS)
    assert targets.target[[6, 12]].tolist() == [3, 1]
    assert targets.by_human[[6, 12]].tolist() == [True, False]
    assert targets.losses == {"overlap": 3, "length": 0, "gap": 0}


def test_a_span_of_another_length_teaches_where_it_ends_and_is_counted() -> None:
    targets = ENCODING.encode(plain_truth([(0, 2, 6)], N_BARS, 3), N_BARS)
    assert targets.target[6] == 1
    assert targets.losses == {"overlap": 0, "length": 1, "gap": 0}


def test_the_order_of_the_label_set_goes_before_the_right_length() -> None:
    targets = ENCODING.encode(plain_truth([(0, 5, 6), (2, 5, 6)], N_BARS, 3), N_BARS)
    assert targets.target[6] == 1
    assert targets.losses == {"overlap": 1, "length": 1, "gap": 0}


def test_of_two_spans_of_one_label_the_one_that_can_come_back_wins() -> None:
    targets = ENCODING.encode(plain_truth([(0, 2, 6), (0, 4, 6), (0, 5, 6)], N_BARS, 3), N_BARS)
    assert targets.losses == {"overlap": 2, "length": 0, "gap": 0}


ROWS = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, N_BARS - 1), st.integers(1, 4), st.booleans(), st.booleans()),
    max_size=15,
    unique_by=lambda row: row[:2],
)


@given(ROWS)
def test_spans_come_back_from_their_classes_or_their_loss_is_counted(
    drawn: list[tuple[int, int, int, bool, bool]],
) -> None:
    rows = {}
    for label, end, length, odd_length, human in drawn:
        start = end - (length if odd_length else LENGTHS[label]) + 1
        if start >= 0:
            rows[label, start, end] = human
    truth = plain_truth(list(rows), N_BARS, 3, by_human=list(rows.values()))
    targets = ENCODING.encode(truth, N_BARS)
    back = set(decode_targets(targets.target).spans.rows())
    assert len(set(rows) - back) == sum(targets.losses.values())
    assert len(back - set(rows)) <= targets.losses["length"]


def test_every_label_that_reaches_the_floor_is_proposed_at_a_bar() -> None:
    probabilities = np.array([[0.2, 0.5, 0.25, 0.05], [0.96, 0.04, 0.0, 0.0]], dtype=np.float32)
    found = ENCODING.decode(probabilities, np.array([6, 9]), n_bars=N_BARS, floor=0.05)
    assert found.spans.rows() == [(0, 4, 6), (2, 5, 6), (1, 6, 6)]
    assert found.confidence == pytest.approx([0.5, 0.05, 0.25])
    assert found.confidence.dtype == np.float64
    assert found.probabilities.dtype == np.float32
    assert found.probabilities.tolist() == [probabilities[0].tolist()] * 3
    assert found.provisional.tolist() == [False] * 3


def test_a_span_is_not_proposed_across_the_edge_of_its_segment() -> None:
    probabilities = np.tile(np.array([0, 1, 0, 0], dtype=np.float32), (N_BARS, 1))
    found = ENCODING.decode(
        probabilities, np.arange(N_BARS), n_bars=N_BARS, floor=0.5, segment_starts=np.array([0, 10, 11])
    )
    assert found.spans.end.tolist() == [*range(2, 10), *range(13, N_BARS)]
    whole = ENCODING.decode(probabilities, np.arange(N_BARS), n_bars=N_BARS, floor=0.5)
    assert whole.spans.end.tolist() == list(range(2, N_BARS))


def test_no_rows_propose_nothing() -> None:
    found = ENCODING.decode(np.empty((0, 4), dtype=np.float32), np.empty(0, dtype=np.int64), n_bars=0, floor=0.0)
    assert len(found) == 0
    assert found.probabilities.shape == (0, 4)


def test_arrays_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        ENCODING.decode(np.zeros((2, 3), dtype=np.float32), np.array([0, 1]), n_bars=5, floor=0.5)
    with pytest.raises(ValueError, match="outside the 5 bars"):
        ENCODING.decode(np.zeros((1, 4), dtype=np.float32), np.array([5]), n_bars=5, floor=0.5)
    with pytest.raises(ValueError, match="20 bars, not 21"):
        ENCODING.encode(truth_of(), 21)


def test_the_encoding_of_a_label_set_survives_json() -> None:
    encoding = encoding_for(EncodingConfig(), label_set(LENGTHS))
    assert (encoding.kind, encoding.right_context, encoding.n_classes, encoding.longest_span) == ("window", 0, 4, 3)
    assert encoding_from_json(json.loads(json.dumps(encoding.to_json()))) == encoding


def test_a_label_without_fixed_bars_is_named() -> None:
    with pytest.raises(BadConfiguration, match="label 'b'") as caught:
        encoding_for(EncodingConfig(kind="window"), label_set([3, None, 2]))
    assert caught.value.details == {"field": "encoding.kind", "label": "b"}


def test_a_right_context_that_the_encoding_cannot_have_is_refused() -> None:
    with pytest.raises(BadConfiguration, match="right_context must be 0, not 2") as caught:
        encoding_for(EncodingConfig(right_context=2), label_set(LENGTHS))
    assert caught.value.details["field"] == "encoding.right_context"


def test_an_unknown_kind_in_a_description_is_refused() -> None:
    with pytest.raises(BadConfiguration, match="no encoding of kind 'tea'; there are window, bio"):
        encoding_from_json({"kind": "tea"})


def test_an_unknown_kind_in_the_configuration_never_falls_back_to_another_encoding() -> None:
    with pytest.raises(BadConfiguration, match="no encoding of kind 'tea'"):
        encoding_for(EncodingConfig.model_construct(kind="tea"), label_set(LENGTHS))
