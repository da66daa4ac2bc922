"""A person who sees what TA-Lib does not look at, in a database of the demo series; for ``benchmarks/corrections.py``.

A mark of TA-Lib's holds to this person only when the ten closes before it moved by at least half a mean range in the
direction that the pattern turns: up before a bearish pattern, down before a bullish one. A shooting star after a fall
is an inverted hammer, and the reverse. Other marks are nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from candleloop import pipeline
from candleloop.annotations.identity import talib_annotation_id
from candleloop.annotations.label_set import LabelSet
from candleloop.annotations.marks import Origin
from candleloop.annotations.spans import Spans
from candleloop.candles.frame import Candles
from candleloop.context import Context
from candleloop.features.matrix import FeatureSpec, feature_matrix
from candleloop.loop.feedback import record_feedback
from candleloop.loop.instants import format_instant
from candleloop.patterns.auto_label import auto_label
from candleloop.pipeline_config import PipelineConfig
from candleloop.storage import Storage
from candleloop.store import marks, series
from candleloop.store.database import Database, migrate
from candleloop.training.snapshot import Snapshot

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

LABEL_SET = Path(__file__).parents[1] / "config/label_sets/default.yaml"
MOVE_BARS = 10
MOVE = 0.5
"""Least move before a pattern, in mean ranges of these bars."""
NOTHING = -1
OTHER_NAME = {"shooting_star": "inverted_hammer", "inverted_hammer": "shooting_star"}
"""The same candle has another name after the opposite move."""


@dataclass(frozen=True, eq=False)
class Marked:
    """TA-Lib's marks on one series and what the person sees at each: a label position, or ``NOTHING``."""

    candles: Candles
    marks: Spans
    seen: IntArray
    features: npt.NDArray[np.float32]
    test: BoolArray

    @property
    def truth(self) -> Spans:
        """The spans that hold to the person."""
        held = self.seen != NOTHING
        return Spans(self.seen[held], self.marks.start[held], self.marks.end[held])


@dataclass(frozen=True, eq=False)
class World:
    """A database in which TA-Lib labelled one series and the person reviewed all test bars."""

    context: Context
    label_set: LabelSet
    labelled: str
    series: dict[str, Marked]


def what_the_person_sees(candles: Candles, spans: Spans, label_set: LabelSet) -> IntArray:
    """Return the label that the person sees at each span, ``NOTHING`` where there is none.

    Parameters
    ----------
    candles
        The candles.
    spans
        TA-Lib's marks; their labels have a ``sign``.
    label_set
        Their label set.

    Returns
    -------
    int64 array of shape (n_spans,)
    """
    last = spans.start - 1
    first = np.maximum(last - MOVE_BARS, 0)
    ranges = np.concatenate([[0.0], np.cumsum(candles.high - candles.low)])
    mean_range = (ranges[last + 1] - ranges[first + 1]) / np.maximum(last - first, 1)
    move = (candles.close[last] - candles.close[first]) / np.maximum(mean_range, 1e-12)
    sign = np.array([label.sign or 0 for label in label_set.labels])
    names = label_set.names
    other = np.array([label_set.index(OTHER_NAME[name]) if name in OTHER_NAME else NOTHING for name in names])
    turns = -move * sign[spans.label]
    return np.where(turns >= MOVE, spans.label, np.where(turns <= -MOVE, other[spans.label], NOTHING)).astype(np.int64)


def make_world(folder: Path, config: PipelineConfig, labelled: str) -> World:
    """Import the demo series, auto-label one of them, and review all test bars."""
    url = f"sqlite:///{folder / 'candleloop.db'}"
    migrate(url)
    context = Context(Database(url), Storage(f"file://{folder}"), config, tracking_url="")
    label_set = LabelSet.load(LABEL_SET)
    pipeline.prepare(context, [label_set])
    pipeline.import_demo(context)
    pipeline.auto_label_series(context, labelled, label_set.name)
    spec = FeatureSpec.from_config(config.features)
    known = {}
    for series_id in pipeline.all_series(context):
        candles = pipeline.read_series(context, series_id)
        found = auto_label(candles, label_set, config.auto_label, max_gap=context.max_gap).spans
        with context.database.read() as session:
            test = series.test_bars(session, series_id)
        assert test is not None
        known[series_id] = Marked(
            candles,
            found,
            what_the_person_sees(candles, found, label_set),
            feature_matrix(candles, spec),
            (candles.time >= test[0]) & (candles.time <= test[1]),
        )
    world = World(context, label_set, labelled, known)
    for series_id, marked in known.items():
        review(world, series_id, marked.test)
    return world


