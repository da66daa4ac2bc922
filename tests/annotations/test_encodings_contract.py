"""What every encoding promises; a new one is added to ``EXAMPLES`` and nothing else."""

from __future__ import annotations

import json
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from candleloop.annotations.encodings import (
    BACKGROUND,
    ENCODINGS,
    UNKNOWN,
    BioEncoding,
    Encoding,
    Proposals,
    WindowEncoding,
    encoding_from_json,
)
from candleloop.annotations.truth import resolve
from candleloop.pipeline_config import EncodingConfig
from tests.support.annotations import Row, bar_times, plain_truth, series_marks, time_range

EXAMPLES: tuple[Encoding, ...] = (
    WindowEncoding((3, 1, 2)),
    BioEncoding((3, 6, 2), right_context=5),
    BioEncoding((1, 1, 1), right_context=0),
)
N_LABELS = 3
ALL = tuple(range(N_LABELS))
every_encoding = pytest.mark.parametrize(
    "encoding", EXAMPLES, ids=lambda encoding: f"{encoding.kind}-{encoding.longest_span}"
)


def probabilities_of(encoding: Encoding, n_bars: int, seed: int) -> np.ndarray:
    """Return random class probabilities, mostly sure of something."""
    return np.random.default_rng(seed).dirichlet(np.full(encoding.n_classes, 0.3), n_bars).astype(np.float32)


def decode(
    encoding: Encoding, probabilities: np.ndarray, *, floor: float = 0.05, starts: tuple[int, ...] = (0,)
) -> Proposals:
    n_bars = len(probabilities)
    return encoding.decode(
        probabilities, np.arange(n_bars), n_bars=n_bars, floor=floor, segment_starts=np.array(starts, dtype=np.int64)
    )


def test_every_encoding_has_an_example_here_and_can_be_configured() -> None:
    assert {encoding.kind for encoding in EXAMPLES} == set(ENCODINGS)
    assert set(get_args(EncodingConfig.model_fields["kind"].annotation)) == {"auto", *ENCODINGS}


@every_encoding
def test_every_class_but_the_background_belongs_to_one_label(encoding: Encoding) -> None:
    classes = [k for label in ALL for k in encoding.classes_of(label)]
    assert sorted(classes) == list(range(1, encoding.n_classes))
    assert (BACKGROUND, UNKNOWN) == (0, -1)


@every_encoding
def test_the_bars_ahead_lie_in_the_right_context_and_in_what_a_sample_reads(encoding: Encoding) -> None:
    assert encoding.offsets[0] == 0
    assert list(encoding.offsets) == sorted(set(encoding.offsets))
    assert encoding.offsets[-1] == encoding.right_context <= encoding.teaches_after
    assert min(encoding.reads_before, encoding.reads_after) >= 0


@every_encoding
def test_an_encoding_is_plain_json(encoding: Encoding) -> None:
    assert encoding_from_json(json.loads(json.dumps(encoding.to_json()))) == encoding


@every_encoding
@given(
    drawn=st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 39), st.integers(1, 7), st.booleans()),
        max_size=15,
        unique_by=lambda row: row[:3],
    ),
    cut=st.integers(1, 39),
)
def test_what_does_not_come_back_is_counted(
    encoding: Encoding, drawn: list[tuple[int, int, int, bool]], cut: int
) -> None:
    rows = {(label, start, start + length - 1): human for label, start, length, human in drawn if start + length <= 40}
    truth = plain_truth(list(rows), 40, N_LABELS, by_human=list(rows.values()))
    targets = encoding.encode(truth, 40, segment_starts=np.array([0, cut]))
    certain = np.zeros((40, encoding.n_classes), dtype=np.float32)
    certain[np.arange(40), np.maximum(targets.target, BACKGROUND)] = 1
    back = set(decode(encoding, certain, floor=0.5, starts=(0, cut)).spans.rows())
    # One may come back in place of another that was lost: both are counted then.
    assert len(set(rows) - back) <= sum(targets.losses.values()) <= len(rows)


@every_encoding
def test_a_span_across_a_gap_teaches_nothing_and_is_counted(encoding: Encoding) -> None:
    truth = plain_truth([(2, 20, 21)], 40, N_LABELS)
    whole, cut = (encoding.encode(truth, 40, segment_starts=np.array(starts)) for starts in ([0], [0, 21]))
    assert whole.losses["gap"] == 0
    assert sum(cut.losses.values()) == 1
    decided = whole.target != BACKGROUND
    assert decided.any()
    assert (cut.target[decided] == UNKNOWN).all()
    assert (np.delete(cut.target, [20, 21]) == BACKGROUND).all()


