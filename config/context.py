"""From environment settings to the context that the pipeline's stages work with."""

from __future__ import annotations

from candleloop.annotations.label_set import LabelSet
from candleloop.context import Context
from candleloop.pipeline_config import PipelineConfig
from candleloop.storage import Storage
from config.settings import Settings, settings


def open_context(chosen: Settings | None = None) -> Context:
    """Return the context of this process; opens no connection yet.

    Raises
    ------
    BadConfiguration
        When ``config/pipeline.yaml`` does not fit its schema or names features of a user's that cannot be loaded.
    """
    from candleloop.store.database import Database

    chosen = chosen or settings()
    config = PipelineConfig.load(chosen.config)
    _load_own_features(config)
    return Context(
        database=Database(chosen.database),
        storage=Storage(chosen.storage),
        config=config,
        tracking_url=chosen.mlflow,
        tracking_database=None if chosen.mlflow_url else chosen.mlflow_database,
    )


def _load_own_features(config: PipelineConfig) -> None:
    """Import the features that only this file may name, so that models trained with them can be served here."""
    paths = [(position, name) for position, name in enumerate(config.features.add) if ":" in name]
    if paths:
        from candleloop.features.own import load_own

        for position, path in paths:
            load_own(path, f"features.add.{position}")


def label_sets_on_disk(chosen: Settings | None = None) -> list[LabelSet]:
    """Return the label sets of ``config/label_sets``, in order of their file names."""
    chosen = chosen or settings()
    return [LabelSet.load(path) for path in sorted(chosen.label_sets.glob("*.yaml"))]
