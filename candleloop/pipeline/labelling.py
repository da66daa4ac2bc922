"""Label sets and what TA-Lib finds of them in a series."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from candleloop.annotations.label_set import LabelSet
from candleloop.annotations.places import to_times
from candleloop.annotations.spans import Spans
from candleloop.candles.frame import Candles, IntArray
from candleloop.candles.segments import segment_starts_of
from candleloop.candles.store import CandleStore
from candleloop.context import Context
from candleloop.patterns.auto_label import auto_label_parts, searched_labels
from candleloop.pipeline_config import AutoLabelConfig
from candleloop.progress import Progress, silent
from candleloop.store import label_sets, marks, series


@dataclass(frozen=True)
class AutoLabelOutcome:
    """What an auto-label run found in one series."""

    series_id: str
    spans: int
    by_label: dict[str, int]
    covered_bars: int
    bars: int


def prepare(context: Context, sets: Iterable[LabelSet]) -> None:
    """Make the label sets known to the database.

    Raises
    ------
    Conflict
        When the database holds another definition under the name of one of them: label sets are frozen.
    """
    with context.database.begin() as session:
        for label_set in sets:
            label_sets.ensure(session, label_set)


def auto_label_series(
    context: Context,
    series_id: str,
    label_set_name: str,
    *,
    job_id: str | None = None,
    progress: Progress = silent,
) -> AutoLabelOutcome:
    """Search a series with TA-Lib and store the spans it finds, with the range it searched.

    Earlier ``talib`` annotations of this series and label set are replaced; what a person decided stays.
    """
    with context.database.read() as session:
        label_set = label_sets.get(session, label_set_name)
        version = series.get_series(session, series_id).version
    store = CandleStore(context.storage)
    starts, n_bars = segment_starts_of(lambda: store.times(series_id, version), max_gap=context.max_gap)
    outcome = _Search(store, series_id, version, label_set)
    with context.database.begin() as session:
        marks.replace_talib(
            session,
            series_id,
            label_set,
            labels=searched_labels(label_set, context.config.auto_label),
            parts=outcome.parts(starts, n_bars, context.config.auto_label, progress),
            job_id=job_id,
        )
    return AutoLabelOutcome(
        series_id,
        int(outcome.counts.sum()),
        dict(zip(label_set.names, outcome.counts.tolist(), strict=True)),
        outcome.covered_bars,
        n_bars,
    )


class _Search:
    """The search of one series, part by part, and what it amounts to."""

    def __init__(self, store: CandleStore, series_id: str, version: str, label_set: LabelSet) -> None:
        self._store, self._series_id, self._version = store, series_id, version
        self._label_set = label_set
        self.counts = np.zeros(len(label_set), dtype=np.int64)
        self.covered_bars = 0
        self._time = np.empty(0, dtype=np.int64)
        self._first = 0

    def parts(
        self, starts: IntArray, n_bars: int, config: AutoLabelConfig, progress: Progress
    ) -> Iterator[marks.TalibMarks]:
        """Yield what is found in each part, in times."""
        done, open_run = 0, None
        for found in auto_label_parts(self._candles, starts, n_bars, self._label_set, config, progress=progress):
            size = len(found.covered)
            own = self._time[done - self._first :][:size]
            runs = _runs(found.covered, own)
            if open_run is not None:
                # A run goes on across the end of a part.
                joined = bool(runs) and runs[0][0] == int(own[0])
                runs = [(open_run[0], runs[0][1]), *runs[1:]] if joined else [open_run, *runs]
            done += size
            open_run = runs.pop() if done < n_bars and runs and found.covered[-1] else None
            self.counts += np.bincount(found.spans.label, minlength=len(self._label_set))
            self.covered_bars += int(found.covered.sum())
            spans = found.spans
            bars = Spans(spans.label, spans.start - self._first, spans.end - self._first)
            yield marks.TalibMarks(to_times(bars, self._time), runs, int(own[-1]) if done < n_bars else None)

    def _candles(self, first: int, stop: int) -> Candles:
        candles = self._store.read_rows(self._series_id, self._version, first, stop)
        self._time, self._first = candles.time, first
        return candles


def _runs(mask: np.ndarray[Any, np.dtype[np.bool_]], time: IntArray) -> list[tuple[int, int]]:
    """Return the runs of true bars as pairs of bar-open times, both inclusive."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(int(time[start]), int(time[end - 1])) for start, end in edges.reshape(-1, 2).tolist()]
