"""The bio encoding: classes of bars and back, for spans of any length."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from candleloop.annotations.encodings import BioEncoding, Proposals, WindowEncoding, encoding_for
from candleloop.annotations.encodings import bio as bio_module
from candleloop.annotations.truth import resolve
from candleloop.pipeline_config import EncodingConfig
from tests.support.annotations import Row, bar_times, label_set, plain_truth, series_marks, time_range

N_BARS = 30
TIME = bar_times(N_BARS)
LONGEST = (3, 8, 8)
ENCODING = BioEncoding(LONGEST, right_context=7)
ALL = (0, 1, 2)
B0, I0, B1, I1, B2, I2 = range(1, 7)


def decode(probabilities: np.ndarray, *, floor: float = 0.05, segments: list[int] | None = None) -> Proposals:
    """Decode the rows of a whole series."""
    n_bars = len(probabilities)
    starts = None if segments is None else np.array(segments, dtype=np.int64)
    return ENCODING.decode(
        probabilities.astype(np.float32), np.arange(n_bars), n_bars=n_bars, floor=floor, segment_starts=starts
    )


def sure_of(classes: list[int] | np.ndarray, *, share: float = 1.0) -> np.ndarray:
    """Return the probabilities of a model that gives each class of a list this share and background the rest."""
    probabilities = np.zeros((len(classes), ENCODING.n_classes))
    probabilities[:, 0] = 1 - share
    probabilities[np.arange(len(classes)), np.maximum(classes, 0)] += share
    return probabilities


def random_probabilities(n_bars: int, seed: int, sharpness: float) -> np.ndarray:
    """Return rows of a model that is more or less sure of random things."""
    noise = np.random.default_rng(seed).standard_normal((n_bars, ENCODING.n_classes)) * sharpness
    odds = np.exp(noise)
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))


def test_a_span_begins_once_and_goes_on_to_its_last_bar() -> None:
    truth = plain_truth([(1, 4, 8), (0, 12, 12)], N_BARS, 3)
    target = ENCODING.encode(truth, N_BARS).target
    assert target.dtype == np.int16
    assert target.tolist() == [0] * 4 + [B1, I1, I1, I1, I1, 0, 0, 0, B0] + [0] * 17


def test_bars_that_are_not_known_for_all_labels_stay_unknown() -> None:
    marks = series_marks(
        TIME, human=[(1, 10, 12)], coverage=[time_range(0, 5, ALL, TIME), time_range(6, 9, (0,), TIME)]
    )
    target = ENCODING.encode(resolve(marks, TIME, 3), N_BARS).target
    assert target.tolist() == [0] * 6 + [-1] * 4 + [B1, I1, I1] + [-1] * 17


def test_overlapping_spans_go_to_people_then_to_the_first_label_and_the_rest_is_counted_and_no_background() -> None:
    rows: list[Row] = [(2, 4, 6), (1, 6, 9), (0, 20, 22), (1, 22, 25)]
    truth = plain_truth(rows, N_BARS, 3, by_human=[True, False, False, False], reviewed=True)
    targets = ENCODING.encode(truth, N_BARS)
    assert targets.losses == {"overlap": 2, "length": 0, "gap": 0}
    assert targets.target[4:11].tolist() == [B2, I2, I2, -1, -1, -1, 0]
    assert targets.target[20:27].tolist() == [B0, I0, I0, -1, -1, -1, 0]
    assert not targets.by_human[7:10].any()
    assert targets.by_human[4:7].all()
    assert not targets.by_human[20:23].any()


def test_a_span_longer_than_the_longest_is_counted_and_no_background() -> None:
    targets = ENCODING.encode(plain_truth([(0, 2, 5), (1, 10, 18)], N_BARS, 3), N_BARS)
    assert targets.losses == {"overlap": 0, "length": 2, "gap": 0}
    assert targets.target.tolist() == [0] * 2 + [-1] * 4 + [0] * 4 + [-1] * 9 + [0] * 11


def test_a_span_that_is_lost_takes_no_bar_from_another() -> None:
    targets = ENCODING.encode(plain_truth([(1, 2, 10), (2, 4, 6)], N_BARS, 3), N_BARS)
    assert targets.losses == {"overlap": 0, "length": 1, "gap": 0}
    assert targets.target[2:11].tolist() == [-1, -1, B2, I2, I2, -1, -1, -1, -1]


def test_a_rejection_says_neither_begins_nor_goes_on_where_nothing_else_is_known() -> None:
    marks = series_marks(
        TIME, human=[(1, 3, 4)], rejections=[(0, 4, 6), (2, 12, 13)], coverage=[time_range(12, 20, ALL, TIME)]
    )
    targets = ENCODING.encode(resolve(marks, TIME, 3), N_BARS)
    assert targets.rejected.tolist() == [[5, B0], [5, I0], [6, B0], [6, I0]]
    assert targets.target[[5, 6]].tolist() == [-1, -1]
    assert targets.target[[12, 13]].tolist() == [0, 0]
    assert np.flatnonzero(targets.by_human).tolist() == [3, 4, 12, 13]


def test_the_bars_of_an_overruled_talib_mark_are_human_background() -> None:
    marks = series_marks(
        TIME, talib=[(1, 5, 8)], rejections=[(1, 5, 8)], coverage=[time_range(0, N_BARS - 1, ALL, TIME)]
    )
    targets = ENCODING.encode(resolve(marks, TIME, 3), N_BARS)
    assert targets.target.tolist() == [0] * N_BARS
    assert np.flatnonzero(targets.by_human).tolist() == [5, 6, 7, 8]


ROWS = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, N_BARS - 1), st.integers(1, 10), st.booleans()),
    max_size=15,
    unique_by=lambda row: row[:3],
)


@given(ROWS)
def test_spans_come_back_from_their_classes_or_their_loss_is_counted(drawn: list[tuple[int, int, int, bool]]) -> None:
    rows = {(label, start, start + length - 1): human for label, start, length, human in drawn if start + length <= 30}
    truth = plain_truth(list(rows), N_BARS, 3, by_human=list(rows.values()))
    targets = ENCODING.encode(truth, N_BARS)
    back = set(decode(sure_of(targets.target)).spans.rows())
    assert back <= set(rows)
    assert len(set(rows) - back) == sum(targets.losses.values())


@given(ROWS, st.floats(0.2, 1.0))
def test_an_unsure_model_gives_the_same_spans_with_less_confidence(
    drawn: list[tuple[int, int, int, bool]], share: float
) -> None:
    rows = [(label, start, start + length - 1) for label, start, length, _ in drawn if start + length <= N_BARS]
    target = ENCODING.encode(plain_truth(rows, N_BARS, 3), N_BARS).target
    sure, unsure = decode(sure_of(target)), decode(sure_of(target, share=share))
    assert unsure.spans.rows() == sure.spans.rows()
    assert unsure.confidence == pytest.approx(np.full(len(sure), share), abs=1e-6)


def test_adjacent_spans_of_one_label_stay_two() -> None:
    classes = [0, B1, I1, I1, B1, I1, B1, 0]
    assert decode(sure_of(classes)).spans.rows() == [(1, 1, 3), (1, 4, 5), (1, 6, 6)]
    unsure = sure_of(classes, share=0.5)
    unsure[4, I1] = 0.4
    assert decode(unsure).spans.rows() == [(1, 1, 3), (1, 4, 5), (1, 6, 6)]


def test_nothing_goes_on_that_did_not_begin() -> None:
    assert len(decode(sure_of([0, I1, I1, 0, I2, 0]))) == 0
    assert decode(sure_of([B0, I1, I1, 0])).spans.rows() == [(0, 0, 0)]


def test_a_doubtful_bar_does_not_cut_a_span() -> None:
    probabilities = sure_of([0, B1, I1, I1, I1, I1, 0], share=0.9)
    probabilities[3, [0, I1]] = 0.7, 0.3
    assert decode(probabilities).spans.rows() == [(1, 1, 5)]


def test_confidence_is_the_geometric_mean_of_beginning_and_belonging() -> None:
    probabilities = np.zeros((4, 7))
    probabilities[:, 0] = 1
    probabilities[1, [0, B1, I1]] = 0.3, 0.6, 0.1
    probabilities[2, [0, B1, I1]] = 0.2, 0.0, 0.8
    found = decode(probabilities)
    assert found.spans.rows() == [(1, 1, 2)]
    assert found.confidence == pytest.approx([np.sqrt(0.6 * (0.7 + 0.8) / 2)])
    assert found.confidence.dtype == np.float64
    assert found.probabilities == pytest.approx(np.array([[0.25, 0, 0.75, 0]]))
    assert found.probabilities.dtype == np.float32


@settings(deadline=None)
@given(st.integers(0, 10_000), st.floats(0.5, 4), st.lists(st.integers(1, 79), max_size=3), st.floats(0.01, 0.4))
def test_proposals_lie_in_their_segment_beside_one_another_and_reach_the_floor(
    seed: int, sharpness: float, cuts: list[int], floor: float
) -> None:
    starts = sorted({0, *cuts})
    found = decode(random_probabilities(80, seed, sharpness), floor=floor, segments=starts)
    spans = found.spans
    assert spans.order().tolist() == list(range(len(spans)))
    assert (spans.start[1:] > spans.end[:-1]).all()
    assert (
        np.searchsorted(starts, spans.start, side="right") == np.searchsorted(starts, spans.end, side="right")
    ).all()
    assert (spans.end - spans.start + 1 <= np.array(LONGEST)[spans.label]).all()
    assert ((found.confidence >= floor) & (found.confidence <= 1)).all()
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1, rtol=1e-5)


def test_long_series_are_decoded_in_parts_that_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    probabilities = random_probabilities(2_000, 3, 2.0)
    whole = decode(probabilities, segments=[0, 700, 1_300])
    monkeypatch.setattr(bio_module, "CHUNK", 37)
    parts = decode(probabilities, segments=[0, 700, 1_300])
    assert parts.spans.rows() == whole.spans.rows()
    assert parts.confidence.tolist() == whole.confidence.tolist()
    assert len(whole) > 100


def test_rows_that_leave_bars_out_do_not_join_what_lies_beside_them() -> None:
    probabilities = sure_of([B1, I1, I1, I1]).astype(np.float32)
    found = ENCODING.decode(probabilities, np.array([10, 11, 14, 15]), n_bars=N_BARS, floor=0.5)
    assert found.spans.rows() == [(1, 10, 11)]


def test_spans_are_provisional_while_candles_to_come_could_change_them() -> None:
    classes = np.zeros(60, dtype=np.int64)
    classes[[10, 20, 44, 45, 46, 59]] = B1
    found = decode(sure_of(classes), segments=[0, 15])
    assert found.spans.end.tolist() == [10, 20, 44, 45, 46, 59]
    assert found.provisional.tolist() == [False, False, False, False, True, True]
    assert ENCODING.right_context + ENCODING.reads_after == 14


def test_no_rows_propose_nothing() -> None:
    found = decode(np.empty((0, 7)))
    assert len(found) == 0
    assert found.probabilities.shape == (0, 4)
    assert decode(sure_of([0, 0])).probabilities.shape == (0, 4)


def test_arrays_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        decode(np.zeros((2, 4)))
    with pytest.raises(ValueError, match="outside the 5 bars"):
        ENCODING.decode(np.zeros((1, 7), dtype=np.float32), np.array([5]), n_bars=5, floor=0.5)
    with pytest.raises(ValueError, match="30 bars, not 31"):
        ENCODING.encode(plain_truth([], N_BARS, 3), 31)


def test_the_right_context_is_the_longest_span_minus_one_unless_set() -> None:
    labels = label_set([3, None, None])
    encoding = encoding_for(EncodingConfig(longest_span=12), labels)
    assert isinstance(encoding, BioEncoding)
    assert encoding.longest == (3, 12, 12)
    assert encoding.right_context == 11
    assert encoding.offsets == (0, 1, 2, 4, 8, 11)
    nothing_ahead = encoding_for(EncodingConfig(right_context=0), labels)
    assert (nothing_ahead.right_context, nothing_ahead.offsets) == (0, (0,))
    assert nothing_ahead.teaches_after == 29


def test_auto_is_window_where_every_label_has_fixed_bars_and_bio_elsewhere() -> None:
    assert isinstance(encoding_for(EncodingConfig(), label_set([3, 2])), WindowEncoding)
    assert isinstance(encoding_for(EncodingConfig(), label_set([3, None])), BioEncoding)
    assert encoding_for(EncodingConfig(kind="bio"), label_set([3, 2])) == BioEncoding((3, 2), 2)
