"""The enriched data set: candles with their features as a Parquet or CSV file, written by chunks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute
import pyarrow.csv
import pyarrow.parquet as pq

from candleloop.candles.frame import Candles
from candleloop.errors import BadRequest
from candleloop.features.feature import Feature
from candleloop.features.matrix import FeatureSpec, feature_chunks
from candleloop.progress import Progress, silent

ROW_GROUP = 1 << 16
SERIES_COLUMNS = ("series_id", "series_version")
"""The columns that are the same in every row."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: ``bars`` rows, of which ``complete`` have features (the others are warming up)."""

    path: Path
    bars: int
    complete: int
    columns: tuple[str, ...]
    features: int
    warmup: int
    features_hash: str
    bytes: int


def export_features(
    candles: Candles,
    spec: FeatureSpec,
    path: Path,
    *,
    series_id: str | None = None,
    max_gap: int | None = None,
    progress: Progress = silent,
) -> Exported:
    """Write candles and their features to a file, whole or not at all.

    Parameters
    ----------
    candles
        Candles of one series, in order.
    spec
        The feature columns.
    path
        Where to; the ending ``.csv`` or ``.parquet`` decides the format. A file that is there is replaced.
    series_id
        What the rows say of the series they are of; null in them unless given.
    max_gap
        Longest step inside a segment in microseconds; the series' default when None.
    progress
        Told the bars that are written.

    Returns
    -------
    Exported
        The file has ``series_id``, ``series_version``, ``time`` (UTC), open, high, low, close, volume where there is
        one (float64) and each feature as float32; features that are still warming up are NaN in Parquet and empty in
        CSV. In Parquet the metadata of a feature's column are its unit, look-back, warm-up and source, those of the
        file the warm-up and the hash of all.

    Raises
    ------
    BadRequest
        For another ending, and where the file cannot be written.
    """
    told = {"warmup": str(spec.warmup), "features_hash": spec.content_hash()}
    schema = pa.schema(
        [
            *((name, pa.string()) for name in SERIES_COLUMNS),
            ("time", pa.timestamp("us", tz="UTC")),
            *((name, pa.float64()) for name in candles.columns()),
            *(_described(feature) for feature in spec.features),
        ],
        metadata=told,
    )
    series = [pa.scalar(value, pa.string()) for value in (series_id, candles.version())]
    complete = written = 0
    with _writer(path, schema) as writer:
        waiting: list[pa.RecordBatch] = []
        n_waiting = 0
        for rows, features in feature_chunks(candles, spec, max_gap=max_gap):
            own = candles[rows]
            warm = features[:, 0] == features[:, 0]
            complete += int(warm.sum())
            values = [
                *(pa.repeat(value, len(own)) for value in series),
                pa.array(own.time, type=schema.field("time").type),
                *(pa.array(column) for column in own.columns().values()),
                *(pa.array(column) for column in features.T),
            ]
            waiting.append(pa.record_batch(values, schema=schema))
            n_waiting += len(own)
            if n_waiting >= ROW_GROUP:
                writer.write_table(pa.Table.from_batches(waiting))
                waiting, n_waiting = [], 0
            written = rows.stop
            progress("features", written, len(candles), "bars")
        if waiting:
            writer.write_table(pa.Table.from_batches(waiting))
    return _exported(path, schema, written, complete)


def save_features(content: bytes, path: Path) -> Exported:
    """Write features that were sent as Parquet to a file, as :func:`export_features` writes those of here."""
    table = pq.read_table(pa.BufferReader(content))
    with _writer(path, table.schema) as writer:
        writer.write_table(table)
    first = next(field.name for field in table.schema if field.type == pa.float32())
    warming = pyarrow.compute.sum(pyarrow.compute.is_nan(table[first])).as_py() or 0
    return _exported(path, table.schema, len(table), len(table) - warming)


def _exported(path: Path, schema: pa.Schema, bars: int, complete: int) -> Exported:
    return Exported(
        path=path,
        bars=bars,
        complete=complete,
        columns=tuple(schema.names),
        features=sum(field.type == pa.float32() for field in schema),
        warmup=int(schema.metadata[b"warmup"]),
        features_hash=schema.metadata[b"features_hash"].decode(),
        bytes=path.stat().st_size,
    )


def _described(feature: Feature) -> pa.Field:
    """Return the column of a feature, which says in a Parquet file what it holds."""
    told = {"unit": feature.unit, "lookback": feature.lookback, "warmup": feature.warmup, "source": feature.source}
    return pa.field(feature.name, pa.float32(), metadata={name: str(value) for name, value in told.items()})


class _CsvWriter:
    """A CSV file with empty fields where features are NaN."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._schema = schema
        self._writer = pyarrow.csv.CSVWriter(path, schema, write_options=pyarrow.csv.WriteOptions(quoting_style="none"))

    def write_table(self, table: pa.Table) -> None:
        """Append rows."""
        columns = []
        for field in self._schema:
            column = table[field.name]
            if field.type == pa.float32():
                column = pyarrow.compute.if_else(pyarrow.compute.is_nan(column), None, column)
            columns.append(column)
        self._writer.write_table(pa.table(columns, schema=self._schema))

    def close(self) -> None:
        """Finish the file."""
        self._writer.close()


@contextmanager
def _writer(path: Path, schema: pa.Schema) -> Iterator[pq.ParquetWriter | _CsvWriter]:
    """Write a file, which takes its place when it is whole."""
    if path.suffix.lower() not in {".parquet", ".csv"}:
        raise BadRequest(f"{path.name}: the name must end in .parquet or .csv.", field="output", value=path.name)
    part = path.with_name(path.name + ".part")
    try:
        if path.suffix.lower() == ".csv":
            writer = _CsvWriter(part, schema)
        else:
            writer = pq.ParquetWriter(part, schema, compression="zstd", use_dictionary=list(SERIES_COLUMNS))
        try:
            yield writer
        finally:
            writer.close()
        part.replace(path)
    except OSError as error:
        raise BadRequest(f"{path}: cannot be written ({error.strerror or error}).", field="output") from error
    finally:
        part.unlink(missing_ok=True)
