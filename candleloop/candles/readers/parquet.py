"""Parquet files."""

from __future__ import annotations

from pyarrow.parquet import read_table

from candleloop.candles.readers.base import RawCandles, Reader
from candleloop.candles.readers.content import Content
from candleloop.candles.readers.named_columns import read_named


class ParquetReader(Reader):
    """Parquet with named columns."""

    family = "parquet"

    def recognises(self, content: Content) -> bool:
        """Tell the magic bytes."""
        return content.data[:4] == b"PAR1"

    def read(self, content: Content) -> RawCandles:
        """Return the columns."""
        return read_named(content, "Parquet", read_table)
