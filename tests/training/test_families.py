"""The contract that every model family keeps."""

from __future__ import annotations

import io

import numpy as np
import pytest

from candleloop.errors import BundleRefused, TooFewLabels
from candleloop.pipeline_config import RandomForestConfig, TrainingConfig, XGBoostConfig
from candleloop.training.families import FAMILIES, FittedModel, TrainingBars, family_for, fitted_from_files
from candleloop.training.families.base import expand
from candleloop.training.families.random_forest import FittedForest, RandomForestFamily
from candleloop.training.families.xgboost_trees import XGBoostFamily

N_CLASSES = 5


def configuration(name: str) -> TrainingConfig:
    return TrainingConfig.model_validate(
        {"family": name, "xgboost": {"rounds": 12, "early_stopping_rounds": 3}, "random_forest": {"trees": 12}}
    )


def bars(*, seed: int = 0, n_bars: int = 900, classes: tuple[int, ...] = (0, 1, 2, 3, 4)) -> TrainingBars:
    """Bars whose class is told by two columns; the first 20 warm up, every third of the rest teaches nothing."""
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((n_bars, 6)).astype(np.float32)
    target = np.digitize(features[:, 0] + 0.3 * features[:, 1], [-1.0, -0.3, 0.3, 1.0]).astype(np.int16)
    features[:20] = np.nan
    rows = np.arange(20, n_bars)
    rows = rows[(rows % 3 != 0) & np.isin(target[rows], classes)]
    return TrainingBars(
        features=features,
        group=np.zeros(n_bars, dtype=np.int32),
        rows=rows,
        target=target[rows],
        weight=np.ones(len(rows)),
        n_classes=N_CLASSES,
    )


def fitted(name: str, given: TrainingBars, validation: TrainingBars | None = None, seed: int = 3) -> FittedModel:
    return family_for(configuration(name)).fit(given, validation, seed=seed, threads=1)


