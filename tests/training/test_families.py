"""The contract that every model family keeps, and that it catches families that do not."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import pytest

from candleloop.errors import BundleRefused
from candleloop.pipeline_config import RandomForestConfig, TrainingConfig, XGBoostConfig
from candleloop.training.families import FAMILIES, FittedModel, ModelFamily, TrainingBars, family_for, fitted_from_files
from candleloop.training.families.base import FloatArray, ProbabilityArray, expand
from candleloop.training.families.contract import CHECKS, breaches
from candleloop.training.families.random_forest import FittedForest, RandomForestFamily
from candleloop.training.families.xgboost_trees import XGBoostFamily
from tests.support.window_softmax import FittedWindowSoftmax, WindowSoftmaxFamily

N_CLASSES = 5
SMALL: Mapping[str, Mapping[str, int]] = {
    "xgboost": {"rounds": 12, "early_stopping_rounds": 3},
    "random_forest": {"trees": 12},
}
"""Settings of each family with which it learns the contract's few bars quickly."""


def bars(*, seed: int = 0, n_bars: int = 900) -> TrainingBars:
    """Bars whose class is told by two columns."""
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((n_bars, 6)).astype(np.float32)
    target = np.digitize(features[:, 0] + 0.3 * features[:, 1], [-1.0, -0.3, 0.3, 1.0]).astype(np.int16)
    return TrainingBars(
        features=features,
        group=np.zeros(n_bars, dtype=np.int32),
        rows=np.arange(n_bars),
        target=target,
        weight=np.ones(n_bars),
        n_classes=N_CLASSES,
    )


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_every_family_keeps_every_promise(name: str) -> None:
    family = family_for(TrainingConfig.model_validate({"family": name, name: SMALL[name]}))
    assert breaches(family, FAMILIES[name].fitted) == []


@pytest.mark.parametrize("context", [0, 4])
def test_a_family_that_reads_a_window_of_bars_keeps_every_promise(context: int) -> None:
    assert breaches(WindowSoftmaxFamily(context=context), FittedWindowSoftmax) == []


class _Broken(FittedWindowSoftmax):
    """A fitted model with one defect; the family under test fits it."""


class ReadsAhead(_Broken):
    def predict_probabilities(self, features: Any, rows: Any, group: Any = None) -> ProbabilityArray:
        after = np.minimum(rows + 1, len(features) - 1)
        shifted = np.where(np.isnan(features[after]), 0, features[after])
        moved = features.copy()
        moved[rows] += 1e-2 * shifted
        return super().predict_probabilities(moved, rows, group)


class ReadsFurtherBack(_Broken):
    def predict_probabilities(self, features: Any, rows: Any, group: Any = None) -> ProbabilityArray:
        return FittedWindowSoftmax(
            self.weights, self.mean, self.scale, self.classes, self.n_classes, context=4
        ).predict_probabilities(features, rows, group)


class DependsOnNeighbours(_Broken):
    def predict_probabilities(self, features: Any, rows: Any, group: Any = None) -> ProbabilityArray:
        found = super().predict_probabilities(features, rows, group)
        return np.asarray(0.99 * found + 0.01 * found.mean(axis=0) if len(found) else found, dtype=np.float32)


class ForgetsPlaces(_Broken):
    def predict_probabilities(self, features: Any, rows: Any, group: Any = None) -> ProbabilityArray:
        found = super().predict_probabilities(features, rows, group)[:, self.classes]
        return expand(found, np.arange(len(self.classes)), self.n_classes)


class NoDistribution(_Broken):
    def predict_probabilities(self, features: Any, rows: Any, group: Any = None) -> ProbabilityArray:
        return super().predict_probabilities(features, rows, group) * np.float32(0.5)


class LosesFiles(_Broken):
    @classmethod
    def from_files(cls, files: Mapping[str, bytes], *, threads: int = 1) -> Self:  # noqa: ARG003
        found = super().from_files({**files, "mean": files.get("mean", files["scale"])})
        return replace(found, mean=np.zeros_like(found.mean))


class AcceptsDamage(_Broken):
    def to_files(self) -> dict[str, bytes]:
        return {**super().to_files(), "notes.txt": b"unread"}


class NothingMatters(_Broken):
    @property
    def importance(self) -> FloatArray:
        return np.ones(6)


