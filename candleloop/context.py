"""What every stage of the pipeline works with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from candleloop.candles.frame import MICROSECONDS
from candleloop.pipeline_config import PipelineConfig
from candleloop.storage import Storage

if TYPE_CHECKING:
    from candleloop.features.cache import FeatureCache
    from candleloop.store.database import Database


@dataclass(frozen=True)
class Context:
    """Database, files, configuration and tracking server, handed to every stage by whoever calls it.

    ``tracking_database`` is the database file of that server where it is this machine's own: it is written to directly
    while no server answers.
    """

    database: Database
    storage: Storage
    config: PipelineConfig
    tracking_url: str
    tracking_database: str | None = None

    def features(self) -> FeatureCache:
        """Return what computes features with the help of what trainings before have computed."""
        from candleloop.features.cache import FeatureCache

        return FeatureCache(self.storage, self.config.keep.features_mb * 1_000_000)

    @property
    def max_gap(self) -> int | None:
        """Longest step inside a segment in microseconds; None leaves it to the kind of session."""
        seconds = self.config.candles.max_gap_seconds
        return None if seconds is None else seconds * MICROSECONDS
