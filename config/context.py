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
        When ``config/pipeline.yaml`` does not fit its schema.
    """
    from candleloop.store.database import Database

    chosen = chosen or settings()
    return Context(
        database=Database(chosen.database),
        storage=Storage(chosen.storage),
        config=PipelineConfig.load(chosen.config),
        tracking_url=chosen.mlflow,
    )


def label_sets_on_disk(chosen: Settings | None = None) -> list[LabelSet]:
    """Return the label sets of ``config/label_sets``, in order of their file names."""
    chosen = chosen or settings()
    return [LabelSet.load(path) for path in sorted(chosen.label_sets.glob("*.yaml"))]