@dataclass(frozen=True)
class BrokenFamily(WindowSoftmaxFamily):
    """Fits the window model and gives it back as another class, or breaks a promise of its own."""

    fitted: type[FittedWindowSoftmax] = FittedWindowSoftmax
    defect: str = ""

    def fit(self, bars: TrainingBars, validation: TrainingBars | None = None, **others: Any) -> FittedWindowSoftmax:
        if self.defect == "weights":
            bars = replace(bars, weight=np.ones(len(bars)))
        if self.defect == "ahead":
            bars = replace(bars, offsets=(0,))
        if self.defect == "untouched":
            bars.weight[:] = 1
            bars.features[np.isnan(bars.features)] = 0
        if self.defect == "progress":
            others.pop("progress", None)
        if self.defect == "settled" and validation is not None:
            return replace(self, steps=10, defect="").fit(bars, None, **others)
        if self.defect == "two_classes" and len(np.unique(bars.target)) < 2:
            bars = replace(bars, target=(np.arange(len(bars)) % 2).astype(np.int16))
        found = WindowSoftmaxFamily(self.context, self.steps).fit(bars, validation, **others)
        weights = found.weights
        if self.defect == "learns":
            weights = -weights
        if self.defect == "repeatable":
            weights = weights + 1e-3 * np.random.default_rng().standard_normal(weights.shape)
        context = 0 if self.fitted is ReadsFurtherBack else found.context
        return self.fitted(weights, found.mean, found.scale, found.classes, found.n_classes, context)


BROKEN: list[tuple[str, ModelFamily, type[FittedModel]]] = [
    *[
        (promise, BrokenFamily(fitted=fitted), fitted)
        for promise, fitted in (
            ("context", ReadsAhead),
            ("context", ReadsFurtherBack),
            ("each_bar_alone", DependsOnNeighbours),
            ("places", ForgetsPlaces),
            ("distributions", NoDistribution),
            ("files", LosesFiles),
            ("files", AcceptsDamage),
            ("importance", NothingMatters),
        )
    ],
    *[
        (defect, BrokenFamily(defect=defect), FittedWindowSoftmax)
        for defect in ("learns", "repeatable", "weights", "untouched", "progress", "settled", "two_classes", "ahead")
    ],
]


@pytest.mark.parametrize(("promise", "family", "fitted"), BROKEN)
def test_a_family_that_breaks_a_promise_is_caught(promise: str, family: ModelFamily, fitted: type[FittedModel]) -> None:
    assert promise in {breach.promise for breach in breaches(family, fitted)}


def test_every_promise_has_a_family_that_breaks_it() -> None:
    assert {promise for promise, _, _ in BROKEN} == set(CHECKS)


def test_an_unknown_family_is_refused_by_name() -> None:
    with pytest.raises(BundleRefused, match="prophecy"):
        fitted_from_files("prophecy", {})


def test_early_stopping_saves_rounds() -> None:
    noise = bars()
    noise = replace(noise, target=np.random.default_rng(0).permutation(noise.target))
    model = XGBoostFamily(XGBoostConfig(rounds=60, early_stopping_rounds=3)).fit(noise, bars(seed=1), seed=3)
    assert model.rounds < 60


def test_the_forest_agrees_with_scikit_learn() -> None:
    from sklearn.ensemble import RandomForestClassifier

    given = bars()
    model = RandomForestFamily(RandomForestConfig(trees=20)).fit(given, seed=3)
    reference = RandomForestClassifier(20, max_features=0.5, random_state=3)
    reference.fit(given.features[given.rows], given.target, sample_weight=given.weight)
    np.testing.assert_allclose(
        model.predict_probabilities(given.features, given.rows),
        reference.predict_proba(given.features[given.rows]),
        atol=1e-6,
    )
    np.testing.assert_allclose(model.importance, reference.feature_importances_)


def test_a_forest_whose_child_lies_outside_is_refused() -> None:
    files = forest_files()
    left = np.load(io.BytesIO(files["left_child.npy"]))
    left[0] = 10_000_000
    with pytest.raises(BundleRefused, match="outside"):
        fitted_from_files("random_forest", {**files, "left_child.npy": npy(left)})


def test_a_forest_whose_importance_is_of_other_columns_is_refused() -> None:
    with pytest.raises(BundleRefused, match="importance"):
        fitted_from_files("random_forest", {**forest_files(), "importance.npy": npy(np.ones(7))})


def forest_files() -> dict[str, bytes]:
    model = RandomForestFamily(RandomForestConfig(trees=3)).fit(bars(), seed=3)
    assert isinstance(model, FittedForest)
    assert json.loads(model.to_files()["forest.json"])["n_features"] == 6
    return model.to_files()


def npy(values: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values, allow_pickle=False)
    return buffer.getvalue()


def test_expand_keeps_the_order_of_the_label_set() -> None:
    np.testing.assert_allclose(
        expand(np.array([[0.25, 0.75]]), np.array([0, 3]), 5), np.array([[0.25, 0, 0, 0.75, 0]], dtype=np.float32)
    )


def test_a_forest_counts_the_votes_of_its_trees_beside_the_same_probabilities() -> None:
    given = bars()
    forest = RandomForestFamily(RandomForestConfig(trees=12, min_samples_leaf=20)).fit(given, seed=3)
    probabilities, votes = forest.predict_with_votes(given.features, given.rows[:200])
    np.testing.assert_array_equal(probabilities, forest.predict_probabilities(given.features, given.rows[:200]))
    np.testing.assert_allclose(votes.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(votes * 12, np.round(votes * 12), atol=1e-5)
    assert (votes.argmax(axis=1) == probabilities.argmax(axis=1)).mean() > 0.9
    assert (votes != probabilities).any()
