"""A labelled series in a database, and feedback events about it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy.orm import Session

from candleloop.annotations.identity import prediction_id, talib_annotation_id
from candleloop.annotations.label_set import Label, LabelSet
from candleloop.annotations.marks import TimeSpans
from candleloop.loop.feedback import FeedbackResult, record_feedback
from candleloop.loop.instants import format_instant
from candleloop.store import label_sets, marks, series
from candleloop.store.database import Database

LABELS = LabelSet(
    name="three",
    labels=(
        Label(name="star", code="STA", colour="#112233", hotkey="1", bars=3),
        Label(name="harami", code="HAR", colour="#112233", hotkey="2", bars=2),
        Label(name="flag", code="FLA", colour="#112233", hotkey="3"),
    ),
)
MODEL = "0123456789ab"

Place = tuple[str, int, int]
"""Label, first and last bar."""


def bar_times(n_bars: int) -> npt.NDArray[np.int64]:
    """Return hourly bar-open times with a night after every seventh bar."""
    bars = np.arange(n_bars, dtype=np.int64)
    return (1_600_000_000 + 3_600 * (bars + 17 * (bars // 7))) * 1_000_000


@dataclass(frozen=True)
class World:
    """One series under one label set."""

    database: Database
    series_id: str = "AAPL-1h"
    n_bars: int = 60

    @property
    def time(self) -> npt.NDArray[np.int64]:
        """The bar-open times."""
        return bar_times(self.n_bars)

    def made(self) -> World:
        """Write label set and series into the database."""
        time = self.time
        with self.database.begin() as session:
            label_sets.ensure(session, LABELS)
            add_series(session, self.series_id, time)
        return self

    def another(self, series_id: str) -> World:
        """Return a second series in the same database."""
        return replace(self, series_id=series_id).made()

    def talib(self, *places: Place, labels: tuple[int, ...] = (0, 1, 2)) -> None:
        """Let TA-Lib find exactly these, having searched all bars but the first ten."""
        time = self.time
        spans = TimeSpans(
            np.array([LABELS.index(label) for label, _, _ in places], dtype=np.int64),
            np.array([time[first] for _, first, _ in places], dtype=np.int64),
            np.array([time[last] for _, _, last in places], dtype=np.int64),
        )
        with self.database.begin() as session:
            whole = marks.TalibMarks(spans, [(int(time[10]), int(time[-1]))], until=None)
            marks.replace_talib(session, self.series_id, LABELS, labels, [whole], job_id=None)

    def send(self, *events: dict[str, Any], requested_by: str = "api") -> list[FeedbackResult]:
        """Record events in a transaction of their own."""
        with self.database.begin() as session:
            return record_feedback(session, LABELS, events, bar_times=lambda _: self.time, requested_by=requested_by)

    def span(self, place: Place) -> dict[str, Any]:
        """Return a place as JSON."""
        label, first, last = place
        return {"label": label, "start_time": self.iso(first), "end_time": self.iso(last)}

    def iso(self, bar: int) -> str:
        """Return a bar's time as JSON."""
        return format_instant(int(self.time[bar]))

    def prediction(self, place: Place, model: str = MODEL) -> dict[str, Any]:
        """Return a prediction as a target."""
        label, first, last = place
        identity = prediction_id(self.series_id, model, label, int(self.time[first]), int(self.time[last]))
        return {"kind": "prediction", "id": identity, **self.span(place), "confidence": 0.5, "model_version": model}

    def talib_mark(self, place: Place) -> dict[str, Any]:
        """Return a TA-Lib annotation as a target."""
        label, first, last = place
        identity = talib_annotation_id(self.series_id, LABELS.name, label, int(self.time[first]), int(self.time[last]))
        return {"kind": "annotation", "id": identity, **self.span(place)}

    def event(self, event_id: str, verb: str, target: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        """Return an event as a client sends it."""
        return {"event_id": event_id, "verb": verb, "series_id": self.series_id, "target": target, **more}

    def marks(self) -> dict[str, list[Any]]:
        """Return all marks in bars, in plain lists."""
        with self.database.read() as session:
            found = marks.load_marks(session, self.series_id, LABELS)
        bar = {int(time): place for place, time in enumerate(self.time)}

        def rows(spans: TimeSpans) -> list[Place]:
            return [
                (LABELS.names[label], bar[start], bar[end])
                for label, start, end in zip(
                    spans.label.tolist(), spans.start_time.tolist(), spans.end_time.tolist(), strict=True
                )
            ]

        by_human = found.by_human.tolist()
        return {
            "human": [row for row, human in zip(rows(found.annotations), by_human, strict=True) if human],
            "talib": [row for row, human in zip(rows(found.annotations), by_human, strict=True) if not human],
            "rejected": rows(found.rejections),
            "reviewed": [(bar[part.start_time], bar[part.end_time], part.labels) for part in found.reviewed],
        }


def add_series(session: Session, series_id: str, time: npt.NDArray[np.int64], *, version: str = "0" * 16) -> bool:
    """Add a series with these bars, the last fifth of them test bars."""
    return series.add_series(
        session,
        series_id=series_id,
        symbol=series_id.split("-", maxsplit=1)[0],
        timeframe_seconds=3_600,
        source="test",
        session_kind="intraday",
        version=version,
        bars=len(time),
        first_time=int(time[0]),
        last_time=int(time[-1]),
        report={"rows": len(time)},
        test_bars=(int(time[len(time) * 4 // 5]), int(time[-1])),
    )
