"""How torn a model is: values by hand, and the same figures as scikit-activeml's."""

from __future__ import annotations

import numpy as np
import pytest

from candleloop.inference import uncertainty

MEASURES = {
    "least_confident": (uncertainty.least_confidence, 1.0),
    "margin_sampling": (uncertainty.margin, 1.0),
    "entropy": (uncertainty.entropy, np.log(5)),
}


def probabilities(n_rows=200, n_classes=5, seed=0):
    return np.random.default_rng(seed).dirichlet(np.full(n_classes, 0.3), size=n_rows)


@pytest.mark.parametrize("method", MEASURES)
def test_scikit_activeml_measures_the_same(method):
    from skactiveml.pool import uncertainty_scores

    measure, scale = MEASURES[method]
    given = probabilities()
    np.testing.assert_allclose(measure(given) * scale, uncertainty_scores(given, method=method), atol=1e-12)


def test_scikit_activeml_counts_votes_the_same():
    from skactiveml.pool._query_by_committee import vote_entropy

    members = [probabilities(seed=seed) for seed in range(4)]
    votes = np.stack([member.argmax(axis=1) for member in members], axis=1)
    np.testing.assert_allclose(
        uncertainty.vote_entropy(members) * np.log(5), vote_entropy(votes, classes=np.arange(5)), atol=1e-12
    )


@pytest.mark.parametrize("measure", [measure for measure, _ in MEASURES.values()])
def test_sure_is_0_and_a_fair_choice_is_the_most(measure):
    given = np.array([[0, 1, 0, 0], [0.25, 0.25, 0.25, 0.25], [0.1, 0.7, 0.1, 0.1]], dtype=np.float32)
    sure, torn, between = measure(given)
    assert sure == 0
    assert torn == {"least_confidence": 0.75}.get(measure.__name__, 1.0)
    assert 0 < between < torn


def test_a_committee_that_agrees_has_no_entropy_whatever_its_members_doubt():
    doubtful, sure = np.array([[0.5, 0.3, 0.2]]), np.array([[0.98, 0.01, 0.01]])
    assert uncertainty.vote_entropy([doubtful, sure]) == 0
    assert uncertainty.vote_entropy([doubtful, sure[:, ::-1]]) == pytest.approx(np.log(2) / np.log(3))


def test_no_rows_have_no_scores():
    nothing = np.empty((0, 3), dtype=np.float32)
    for measure in (uncertainty.least_confidence, uncertainty.margin, uncertainty.entropy):
        assert measure(nothing).shape == (0,)
    assert uncertainty.vote_entropy([nothing]).shape == (0,)
