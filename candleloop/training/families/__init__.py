"""Model families behind one interface; see ``base.py`` for what each of them promises."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from candleloop.errors import BundleRefused
from candleloop.pipeline_config import TrainingConfig
from candleloop.training.families.base import FittedModel, ModelFamily, TrainingBars
from candleloop.training.families.random_forest import FittedForest, RandomForestFamily
from candleloop.training.families.xgboost_trees import FittedXGBoost, XGBoostFamily

__all__ = ["FAMILIES", "FittedModel", "ModelFamily", "TrainingBars", "family_for", "fitted_from_files"]


@dataclass(frozen=True, slots=True)
class RegisteredFamily:
    """How a family is made from the configuration and how its models are read back.

    ``packages`` are the distributions that reading and predicting need beside candleloop's own.
    """

    from_config: Callable[[TrainingConfig], ModelFamily]
    fitted: type[FittedModel]
    packages: tuple[str, ...] = ()


FAMILIES: Mapping[str, RegisteredFamily] = {
    "xgboost": RegisteredFamily(lambda config: XGBoostFamily(config.xgboost), FittedXGBoost, ("xgboost",)),
    "random_forest": RegisteredFamily(
        lambda config: RandomForestFamily(config.random_forest), FittedForest, ("scikit-learn",)
    ),
}
"""Every family by the name that the configuration and the bundle use."""


def family_for(config: TrainingConfig) -> ModelFamily:
    """Return the family that the configuration asks for."""
    return FAMILIES[config.family].from_config(config)


def fitted_from_files(family: str, files: Mapping[str, bytes], *, threads: int = 1) -> FittedModel:
    """Read a fitted model back.

    Raises
    ------
    BundleRefused
        When the family is unknown to this version of candleloop or the files are not its own.
    """
    if family not in FAMILIES:
        raise BundleRefused(f"The model family {family!r} is unknown; known are {', '.join(FAMILIES)}.", field="family")
    return FAMILIES[family].fitted.from_files(files, threads=threads)
