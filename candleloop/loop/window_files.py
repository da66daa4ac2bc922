"""The windows of a series with their scores as a file: what the queue reads instead of candles and predictions."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from candleloop.errors import NotFound
from candleloop.loop.windows import BoolArray, IntArray, WindowScores, series_windows
from candleloop.storage import Storage

HALF = frozenset({"embedding", "margin_by_label"})
"""Columns that are stored with half precision: they are wide, and only compared."""


@dataclass(frozen=True, eq=False, slots=True)
class SeriesWindows:
    """The windows of one version of a series, in order, and what a model says of them.

    Parameters
    ----------
    start, end
        First and last bar, both inclusive, int64 arrays of shape (n_windows,).
    start_time, end_time
        Their bar-open times, int64 arrays of shape (n_windows,), microseconds UTC.
    context_start_time, context_end_time
        Bar-open times of the first and last bar to show around the window, int64 arrays of shape (n_windows,).
    test
        Whether the window lies in the test bars, bool array of shape (n_windows,).
    scores
        All unknown where no model looked at them.
    """

    start: IntArray
    end: IntArray
    start_time: IntArray
    end_time: IntArray
    context_start_time: IntArray
    context_end_time: IntArray
    test: BoolArray
    scores: WindowScores

    def __len__(self) -> int:
        return len(self.start)

    @classmethod
    def unscored(
        cls,
        time: IntArray,
        *,
        max_gap: int,
        test_bars: tuple[int, int] | None,
        window_bars: int,
        context_bars: int,
        n_labels: int,
        n_features: int = 0,
    ) -> Self:
        """Divide a series into windows that no model has looked at; see :func:`series_windows`."""
        start, end, test = series_windows(time, max_gap=max_gap, test_bars=test_bars, window_bars=window_bars)
        return cls(
            start=start,
            end=end,
            start_time=time[start],
            end_time=time[end],
            context_start_time=time[np.maximum(start - context_bars, 0)],
            context_end_time=time[np.minimum(end + context_bars, len(time) - 1)],
            test=test,
            scores=WindowScores.unknown(len(start), n_labels, n_features),
        )

    @classmethod
    def concatenate(cls, parts: Sequence[SeriesWindows]) -> Self:
        """Return the windows of consecutive parts of a series; at least one part."""
        columns = {
            field.name: np.concatenate([getattr(part, field.name) for part in parts])
            for field in fields(cls)
            if field.name != "scores"
        }
        return cls(**columns, scores=WindowScores.concatenate([part.scores for part in parts]))

    def to_bytes(self) -> bytes:
        """Return the content of a file."""
        columns = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "scores"}
        for field in fields(WindowScores):
            column = getattr(self.scores, field.name)
            columns[f"scores.{field.name}"] = column.astype(np.float16) if field.name in HALF else column
        stream = io.BytesIO()
        np.savez(stream, **columns)
        return stream.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """Read what :meth:`to_bytes` wrote."""
        with np.load(io.BytesIO(content), allow_pickle=False) as columns:
            scores = WindowScores(
                *(
                    columns[f"scores.{field.name}"].astype(np.float32)
                    if field.name in HALF
                    else columns[f"scores.{field.name}"]
                    for field in fields(WindowScores)
                )
            )
            own = {field.name: columns[field.name] for field in fields(cls) if field.name != "scores"}
        return cls(**own, scores=scores)


def windows_name(
    series_id: str, label_set: str, model_version: str, job_id: str, *, committee: str | None = None
) -> str:
    """Return the name in the storage of the file of the windows of a series, as one job scored them.

    ``committee`` is the version of another family whose model voted beside the one that scored.
    """
    return f"review/{label_set}/{series_id}/{model_version}{'' if committee is None else f'+{committee}'}-{job_id}.npz"


def committee_in(name: str) -> str | None:
    """Return the version that voted beside the one that scored, by the name of the file."""
    model, _, _ = name.rpartition("/")[2].partition("-")
    return model.partition("+")[2] or None


def write_windows(storage: Storage, name: str, windows: SeriesWindows) -> None:
    """Write the windows of a series, whole or not at all."""
    storage.write(name, windows.to_bytes())


def read_windows(storage: Storage, name: str) -> SeriesWindows | None:
    """Return the windows in a file, None when it is not there (any more)."""
    try:
        return SeriesWindows.from_bytes(storage.read(name))
    except NotFound:
        return None


def drop_other_windows(storage: Storage, name: str) -> None:
    """Remove the files of the same series and label set with other names: of models and versions before."""
    folder = storage.path(name).rpartition("/")[0]
    for path in storage.filesystem.ls(folder, detail=False):
        if path.rpartition("/")[2] != name.rpartition("/")[2]:
            storage.filesystem.rm_file(path)