@every_encoding
def test_every_span_that_is_taught_has_its_first_class_at_one_bar(encoding: Encoding) -> None:
    rows: list[Row] = [(0, 3, 5), (1, 10, 10), (2, 20, 21), (2, 22, 23)]
    rows = [row for row in rows if row[2] - row[1] < encoding.longest_span]
    target = encoding.encode(plain_truth(rows, 40, N_LABELS), 40).target
    counts = [int((target == encoding.classes_of(label)[0]).sum()) for label in ALL]
    assert counts == np.bincount([label for label, _, _ in rows], minlength=N_LABELS).tolist()


@every_encoding
def test_a_rejection_names_classes_of_its_label_at_unknown_bars_and_makes_known_ones_human(encoding: Encoding) -> None:
    time = bar_times(40)
    marks = series_marks(time, rejections=[(2, 4, 5), (1, 30, 30)], coverage=[time_range(20, 39, ALL, time)])
    targets = encoding.encode(resolve(marks, time, N_LABELS), 40)
    bars, classes = targets.rejected.T
    where_it_would_teach = encoding.encode(plain_truth([(2, 4, 5)], 40, N_LABELS), 40).target != BACKGROUND
    assert set(bars.tolist()) == set(np.flatnonzero(where_it_would_teach).tolist())
    assert set(classes.tolist()) == set(encoding.classes_of(2))
    assert (targets.target[bars] == UNKNOWN).all()
    assert np.flatnonzero(targets.by_human).tolist() == [30]


@every_encoding
@settings(deadline=None)
@given(seed=st.integers(0, 1_000), cut=st.integers(1, 59), floor=st.floats(0.01, 0.6))
def test_proposals_are_in_order_in_their_segment_and_reach_the_floor(
    encoding: Encoding, seed: int, cut: int, floor: float
) -> None:
    found = decode(encoding, probabilities_of(encoding, 60, seed), floor=floor, starts=(0, cut))
    spans = found.spans
    assert spans.order().tolist() == list(range(len(spans)))
    assert ((spans.start >= cut) == (spans.end >= cut)).all()
    assert (spans.start >= 0).all()
    assert (spans.end - spans.start < encoding.longest_span).all()
    assert ((found.confidence >= floor) & (found.confidence <= 1)).all()
    assert found.probabilities.shape == (len(found), N_LABELS + 1)
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1, atol=1e-5)
    assert (len(found.confidence), len(found.provisional)) == (len(found), len(found))


@every_encoding
@settings(deadline=None)
@given(seed=st.integers(0, 1_000), first=st.integers(0, 30), stop=st.integers(50, 80))
def test_a_part_of_the_bars_gives_the_spans_of_the_whole_within_what_the_encoding_reads(
    encoding: Encoding, seed: int, first: int, stop: int
) -> None:
    probabilities = probabilities_of(encoding, 80, seed)
    whole, part = decode(encoding, probabilities), decode(encoding, probabilities[first:stop])

    def settled(found: Proposals, offset: int) -> list[tuple[Row, float]]:
        start, end = found.spans.start + offset, found.spans.end + offset
        keep = (end >= first + encoding.reads_before) & (end + encoding.reads_after < stop) & (start >= first)
        rows = [(label, start + offset, last + offset) for label, start, last in found.spans[keep].rows()]
        return list(zip(rows, found.confidence[keep].tolist(), strict=True))

    assert settled(part, first) == settled(whole, 0)


@every_encoding
@settings(deadline=None)
@given(seed=st.integers(0, 1_000), n_bars=st.integers(1, 60))
def test_a_span_that_is_not_provisional_stays_when_bars_come(encoding: Encoding, seed: int, n_bars: int) -> None:
    """The bars whose right context was not complete are decided anew."""
    probabilities = probabilities_of(encoding, 90, seed)
    before = probabilities[:n_bars].copy()
    undecided = max(n_bars - encoding.right_context, 0)
    before[undecided:] = probabilities_of(encoding, n_bars - undecided, seed + 1)
    found, later = decode(encoding, before), decode(encoding, probabilities)
    settled = found.spans[~found.provisional].rows()
    assert set(settled) <= set(later.spans.rows())
    assert not later.provisional[later.spans.end < 60].any()
