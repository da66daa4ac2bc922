"""Snapshots: exactly what a training run saw, known by a content hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from candleloop.annotations.label_set import LabelSet
from candleloop.annotations.marks import SeriesMarks, TimeRange, TimeSpans
from candleloop.annotations.places import range_to_slice
from candleloop.annotations.spans import IntArray
from candleloop.errors import CandleloopError
from candleloop.storage import Storage

FORMAT = "candleloop-snapshot/1"
FOLDER = "snapshots"
KINDS = ("annotation", "rejection", "coverage", "reviewed")


@dataclass(frozen=True, eq=False, slots=True)
class SnapshotSeries:
    """One series of a snapshot.

    Parameters
    ----------
    series_id, version
        Which candles.
    test_start_time, test_end_time
        Frozen test bars, bar-open times, both inclusive, microseconds UTC; None when the series has none.
    marks
        Everything said about the series under the label set.
    """

    series_id: str
    version: str
    test_start_time: int | None
    test_end_time: int | None
    marks: SeriesMarks

    def touches_test_bars(self, spans: TimeSpans) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Tell for each span whether one of its bars is a test bar; bool array of shape (n_spans,)."""
        if self.test_start_time is None or self.test_end_time is None:
            return np.zeros(len(spans), dtype=np.bool_)
        return (spans.end_time >= self.test_start_time) & (spans.start_time <= self.test_end_time)

    def test_bars(self, time: IntArray) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Tell which of the bars at these bar-open times are test bars; bool array of shape (n_bars,)."""
        return self.touches_test_bars(TimeSpans(np.zeros(len(time), dtype=np.int64), time, time))


class MarkCounts(BaseModel):
    """How much was said, by label; the raw marks, before people's decisions overrule TA-Lib's."""

    model_config = ConfigDict(frozen=True)

    human: dict[str, int]
    talib: dict[str, int]
    rejections: dict[str, int]
    reviewed_bars: int | None


class SnapshotCounts(BaseModel):
    """Counts of a snapshot: marks that teach, and marks on test bars."""

    model_config = ConfigDict(frozen=True)

    series: int
    teaching: MarkCounts
    test: MarkCounts


@dataclass(frozen=True, eq=False, slots=True)
class Snapshot:
    """The marks and candle versions of a training run.

    Parameters
    ----------
    label_set
        The label set that the marks belong to.
    series
        The series, each id once.
    """

    label_set: LabelSet
    series: tuple[SnapshotSeries, ...]

    def __post_init__(self) -> None:
        ids = [series.series_id for series in self.series]
        if len(set(ids)) != len(ids):
            raise ValueError("a series comes twice in the snapshot")

    def content_hash(self) -> str:
        """Return 16 hex digits of a SHA-256 over the label set, the series versions, test bars and marks.

        The order of series and rows makes no difference; repeated marks do.
        """
        digest = hashlib.sha256(f"{FORMAT}\n{self.label_set.content_hash()}\n".encode())
        for series in sorted(self.series, key=lambda series: series.series_id):
            head = [series.series_id, series.version, series.test_start_time, series.test_end_time]
            digest.update(json.dumps(head).encode())
            marks = series.marks
            for kind, table in (
                ("annotations", _span_rows(marks.annotations, marks.by_human.astype(np.int64))),
                ("rejections", _span_rows(marks.rejections)),
            ):
                digest.update(f"\n{kind} {len(table)}\n".encode())
                digest.update(table.astype("<i8").tobytes())
            for kind, ranges in (("coverage", marks.coverage), ("reviewed", marks.reviewed)):
                rows = sorted((found.start_time, found.end_time, found.labels) for found in ranges)
                digest.update(f"\n{kind} {json.dumps(rows)}\n".encode())
        return digest.hexdigest()[:16]

    def counts(self, times: Mapping[str, IntArray] | None = None) -> SnapshotCounts:
        """Count spans by label and by who decided them, rejections and reviewed bars, for teaching and for test bars.

        Parameters
        ----------
        times
            Bar-open times by series id, needed to count reviewed bars; without them ``reviewed_bars`` is None. A bar
            counts once however many labels it was reviewed for.
        """
        return SnapshotCounts(
            series=len(self.series),
            teaching=self._count(on_test_bars=False, times=times),
            test=self._count(on_test_bars=True, times=times),
        )

    def _count(self, *, on_test_bars: bool, times: Mapping[str, IntArray] | None) -> MarkCounts:
        n_labels = len(self.label_set)
        human, talib, rejections = (np.zeros(n_labels, dtype=np.int64) for _ in range(3))
        for series in self.series:
            spans, by_human = series.marks.annotations, series.marks.by_human
            here = series.touches_test_bars(spans) == on_test_bars
            human += np.bincount(spans.label[here & by_human], minlength=n_labels)
            talib += np.bincount(spans.label[here & ~by_human], minlength=n_labels)
            here = series.touches_test_bars(series.marks.rejections) == on_test_bars
            rejections += np.bincount(series.marks.rejections.label[here], minlength=n_labels)

        def named(counts: IntArray) -> dict[str, int]:
            return dict(zip(self.label_set.names, counts.tolist(), strict=True))

        return MarkCounts(
            human=named(human),
            talib=named(talib),
            rejections=named(rejections),
            reviewed_bars=None if times is None else self._reviewed_bars(times, on_test_bars=on_test_bars),
        )

    def _reviewed_bars(self, times: Mapping[str, IntArray], *, on_test_bars: bool) -> int:
        total = 0
        for series in self.series:
            time = times[series.series_id]
            reviewed = np.zeros(len(time), dtype=np.bool_)
            for found in series.marks.reviewed:
                reviewed[range_to_slice(found, time)] = True
            total += int((reviewed & (series.test_bars(time) == on_test_bars)).sum())
        return total

    def write(self, storage: Storage) -> str:
        """Write the snapshot as one Parquet file, whole or not at all, and return its name in the storage.

        The rows are the marks (series, kind, labels, start_time, end_time, by_human); the file's metadata holds the
        manifest: format, content hash, label set, series with versions and test bars.
        """
        name = _name(self.content_hash())
        storage.write(name, _to_parquet(self))
        return name

    @classmethod
    def read(cls, storage: Storage, content_hash: str) -> Snapshot:
        """Read a snapshot by its hash.

        Raises
        ------
        NotFound
            When the storage has no such snapshot.
        CandleloopError
            With code ``snapshot_damaged`` when the content does not have that hash.
        """
        try:
            snapshot = _from_parquet(storage.read(_name(content_hash)))
            found = snapshot.content_hash()
        except (ValueError, KeyError, OSError) as error:
            raise CandleloopError(
                f"Snapshot {content_hash} cannot be read: {error}", code="snapshot_damaged", snapshot=content_hash
            ) from error
        if found != content_hash:
            raise CandleloopError(
                f"Snapshot {content_hash} holds other content ({found}).",
                code="snapshot_damaged",
                snapshot=content_hash,
            )
        return snapshot


def _name(content_hash: str) -> str:
    return f"{FOLDER}/{content_hash}.parquet"


def _span_rows(spans: TimeSpans, *more: IntArray) -> IntArray:
    """Return rows (label, start, end, ...) in one order whatever order they came in."""
    columns = (spans.label, spans.start_time, spans.end_time, *more)
    order = np.lexsort(columns[::-1])
    return np.stack([column[order] for column in columns], axis=1)


def _to_parquet(snapshot: Snapshot) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    series, kinds, labels, counts, starts, ends, human = ([np.empty(0, dtype=np.int64)] for _ in range(7))
    for position, one in enumerate(snapshot.series):
        marks = one.marks
        parts = [
            (0, *_span_columns(marks.annotations), marks.by_human.astype(np.int64)),
            (1, *_span_columns(marks.rejections), np.ones(len(marks.rejections), dtype=np.int64)),
            (2, *_range_columns(marks.coverage), np.zeros(len(marks.coverage), dtype=np.int64)),
            (3, *_range_columns(marks.reviewed), np.ones(len(marks.reviewed), dtype=np.int64)),
        ]
        for kind, flat, count, start, end, by_human in parts:
            series.append(np.full(len(start), position))
            kinds.append(np.full(len(start), kind))
            labels.append(flat)
            counts.append(count)
            starts.append(start)
            ends.append(end)
            human.append(by_human)
    offsets = np.concatenate([[0], np.cumsum(np.concatenate(counts))])
    table = pa.table(
        {
            "series": pa.array(np.concatenate(series), pa.int32()),
            "kind": pa.DictionaryArray.from_arrays(pa.array(np.concatenate(kinds), pa.int8()), list(KINDS)),
            "labels": pa.ListArray.from_arrays(
                pa.array(offsets, pa.int32()), pa.array(np.concatenate(labels), pa.int16())
            ),
            "start_time": pa.array(np.concatenate(starts), pa.int64()),
            "end_time": pa.array(np.concatenate(ends), pa.int64()),
            "by_human": pa.array(np.concatenate(human).astype(np.bool_)),
        }
    )
    manifest = {
        "format": FORMAT,
        "content_hash": snapshot.content_hash(),
        "label_set": snapshot.label_set.model_dump(mode="json"),
        "series": [
            {
                "series_id": one.series_id,
                "version": one.version,
                "test_start_time": one.test_start_time,
                "test_end_time": one.test_end_time,
            }
            for one in snapshot.series
        ],
    }
    sink = BytesIO()
    pq.write_table(table.replace_schema_metadata({"candleloop": json.dumps(manifest)}), sink, compression="zstd")
    return sink.getvalue()


def _span_columns(spans: TimeSpans) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    return spans.label, np.ones(len(spans), dtype=np.int64), spans.start_time, spans.end_time


def _range_columns(ranges: Iterable[TimeRange]) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    found = list(ranges)
    return (
        np.array([label for one in found for label in one.labels], dtype=np.int64),
        np.array([len(one.labels) for one in found], dtype=np.int64),
        np.array([one.start_time for one in found], dtype=np.int64),
        np.array([one.end_time for one in found], dtype=np.int64),
    )


def _from_parquet(content: bytes) -> Snapshot:
    import pyarrow.parquet as pq

    table = pq.read_table(BytesIO(content)).combine_chunks()
    manifest = json.loads((table.schema.metadata or {})[b"candleloop"])
    if manifest["format"] != FORMAT:
        raise ValueError(f"its format is {manifest['format']!r}, not {FORMAT!r}")
    column = {name: table[name].to_numpy() for name in ("series", "start_time", "end_time", "by_human")}
    kind = np.array([KINDS.index(name) for name in table["kind"].to_pylist()], dtype=np.int64)
    labels = table["labels"].to_pylist()

    def spans(rows: IntArray) -> TimeSpans:
        return TimeSpans(
            np.array([labels[row][0] for row in rows.tolist()], dtype=np.int64),
            column["start_time"][rows],
            column["end_time"][rows],
        )

    def ranges(rows: IntArray) -> tuple[TimeRange, ...]:
        return tuple(
            TimeRange(int(column["start_time"][row]), int(column["end_time"][row]), tuple(labels[row]))
            for row in rows.tolist()
        )

    found = []
    for position, one in enumerate(manifest["series"]):
        own = column["series"] == position
        annotation, rejection, coverage, reviewed = (
            np.flatnonzero(own & (kind == number)) for number in range(len(KINDS))
        )
        marks = SeriesMarks(
            annotations=spans(annotation),
            by_human=column["by_human"][annotation].astype(np.bool_),
            rejections=spans(rejection),
            coverage=ranges(coverage),
            reviewed=ranges(reviewed),
        )
        found.append(SnapshotSeries(**one, marks=marks))
    return Snapshot(LabelSet.model_validate(manifest["label_set"]), tuple(found))
