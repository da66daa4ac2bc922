"""Weights of samples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from candleloop.annotations.encodings import encoding_for
from candleloop.errors import BadConfiguration
from candleloop.pipeline_config import EncodingConfig, SourceWeights, TrainingConfig
from candleloop.training.balancing import Balancing, Samples, class_weights, custom_weights, weighted_samples
from tests.support.annotations import label_set


def samples(
    target: list[int],
    *,
    by_human: list[bool] | None = None,
    rejected: list[tuple[int, int]] | None = None,
    balancing: Balancing = "none",
    n_classes: int = 4,
) -> Samples:
    return weighted_samples(
        np.arange(len(target)),
        np.array(target, dtype=np.int16),
        np.array(by_human if by_human is not None else [False] * len(target)),
        np.array(rejected or [], dtype=np.int64).reshape(-1, 2),
        n_classes=n_classes,
        balancing=balancing,
        source_weights=SourceWeights(human=10, talib=1),
    )


def test_a_human_sample_weighs_ten_of_talib() -> None:
    weight = samples([0, 0, 1], by_human=[False, True, False]).weight
    assert weight[1] == pytest.approx(10 * weight[0])


def test_balanced_gives_every_present_class_the_same_total() -> None:
    made = samples([0] * 90 + [1] * 9 + [3], balancing="balanced")
    totals = np.bincount(made.target, weights=made.weight, minlength=4)
    np.testing.assert_allclose(totals[[0, 1, 3]], totals[0])
    assert totals[2] == 0


def test_square_root_lies_between_none_and_balanced() -> None:
    mass = np.array([900.0, 9.0])
    none, root, balanced = (class_weights(mass, how) for how in ("none", "square_root", "balanced"))
    assert none[1] / none[0] == 1
    assert root[1] / root[0] == pytest.approx(10)
    assert balanced[1] / balanced[0] == pytest.approx(100)


def test_a_rejection_is_shared_out_among_the_other_classes_as_they_occur() -> None:
    made = samples([0, 0, 0, 0, 0, 0, 1, 2, 2, 3], rejected=[(50, 1)])
    extra = made.rows == 50
    assert made.target[extra].tolist() == [0, 2, 3]
    np.testing.assert_allclose(made.weight[extra] / made.weight[extra].sum(), [6 / 9, 2 / 9, 1 / 9])
    assert made.weight[extra].sum() == pytest.approx(10 * made.weight[0])


def test_two_rejections_at_one_bar_leave_what_neither_names() -> None:
    made = samples([0, 1, 2, 3], rejected=[(50, 1), (50, 3)])
    assert made.target[made.rows == 50].tolist() == [0, 2]


def test_a_rejection_without_any_other_known_class_teaches_nothing() -> None:
    made = samples([1, 1], rejected=[(50, 1)])
    assert made.rows.tolist() == [0, 1]


def test_nothing_known_gives_no_samples() -> None:
    assert len(samples([], rejected=[(3, 1)]).rows) == 0


LABELS = label_set([2, 3, None])


def test_custom_weights_are_by_label_and_one_where_none_is_named() -> None:
    window = encoding_for(EncodingConfig(), label_set([2, 3, 1]))
    assert custom_weights({"b": 4, "background": 0.5}, label_set([2, 3, 1]), window).tolist() == [0.5, 1, 4, 1]


def test_custom_weights_hold_for_every_class_of_a_label() -> None:
    bio = encoding_for(EncodingConfig(), LABELS)
    assert custom_weights({"b": 4}, LABELS, bio).tolist() == [1, 1, 1, 4, 4, 1, 1]


def test_a_weight_for_a_label_that_is_not_there_is_refused_by_name() -> None:
    with pytest.raises(BadConfiguration, match="it has a, b, c") as refusal:
        custom_weights({"bb": 4}, LABELS, encoding_for(EncodingConfig(), LABELS))
    assert refusal.value.details["field"] == "training.label_weights.bb"


def test_custom_weights_decide_what_classes_weigh_against_each_other() -> None:
    custom = np.array([1.0, 5.0, 1.0, 1.0])
    made = weighted_samples(
        np.arange(3),
        np.array([0, 1, 2], dtype=np.int16),
        np.zeros(3, dtype=np.bool_),
        np.empty((0, 2), dtype=np.int64),
        n_classes=4,
        balancing="custom",
        source_weights=SourceWeights(),
        custom=custom,
    )
    np.testing.assert_allclose(made.weight, np.array([1, 5, 1]) * 3 / 7)


@pytest.mark.parametrize("custom", [None, np.ones(3)])
def test_custom_balancing_without_a_weight_for_each_class_is_refused(custom: np.ndarray | None) -> None:
    with pytest.raises(ValueError, match="4 classes"):
        class_weights(np.ones(4), "custom", custom)


@pytest.mark.parametrize("given", [{"balancing": "custom"}, {"label_weights": {"a": 2}}])
def test_custom_balancing_and_its_weights_come_together(given: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="both or neither"):
        TrainingConfig.model_validate(given)


@given(
    st.lists(st.integers(0, 3), min_size=1, max_size=60),
    st.sampled_from(["none", "balanced", "square_root"]),
    st.lists(st.tuples(st.integers(100, 120), st.integers(1, 3)), max_size=10),
    st.randoms(use_true_random=False),
)
def test_weights_are_positive_and_as_heavy_as_the_bars_they_stand_for(
    target: list[int], balancing: Balancing, rejected: list[tuple[int, int]], random: object
) -> None:
    by_human = [bool(k % 3 == 0) for k in range(len(target))]
    made = samples(target, by_human=by_human, rejected=rejected, balancing=balancing)
    assert (made.weight > 0).all()
    assert made.weight.sum() == pytest.approx(len(np.unique(made.rows)))
