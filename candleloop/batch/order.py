"""What a batch job is asked to predict, as a file in the storage that its arguments name."""

from __future__ import annotations

import hashlib
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from candleloop.storage import Storage

INLINE = "_inline"
"""Under this name the candle store keeps candles that came with an order and belong to no series."""


class ResultFormat(StrEnum):
    """The form of a result file."""

    JSON = "json"
    NDJSON = "ndjson"
    PARQUET = "parquet"

    @property
    def media_type(self) -> str:
        """The media type it is sent with."""
        return {
            "json": "application/json",
            "ndjson": "application/x-ndjson",
            "parquet": "application/vnd.apache.parquet",
        }[self]


class InlineCandles(BaseModel):
    """Candles that came with the order: their version in the candle store, and the series they are said to be of."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    series_id: str | None = None


class BatchOrder(BaseModel):
    """Series and inline candles to predict, in this order, and the form of the result."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label_set: str
    format: ResultFormat = ResultFormat.JSON
    series: tuple[str, ...] = ()
    inline: tuple[InlineCandles, ...] = ()

    def write(self, storage: Storage) -> str:
        """Write the order and return its name, a hash of its content."""
        content = self.model_dump_json().encode()
        name = f"batches/orders/{hashlib.sha256(content).hexdigest()[:32]}.json"
        storage.write(name, content)  # again if it is there, so that it counts as new and is not tidied away
        return name

    @classmethod
    def read(cls, storage: Storage, name: str) -> BatchOrder:
        """Read an order.

        Raises
        ------
        NotFound
            When there is none of that name.
        """
        return cls.model_validate_json(storage.read(name))
