"""What every stage of the pipeline works with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from candleloop.candles.frame import MICROSECONDS
from candleloop.pipeline_config import PipelineConfig
from candleloop.storage import Storage

if TYPE_CHECKING:
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

    @property
    def max_gap(self) -> int | None:
        """Longest step inside a segment in microseconds; None leaves it to the kind of session."""
        seconds = self.config.candles.max_gap_seconds
        return None if seconds is None else seconds * MICROSECONDS
