"""Gradient-boosted trees (XGBoost), fitted through the native interface.

What a prediction costs is the number of trees: rounds times classes. So the rounds are few, the learning rate high, and
early stopping on the validation bars drops what does not help.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from candleloop.errors import BundleRefused
from candleloop.pipeline_config import XGBoostConfig
from candleloop.progress import Progress, silent
from candleloop.training.families.base import (
    FeatureArray,
    FittedModel,
    FloatArray,
    IntArray,
    ProbabilityArray,
    TrainingBars,
    expand,
)

SAMPLES_PER_THREAD = 25_000
"""A second thread below twice this many samples costs more in waiting than it saves."""

CHUNK = 16_384
"""Samples that are handed to XGBoost at once."""

MODEL_FILE = "model.ubj"
ABOUT_FILE = "model.json"


@dataclass(frozen=True, eq=False)
class FittedXGBoost:
    """A booster with the classes that its columns stand for."""

    booster: Any
    classes: IntArray
    n_classes: int
    rounds: int

    context: ClassVar[int] = 0

    @property
    def importance(self) -> FloatArray:
        """Return the share of each column in the loss that all splits together took away."""
        gain = np.zeros(self.booster.num_features())
        for name, value in self.booster.get_score(importance_type="total_gain").items():
            gain[int(name.removeprefix("f"))] = value
        return gain / gain.sum() if gain.any() else gain

    def predict_probabilities(
        self, features: FeatureArray, rows: IntArray, group: npt.NDArray[np.int32] | None = None
    ) -> ProbabilityArray:
        """Return class probabilities at ``rows``, shape (n_rows, n_classes); each row stands alone."""
        if len(rows) == 0:
            return np.zeros((0, self.n_classes), dtype=np.float32)
        probabilities = self.booster.inplace_predict(features[rows], validate_features=False)
        return expand(probabilities, self.classes, self.n_classes)

    def to_files(self) -> dict[str, bytes]:
        """Return the booster as UBJSON, its classes and its digest as JSON."""
        model = bytes(self.booster.save_raw(raw_format="ubj"))
        about = {
            "classes": self.classes.tolist(),
            "n_classes": self.n_classes,
            "rounds": self.rounds,
            "sha256": hashlib.sha256(model).hexdigest(),
        }
        return {MODEL_FILE: model, ABOUT_FILE: json.dumps(about, sort_keys=True).encode()}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes], *, threads: int = 1) -> Self:
        """Read the booster.

        Raises
        ------
        BundleRefused
            When a file is missing or damaged. The digest is checked first: XGBoost 3.2 reads past the end of a
            truncated model, which can end the process.
        """
        xgboost = _xgboost()
        try:
            about = json.loads(files[ABOUT_FILE])
            if hashlib.sha256(files[MODEL_FILE]).hexdigest() != about["sha256"]:
                raise ValueError(f"{MODEL_FILE} does not have the digest it was written with")
            booster = xgboost.Booster({"nthread": threads})
            booster.load_model(bytearray(files[MODEL_FILE]))
            booster.set_param({"nthread": threads})
            return cls(
                booster, np.array(about["classes"], dtype=np.int64), int(about["n_classes"]), int(about["rounds"])
            )
        except (KeyError, ValueError, xgboost.core.XGBoostError) as error:
            raise BundleRefused(f"The XGBoost model cannot be read: {error}") from error


@dataclass(frozen=True)
class XGBoostFamily:
    """XGBoost with one tree per class and round over the classes that are present."""

    config: XGBoostConfig
    name: str = "xgboost"
    context: int = 0

    def fit(
        self,
        bars: TrainingBars,
        validation: TrainingBars | None = None,
        *,
        seed: int,
        threads: int = 1,
        progress: Progress = silent,
    ) -> FittedXGBoost:
        """Learn, stopping early on ``validation`` when there is one with at least one of the classes.

        Raises
        ------
        TooFewLabels
            With fewer than two classes in ``bars``.
        """
        xgboost = _xgboost()

        class Report(xgboost.callback.TrainingCallback):  # type: ignore[name-defined,misc]
            def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
                progress("fitting the model", epoch + 1, config.rounds, "rounds")
                return False

        config = self.config
        classes = bars.present()
        threads = max(1, min(threads, len(bars) // SAMPLES_PER_THREAD))
        matrix = _matrix(bars, classes, config, threads)
        evaluated = []
        if validation is not None:
            validation = validation.of_classes(classes)
            if len(validation):
                evaluated.append((_matrix(validation, classes, config, threads, reference=matrix), "validation"))
        booster = xgboost.train(
            {
                "objective": "multi:softprob",
                "num_class": len(classes),
                "base_score": _prior(bars, classes),
                "eval_metric": "mlogloss",
                "tree_method": "hist",
                "max_depth": config.max_depth,
                "max_bin": config.max_bin,
                "learning_rate": config.learning_rate,
                "subsample": config.subsample,
                "colsample_bytree": config.column_share,
                "seed": seed,
                "nthread": threads,
            },
            matrix,
            config.rounds,
            evals=evaluated,
            early_stopping_rounds=config.early_stopping_rounds if evaluated else None,
            verbose_eval=False,
            callbacks=[Report()],
        )
        if evaluated:
            booster = booster[: booster.best_iteration + 1]
            booster.set_attr(best_iteration=None, best_score=None)
        booster.set_param({"nthread": threads})
        return FittedXGBoost(booster, classes, bars.n_classes, booster.num_boosted_rounds())

    def settled(self, fitted: FittedModel) -> XGBoostFamily:
        """Return the family with the number of rounds that ``fitted`` ended with."""
        if not isinstance(fitted, FittedXGBoost):
            raise TypeError("the model was not fitted by this family")
        return replace(self, config=self.config.model_copy(update={"rounds": fitted.rounds}))


def _xgboost() -> Any:
    """Import XGBoost where it is used; how its threads wait is set in ``candleloop/__init__.py``."""
    import xgboost

    return xgboost


def _prior(bars: TrainingBars, classes: IntArray) -> list[float]:
    """Return the scores that boosting begins with: the logarithm of each class's share of the weight, around 0.

    XGBoost would estimate the same, but adds the samples up in an order that depends on the number of threads (measured
    with 3.2); with these given, one thread and two end with the same bytes.
    """
    share = np.log(np.bincount(np.searchsorted(classes, bars.target), weights=bars.weight))
    return [float(score) for score in share - share.mean()]


def _matrix(
    bars: TrainingBars, classes: IntArray, config: XGBoostConfig, threads: int, *, reference: Any = None
) -> Any:
    """Return the samples quantised; the class of a sample is its place among ``classes``.

    They are handed over chunk by chunk, so that only the quantised ones, a quarter of the size, are ever there as a
    whole. The cuts and the model are the same, bit by bit, as from all of them at once (measured with 3.2).
    """
    xgboost = _xgboost()

    class Samples(xgboost.DataIter):  # type: ignore[name-defined,misc]
        def __init__(self) -> None:
            self.first = 0
            super().__init__()

        def reset(self) -> None:
            self.first = 0

        def next(self, input_data: Any) -> bool:
            part = slice(self.first, self.first + CHUNK)
            if part.start >= len(bars):
                return False
            self.first = part.stop
            input_data(
                data=bars.read(bars.rows[part]),
                label=np.searchsorted(classes, bars.target[part]),
                weight=bars.weight[part],
            )
            return True

    return xgboost.QuantileDMatrix(Samples(), max_bin=config.max_bin, nthread=threads, ref=reference)
