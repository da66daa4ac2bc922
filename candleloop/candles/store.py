"""Candles in Parquet, one file per version of a series; reading a range does not read the file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from candleloop.candles.frame import PRICE_FIELDS, Candles, IntArray, VersionDigest
from candleloop.errors import BadRequest, NotFound
from candleloop.storage import StagedFile, Storage

_SERIES_ID = re.compile(r"(?!\.)[A-Za-z0-9._-]{1,80}")
_VERSION = re.compile(r"[0-9a-f]{16}")
_ROW_GROUP = 1 << 16
FOLDER = "candles"


@dataclass(frozen=True)
class CandleStore:
    """The candles of all series, by version, in a :class:`Storage`.

    A file is never changed: the version is the hash of its content.
    """

    storage: Storage

    def write(self, series_id: str, candles: Candles) -> str:
        """Store candles and return their version; the same content again is the same version and no second file.

        Raises
        ------
        BadRequest
            When ``series_id`` is not 1 to 80 letters, digits, dots, dashes and underscores.
        """
        with self.writer() as writer:
            writer.write(candles)
            return writer.finish(series_id)

    @contextmanager
    def writer(self) -> Iterator[CandleWriter]:
        """Open a writer for candles that come in pieces; what it was not told to finish leaves nothing behind."""
        with self.storage.staged() as staged:
            writer = CandleWriter(staged)
            try:
                yield writer
            finally:
                writer.close()

    def read(
        self, series_id: str, version: str, *, start_time: int | None = None, end_time: int | None = None
    ) -> Candles:
        """Return the candles whose bar-open time lies between two times, both inclusive, in microseconds UTC.

        Raises
        ------
        NotFound
            When there is no such version, or (``candles_damaged``) its file cannot be read.
        """
        with self._opened(series_id, version) as parquet:
            groups = [
                group
                for group, (first, last) in enumerate(_time_ranges(parquet))
                if (start_time is None or last >= start_time) and (end_time is None or first <= end_time)
            ]
            candles = _to_candles(parquet, groups)
        start = 0 if start_time is None else int(np.searchsorted(candles.time, start_time, side="left"))
        end = len(candles) if end_time is None else int(np.searchsorted(candles.time, end_time, side="right"))
        return candles[start : max(start, end)]

    def read_before(self, series_id: str, version: str, end_time: int, count: int) -> Candles:
        """Return the last ``count`` candles that begin before ``end_time`` (microseconds UTC, exclusive).

        Raises
        ------
        NotFound
            When there is no such version, or (``candles_damaged``) its file cannot be read.
        """
        with self._opened(series_id, version) as parquet:
            groups: list[int] = []
            found = 0
            ranges = _time_ranges(parquet)
            for group in range(len(ranges) - 1, -1, -1):
                if ranges[group][0] >= end_time:
                    continue
                groups.insert(0, group)
                if ranges[group][1] < end_time:
                    found += parquet.metadata.row_group(group).num_rows
                if found >= count:
                    break
            candles = _to_candles(parquet, groups)
        end = int(np.searchsorted(candles.time, end_time, side="left"))
        return candles[max(0, end - count) : end]

    def read_rows(self, series_id: str, version: str, first: int, stop: int) -> Candles:
        """Return the candles from one place (inclusive) to another (exclusive), counted from 0.

        Raises
        ------
        NotFound
            When there is no such version, or (``candles_damaged``) its file cannot be read.
        """
        with self._opened(series_id, version) as parquet:
            groups, before, place = [], 0, 0
            for group in range(parquet.metadata.num_row_groups):
                rows = parquet.metadata.row_group(group).num_rows
                if place + rows <= first:
                    before = place + rows
                elif place < stop:
                    groups.append(group)
                place += rows
            candles = _to_candles(parquet, groups)
        return candles[max(first - before, 0) : max(stop - before, 0)]

    def pieces(self, series_id: str, version: str) -> Iterator[Candles]:
        """Yield all candles, some after the others.

        Raises
        ------
        NotFound
            When there is no such version, or (``candles_damaged``) its file cannot be read.
        """
        with self._opened(series_id, version) as parquet:
            for group in range(parquet.metadata.num_row_groups):
                yield _to_candles(parquet, [group])

    def times(self, series_id: str, version: str) -> Iterator[IntArray]:
        """Yield the bar-open times piece by piece, int64 arrays in microseconds UTC.

        Raises
        ------
        NotFound
            When there is no such version, or (``candles_damaged``) its file cannot be read.
        """
        with self._opened(series_id, version) as parquet:
            for group in range(parquet.metadata.num_row_groups):
                yield parquet.read_row_group(group, columns=["time"])["time"].to_numpy()

    def all_times(self, series_id: str, version: str) -> IntArray:
        """Return the bar-open times of all candles, int64 array of shape (n_bars,), microseconds UTC.

        Raises
        ------
        NotFound
            When there is no such version, or (``candles_damaged``) its file cannot be read.
        """
        with self._opened(series_id, version) as parquet:
            return np.asarray(parquet.read(columns=["time"])["time"].to_numpy(), dtype=np.int64)

    def time_at(self, series_id: str, version: str, place: int) -> int:
        """Return the bar-open time of one candle by its place from 0, in microseconds UTC.

        Raises
        ------
        NotFound
            When there is no such version, or (``candles_damaged``) its file cannot be read.
        IndexError
            When it has no such candle.
        """
        with self._opened(series_id, version) as parquet:
            for group in range(parquet.metadata.num_row_groups):
                rows = parquet.metadata.row_group(group).num_rows
                if 0 <= place < rows:
                    return int(parquet.read_row_group(group, columns=["time"])["time"][place].as_py())
                place -= rows
        raise IndexError(f"series {series_id} has no such candle")

    @contextmanager
    def _opened(self, series_id: str, version: str) -> Iterator[pq.ParquetFile]:
        path = self.storage.path(_file_name(series_id, version))
        try:
            with self.storage.filesystem.open(path, "rb", cache_type="bytes", block_size=1 << 18) as file:
                yield pq.ParquetFile(file, page_checksum_verification=True)
        except FileNotFoundError:
            raise NotFound(f"Version {version} of series {series_id} is not stored.", code="candles_missing") from None
        except (OSError, pa.ArrowException) as error:
            raise NotFound(
                f"The stored candles of series {series_id} (version {version}) cannot be read: {error}. Importing the "
                "same file again puts them right.",
                code="candles_damaged",
                series_id=series_id,
            ) from error


class CandleWriter:
    """Writes candles piece by piece into one Parquet file, whose name is known at the end."""

    def __init__(self, staged: StagedFile) -> None:
        self._staged = staged
        self._digest = VersionDigest()
        self._parquet: pq.ParquetWriter | None = None
        self._waiting: list[pa.Table] = []

    def write(self, candles: Candles) -> None:
        """Add the candles that follow."""
        table = pa.table({"time": pa.array(candles.time)} | {k: pa.array(v) for k, v in candles.columns().items()})
        if self._parquet is None:
            self._parquet = pq.ParquetWriter(
                self._staged.stream,
                table.schema,
                compression="zstd",
                use_dictionary=False,
                write_page_checksum=True,
                column_encoding={"time": "DELTA_BINARY_PACKED"} | dict.fromkeys(candles.columns(), "BYTE_STREAM_SPLIT"),
            )
        self._digest.update(candles)
        self._waiting.append(table)
        # Only whole groups: a series that candles are appended to every day must not become a thousand small ones.
        if sum(map(len, self._waiting)) >= _ROW_GROUP:
            together = pa.concat_tables(self._waiting)
            whole = len(together) // _ROW_GROUP * _ROW_GROUP
            self._parquet.write_table(together[:whole], row_group_size=_ROW_GROUP)
            self._waiting = [together[whole:]]

    def clear(self) -> None:
        """Forget everything written so far."""
        self._waiting = []
        self.close()
        self._staged.restart()
        self._digest = VersionDigest()

    def finish(self, series_id: str) -> str:
        """Store the candles under a series and return their version.

        A file of this version is replaced by the same content, so that a damaged one is made whole.

        Raises
        ------
        BadRequest
            When ``series_id`` is not 1 to 80 letters, digits, dots, dashes and underscores.
        """
        self.close()
        version = self._digest.version()
        name = _file_name(series_id, version)
        self._staged.keep(name)
        return version

    def close(self) -> None:
        """Write out what is held back."""
        if self._parquet is not None:
            if sum(map(len, self._waiting)):
                self._parquet.write_table(pa.concat_tables(self._waiting), row_group_size=_ROW_GROUP)
            self._waiting = []
            self._parquet.close()
            self._parquet = None


def _file_name(series_id: str, version: str) -> str:
    if not _SERIES_ID.fullmatch(series_id):
        raise BadRequest(
            f"{series_id!r} is no series id: 1 to 80 letters, digits, dots, dashes and underscores.",
            code="bad_series_id",
            field="series_id",
        )
    if not _VERSION.fullmatch(version):
        raise NotFound(f"{version!r} is no version of a series.", code="candles_missing")
    return f"{FOLDER}/{series_id}/{version}.parquet"


def _time_ranges(parquet: pq.ParquetFile) -> list[tuple[int, int]]:
    metadata = parquet.metadata
    column = metadata.schema.names.index("time")
    statistics = (metadata.row_group(group).column(column).statistics for group in range(metadata.num_row_groups))
    return [(int(item.min), int(item.max)) for item in statistics]


def _to_candles(parquet: pq.ParquetFile, groups: list[int]) -> Candles:
    table = parquet.read_row_groups(groups) if groups else parquet.schema_arrow.empty_table()
    columns = {name: table[name].to_numpy() for name in table.column_names}
    prices = {name: columns[name] for name in PRICE_FIELDS}
    return Candles(time=columns["time"], **prices, volume=columns.get("volume"))
