"""All windows of a label set at one moment: where they lie, what the model says of them, which are reviewed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock

import numpy as np
from sqlalchemy.orm import Session

from candleloop.annotations.label_set import LabelSet
from candleloop.annotations.marks import TimeSpans
from candleloop.candles.frame import MICROSECONDS, IntArray
from candleloop.candles.segments import default_max_gap
from candleloop.context import Context
from candleloop.loop.pool import ReviewPool
from candleloop.loop.review_items import Window
from candleloop.loop.suspects import Suspect
from candleloop.loop.window_files import SeriesWindows, committee_in, read_windows
from candleloop.loop.windows import BoolArray, FloatArray, WindowScores
from candleloop.store import review
from candleloop.store.review import QueuedSeries

BarTimes = Callable[[Session, str], IntArray]
"""Gives the bar-open times of a series as it is, int64 array of shape (n_bars,), microseconds UTC, ascending."""

MOST_UNSCORED = 8
"""Series without scores whose windows are offered at once: their bars have to be read."""

KEPT = 256
"""Series whose windows are kept in memory."""


@dataclass(frozen=True, eq=False, slots=True)
class SeriesOnBoard:
    """The windows of a series, and the row of each by the id of its item."""

    series_id: str
    label_set: str
    windows: SeriesWindows
    rows: Mapping[str, int]
    committee: str | None = None

    @classmethod
    def of(cls, series_id: str, label_set: str, windows: SeriesWindows, committee: str | None = None) -> SeriesOnBoard:
        """Look up the ids of all windows; ``committee`` is the version that voted beside the one that scored them."""
        bare = cls(series_id, label_set, windows, {})
        rows = {bare.window(row).id: row for row in range(len(windows))}
        return cls(series_id, label_set, windows, rows, committee)

    def window(self, row: int) -> Window:
        """Return where a window lies."""
        own = self.windows
        return Window(
            series_id=self.series_id,
            label_set=self.label_set,
            start_time=int(own.start_time[row]),
            end_time=int(own.end_time[row]),
            context_start_time=int(own.context_start_time[row]),
            context_end_time=int(own.context_end_time[row]),
            test=bool(own.test[row]),
        )


@dataclass(frozen=True, eq=False, slots=True)
class Board:
    """Windows of several series after one another; a window's *place* is its number among all of them.

    Parameters
    ----------
    series
        The series, by id.
    first
        Place of the first window of each, int64 array of shape (n_series,).
    closed
        Which windows are reviewed for all labels, bool array of shape (n_windows,).
    version
        The model version that the scores are of, None without a model.
    left_out
        Series without scores that are more than can be offered at once; each has a board of its own.
    """

    series: tuple[SeriesOnBoard, ...]
    first: IntArray
    closed: BoolArray
    version: str | None
    left_out: tuple[str, ...] = ()

    def window(self, place: int) -> Window:
        """Return where a window lies."""
        owner = int(np.searchsorted(self.first, place, side="right")) - 1
        return self.series[owner].window(place - int(self.first[owner]))

    def place_of(self, item_id: str) -> int | None:
        """Return the place of a window by the id of its item, None when there is none."""
        for owner, own in enumerate(self.series):
            row = own.rows.get(item_id)
            if row is not None:
                return int(self.first[owner]) + row
        return None

    def pool(self, places: IntArray, n_labels: int, labelled: Mapping[str, TimeSpans]) -> ReviewPool:
        """Return what strategies choose from: the windows at these places, and what people found so far.

        Parameters
        ----------
        labelled
            The spans that people decided, by series.
        """
        width = max((one.windows.scores.embedding.shape[1] for one in self.series), default=0)
        scores = WindowScores.concatenate(
            [WindowScores.unknown(0, n_labels, width), *(_of_width(one, n_labels, width) for one in self.series)]
        )
        owner = np.searchsorted(self.first, np.arange(len(self.closed)), side="right") - 1
        start, end = self._column("start"), self._column("end")
        counts = np.zeros(n_labels, dtype=np.int64)
        found = np.zeros((len(self.closed), n_labels), dtype=np.bool_)
        for number, one in enumerate(self.series):
            spans = labelled.get(one.series_id)
            if spans is None or len(one.windows) == 0:
                continue
            counts += np.bincount(spans.label, minlength=n_labels)
            row = np.searchsorted(one.windows.start_time, spans.end_time, side="right") - 1
            found[self.first[number] + np.maximum(row, 0), spans.label] = True
        seen = np.flatnonzero(self.closed)
        return ReviewPool(
            scores=scores[places],
            series=owner[places].astype(np.int64),
            start=start[places],
            end=end[places],
            test=self._column("test").astype(np.bool_)[places],
            disagreement=np.zeros(len(places)),
            labelled=counts,
            seen_embedding=scores.embedding[seen],
            seen_labels=found[seen],
        )

    def disagreement(self, suspects: Iterable[Suspect]) -> FloatArray:
        """Return how likely the likeliest label error is in each window, float64 array of shape (n_windows,)."""
        strongest = np.zeros(len(self.closed))
        owners = {one.series_id: number for number, one in enumerate(self.series)}
        for suspect in suspects:
            owner = owners.get(suspect.series_id)
            if owner is None or len(self.series[owner].windows) == 0:
                continue
            start_time = self.series[owner].windows.start_time
            row = int(np.searchsorted(start_time, suspect.dispute.end_time, side="right")) - 1
            place = int(self.first[owner]) + max(row, 0)
            strongest[place] = max(strongest[place], suspect.likelihood)
        return strongest

    def _column(self, name: str) -> IntArray:
        return np.concatenate([np.empty(0, dtype=np.int64), *(getattr(one.windows, name) for one in self.series)])


class Boards:
    """Makes boards; windows stay in memory by the name of their file, which says what is in it.

    Parameters
    ----------
    context
        Files and configuration.
    bar_times
        Called for series that were never scored.
    """

    def __init__(self, context: Context, bar_times: BarTimes) -> None:
        self._context = context
        self._bar_times = bar_times
        self._kept: OrderedDict[str, SeriesOnBoard] = OrderedDict()
        self._lock = Lock()

    def board(self, session: Session, label_set: LabelSet, series_id: str | None = None) -> Board:
        """Return the board of a label set as it is now, of all series or of one."""
        queued = review.queued_series(session, label_set.name, series_id)
        reviewed = review.reviewed_completely(session, label_set)
        scored = {one.series_id: self._scored(one, label_set) for one in queued}
        version = _prevailing(queued, scored)
        found: list[SeriesOnBoard] = []
        closed = [np.empty(0, dtype=np.bool_)]
        left_out: list[str] = []
        unscored = 0
        for one in queued:
            own = scored[one.series_id] if one.model_version == version else None
            if own is None:
                unscored += 1
                if unscored > MOST_UNSCORED:
                    left_out.append(one.series_id)
                    continue
                own = self._unscored(session, one, label_set)
            found.append(own)
            ranges = reviewed.get(one.series_id, [])
            closed.append(closed_windows(own.windows, ranges, one.timeframe_seconds * MICROSECONDS))
        lengths = np.array([len(own.windows) for own in found], dtype=np.int64)
        return Board(tuple(found), np.cumsum(lengths) - lengths, np.concatenate(closed), version, tuple(left_out))

    def _scored(self, one: QueuedSeries, label_set: LabelSet) -> SeriesOnBoard | None:
        if one.windows is None:
            return None
        kept = self._remembered(one.windows)
        if kept is not None:
            return kept
        windows = read_windows(self._context.storage, one.windows)
        if windows is None:
            return None
        own = SeriesOnBoard.of(one.series_id, label_set.name, windows, committee_in(one.windows))
        return self._remember(one.windows, own)

    def _unscored(self, session: Session, one: QueuedSeries, label_set: LabelSet) -> SeriesOnBoard:
        config = self._context.config.review
        name = f"{label_set.name}/{one.series_id}@{one.version}"
        kept = self._remembered(name)
        if kept is not None:
            return kept
        time = self._bar_times(session, one.series_id)
        windows = SeriesWindows.unscored(
            time,
            max_gap=self._context.max_gap or default_max_gap(time),
            test_bars=one.test_bars,
            window_bars=config.window_bars,
            context_bars=config.context_bars,
            n_labels=len(label_set),
        )
        return self._remember(name, SeriesOnBoard.of(one.series_id, label_set.name, windows))

    def _remembered(self, name: str) -> SeriesOnBoard | None:
        with self._lock:
            if name not in self._kept:
                return None
            self._kept.move_to_end(name)
            return self._kept[name]

    def _remember(self, name: str, own: SeriesOnBoard) -> SeriesOnBoard:
        with self._lock:
            self._kept[name] = own
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return own


def closed_windows(windows: SeriesWindows, ranges: Sequence[tuple[int, int]], step: int) -> BoolArray:
    """Tell which windows lie in what is reviewed, bool array of shape (n_windows,).

    Parameters
    ----------
    ranges
        Bar-open times of the first and last bar of each reviewed range, by start.
    step
        The usual step between bars, microseconds: ranges that follow each other at once count as one.
    """
    if not ranges or len(windows) == 0:
        return np.zeros(len(windows), dtype=np.bool_)
    merged = [list(ranges[0])]
    for start, end in ranges[1:]:
        if start <= merged[-1][1] + step:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([start, end])
    table = np.array(merged, dtype=np.int64)
    place = np.searchsorted(table[:, 0], windows.start_time, side="right") - 1
    return np.asarray((place >= 0) & (table[np.maximum(place, 0), 1] >= windows.end_time), dtype=np.bool_)


def _prevailing(queued: Sequence[QueuedSeries], scored: Mapping[str, SeriesOnBoard | None]) -> str | None:
    """Return the model version that most windows were scored by: scores of two versions cannot be ranked together."""
    counts: dict[str, int] = {}
    for one in queued:
        own = scored[one.series_id]
        if own is not None and one.model_version is not None:
            counts[one.model_version] = counts.get(one.model_version, 0) + len(own.windows)
    return max(counts, key=lambda version: (counts[version], version)) if counts else None


def _of_width(one: SeriesOnBoard, n_labels: int, width: int) -> WindowScores:
    scores = one.windows.scores
    if scores.embedding.shape[1] == width:
        return scores
    return WindowScores.unknown(len(scores), n_labels, width)