@pytest.fixture(params=sorted(FAMILIES))
def family(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_learns_what_the_features_tell(family: str) -> None:
    unseen = bars(seed=1)
    probabilities = fitted(family, bars()).predict_probabilities(unseen.features, unseen.rows)
    assert (probabilities.argmax(axis=1) == unseen.target).mean() > 0.8


def test_gives_one_distribution_per_row_asked_for(family: str) -> None:
    given = bars()
    probabilities = fitted(family, given).predict_probabilities(given.features, given.rows[[5, 2, 2]])
    assert probabilities.shape == (3, N_CLASSES)
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(probabilities[1], probabilities[2])


def test_a_row_is_predicted_the_same_alone_and_among_others(family: str) -> None:
    given = bars()
    model = fitted(family, given)
    together = model.predict_probabilities(given.features, given.rows)
    alone = np.concatenate([model.predict_probabilities(given.features, given.rows[[k]]) for k in range(40)])
    np.testing.assert_array_equal(alone, together[:40])


def test_no_rows_give_no_probabilities(family: str) -> None:
    given = bars()
    assert fitted(family, given).predict_probabilities(given.features, given.rows[:0]).shape == (0, N_CLASSES)


def test_survives_files_bit_for_bit(family: str) -> None:
    given = bars()
    model = fitted(family, given)
    again = fitted_from_files(family, model.to_files())
    np.testing.assert_array_equal(
        model.predict_probabilities(given.features, given.rows), again.predict_probabilities(given.features, given.rows)
    )
    assert again.to_files() == model.to_files()


def test_a_class_that_is_missing_keeps_its_column(family: str) -> None:
    given = bars(classes=(0, 2, 4))
    probabilities = fitted(family, given).predict_probabilities(given.features, given.rows)
    assert probabilities[:, [1, 3]].max() == 0
    assert (probabilities.argmax(axis=1) == given.target).mean() > 0.9


def test_a_class_that_only_the_validation_has_does_no_harm(family: str) -> None:
    given = bars(classes=(0, 2))
    probabilities = fitted(family, given, bars(seed=1)).predict_probabilities(given.features, given.rows)
    assert probabilities[:, [1, 3, 4]].max() == 0


def test_same_seed_gives_the_same_bytes(family: str) -> None:
    assert fitted(family, bars(), bars(seed=1)).to_files() == fitted(family, bars(), bars(seed=1)).to_files()


def test_two_threads_give_the_bytes_of_one(family: str) -> None:
    made = family_for(configuration(family))
    one, two = (made.fit(bars(), seed=3, threads=threads).to_files() for threads in (1, 2))
    assert one == two


@pytest.mark.parametrize("classes", [(2,), ()])
def test_less_than_two_classes_are_refused_with_the_counts(family: str, classes: tuple[int, ...]) -> None:
    with pytest.raises(TooFewLabels) as refusal:
        fitted(family, bars(classes=classes))
    assert set(refusal.value.details["counts"]) == {str(k) for k in classes}


def test_weights_count(family: str) -> None:
    """Two contradicting halves: the heavier one wins."""
    given = bars(n_bars=400)
    features = np.ones_like(given.features)
    target = (np.arange(len(given)) % 2).astype(np.int16)
    weight = np.where(target == 1, 10.0, 1.0)
    model = fitted(family, TrainingBars(features, given.group, given.rows, target, weight, N_CLASSES))
    assert model.predict_probabilities(features, given.rows[:1])[0, 1] > 0.8


def test_settled_family_repeats_what_the_validation_chose(family: str) -> None:
    made = family_for(configuration(family))
    first = made.fit(bars(), bars(seed=1), seed=3)
    again = made.settled(first).fit(bars(), seed=3)
    given = bars()
    np.testing.assert_allclose(
        first.predict_probabilities(given.features, given.rows),
        again.predict_probabilities(given.features, given.rows),
        atol=1e-6,
    )


def test_progress_reaches_its_total(family: str) -> None:
    told: list[tuple[int, int | None]] = []

    def progress(stage: str, done: int, total: int | None = None, unit: str = "steps") -> None:
        told.append((done, total))

    family_for(configuration(family)).fit(bars(), seed=3, progress=progress)
    assert told[-1][0] == told[-1][1] == 12


@pytest.mark.parametrize("damage", ["missing", "cut"])
def test_damaged_files_are_refused(family: str, damage: str) -> None:
    files = fitted(family, bars()).to_files()
    for name in files:
        broken = {key: value for key, value in files.items() if key != name}
        if damage == "cut":
            broken[name] = files[name][: len(files[name]) // 2]
        with pytest.raises(BundleRefused):
            fitted_from_files(family, broken)


def test_an_unknown_family_is_refused_by_name() -> None:
    with pytest.raises(BundleRefused, match="prophecy"):
        fitted_from_files("prophecy", {})


def test_early_stopping_saves_rounds() -> None:
    noise = bars()
    shuffled = np.random.default_rng(0).permutation(noise.target)
    noise = TrainingBars(noise.features, noise.group, noise.rows, shuffled, noise.weight, N_CLASSES)
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


def test_a_forest_whose_child_lies_outside_is_refused() -> None:
    model = fitted("random_forest", bars())
    assert isinstance(model, FittedForest)
    files = model.to_files()
    left = np.load(io.BytesIO(files["left_child.npy"]))
    left[0] = 10_000_000
    buffer = io.BytesIO()
    np.save(buffer, left, allow_pickle=False)
    with pytest.raises(BundleRefused, match="outside"):
        fitted_from_files("random_forest", {**files, "left_child.npy": buffer.getvalue()})


def test_expand_keeps_the_order_of_the_label_set() -> None:
    np.testing.assert_allclose(
        expand(np.array([[0.25, 0.75]]), np.array([0, 3]), 5), np.array([[0.25, 0, 0, 0.75, 0]], dtype=np.float32)
    )