def review(world: World, series_id: str, bars: BoolArray) -> None:
    """Let the person review a run of bars: mark what they see and declare the rest empty."""
    marked = world.series[series_id]
    moments, held = marked.candles.time, marked.truth
    place = {"series_id": series_id, "label_set": world.label_set.name}
    first, last = (int(edge) for edge in np.flatnonzero(bars)[[0, -1]])
    with world.context.database.begin() as session:
        marks.add_reviewed_range(
            session,
            **place,
            labels=world.label_set.names,
            start_time=int(moments[first]),
            end_time=int(moments[last]),
        )
        for label, start, end in held[(held.start >= first) & (held.end <= last)].rows():
            marks.add_annotation(
                session,
                **place,
                label=world.label_set.names[label],
                start_time=int(moments[start]),
                end_time=int(moments[end]),
                origin=Origin.HUMAN,
            )


def drawn_marks(world: World, way: str, seed: int) -> IntArray:
    """Return rows of the labelled series' marks that teach, in the order in which the person decides them."""
    marked = world.series[world.labelled]
    spec = FeatureSpec.from_config(world.context.config.features)
    last = int(marked.test.argmax()) - world.context.config.split.embargo
    rows = np.flatnonzero((marked.marks.end >= spec.warmup) & (marked.marks.end < last))
    if way == "wrong":
        rows = rows[marked.seen[rows] != marked.marks.label[rows]]
    return np.random.default_rng(seed).permutation(rows)


def event_of(world: World, row: int, event_id: str) -> dict[str, Any]:
    """Return what the person does about a mark, as a client sends it."""
    marked, names = world.series[world.labelled], world.label_set.names
    label, start, end = marked.marks[np.array([row])].rows()[0]
    moments = (int(marked.candles.time[start]), int(marked.candles.time[end]))
    times = {"start_time": format_instant(moments[0]), "end_time": format_instant(moments[1])}
    event: dict[str, Any] = {
        "event_id": event_id,
        "series_id": world.labelled,
        "target": {
            "kind": "annotation",
            "id": talib_annotation_id(world.labelled, world.label_set.name, names[label], *moments),
            "label": names[label],
            **times,
        },
    }
    seen, held = int(marked.seen[row]), marked.truth
    if seen == label:
        return {**event, "verb": "confirm"}
    if seen != NOTHING:
        return {**event, "verb": "correct", "correction": {"label": names[seen], **times}}
    # "Nothing here" is about these bars and every label: not true where another pattern shares a bar.
    shared = bool(((held.start <= end) & (held.end >= start)).any())
    return {**event, "verb": "dismiss", "reason": "wrong_label" if shared else "nothing_here"}


def snapshots(world: World, rows: IntArray, counts: Sequence[int], name: str) -> list[Snapshot]:
    """Decide marks one after another, take a snapshot at each of the ascending counts, and take everything back."""
    events = [event_of(world, int(row), f"{name}-{place}") for place, row in enumerate(rows[: counts[-1]])]
    undo = [
        {"event_id": f"{one['event_id']}-undo", "verb": "undo", "series_id": world.labelled, "undoes": one["event_id"]}
        for one in reversed(events)
    ]
    taken, sent = [], 0
    for count in counts:
        _send(world, events[sent:count])
        taken.append(pipeline.take_snapshot(world.context, world.label_set.name))
        sent = count
    _send(world, undo)
    return taken


def _send(world: World, events: Sequence[dict[str, Any]]) -> None:
    candles = world.series[world.labelled].candles
    with world.context.database.begin() as session:
        for result in record_feedback(session, world.label_set, events, bar_times=lambda _: candles.time):
            if result.status != "accepted":
                raise RuntimeError(f"feedback was not accepted: {result}")
