"""The card of a snapshot: what the data are that a model learned from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from candleloop.annotations.label_set import LabelSet
from candleloop.annotations.matching import match
from candleloop.annotations.places import range_to_slice, to_times
from candleloop.annotations.spans import IntArray, Spans
from candleloop.annotations.truth import BoolArray, Truth, resolve
from candleloop.candles.frame import Candles
from candleloop.patterns.auto_label import auto_label
from candleloop.pipeline_config import AutoLabelConfig
from candleloop.progress import Progress, silent
from candleloop.storage import Storage
from candleloop.times import iso_times
from candleloop.training.event_counts import mostly_inside
from candleloop.training.snapshot import FOLDER, Snapshot, SnapshotSeries

MONTHS_UP_TO_DAYS = 731
"""Spans over up to two years are counted by month, over more by year."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class LabelCounts(_Part):
    """Spans of one label that hold, by who decided them, and how many lie on test bars."""

    label: str
    human: int
    talib: int
    test: int


class SeriesCounts(_Part):
    """One series: its bars, how many are known for all labels, and the spans that hold by label."""

    series_id: str
    version: str
    bars: int
    known_bars: int
    reviewed_bars: int
    first_time: str
    last_time: str
    spans: dict[str, int]


class Overlap(_Part):
    """How many spans of ``label`` share a bar with a span of ``other`` (another one where these are equal)."""

    label: str
    other: str
    spans: int
    share: float


class Agreement(_Part):
    """People against TA-Lib on bars that both have searched; ``f1`` is None where neither marked anything."""

    label: str
    human: int
    talib: int
    both: int
    f1: float | None


class DatasetCard(_Part):
    """What a snapshot holds.

    Attributes
    ----------
    snapshot, label_set
        Content hash of the snapshot and name of its label set.
    labels, series
        Spans that hold, counted by label and by series.
    period, periods
        Whether ``periods`` counts by month or by year in which a span begins, and the spans by period and label.
    rejections, overruled, lost
        Spans that people said no to, TA-Lib's that people decided against, marks on bars that are no more.
    overlap
        Pairs of labels whose spans share bars.
    agreement
        For labels that TA-Lib has a function for: event F1 at IoU 0.5 of TA-Lib's spans against people's, on bars that
        are reviewed for the label. TA-Lib is asked again, so that marks a person replaced count as well.
    """

    snapshot: str
    label_set: str
    labels: tuple[LabelCounts, ...]
    series: tuple[SeriesCounts, ...]
    period: Literal["month", "year"]
    periods: dict[str, dict[str, int]]
    rejections: int
    overruled: int
    lost: int
    overlap: tuple[Overlap, ...]
    agreement: tuple[Agreement, ...]

    def write(self, storage: Storage) -> tuple[str, str]:
        """Write the card beside its snapshot, as JSON and as Markdown, and return the two names in the storage."""
        names = tuple(f"{FOLDER}/{self.snapshot}.card.{kind}" for kind in ("json", "md"))
        storage.write(names[0], (self.model_dump_json(indent=1) + "\n").encode())
        storage.write(names[1], ("\n".join(self.lines()) + "\n").encode())
        return names[0], names[1]

    def lines(self) -> list[str]:
        """Return the card as lines of Markdown."""
        names = [one.label for one in self.labels]
        found = [f"# Snapshot {self.snapshot}, label set {self.label_set}", "", "## Spans by label", ""]
        found += _table(
            ("label", "by people", "by TA-Lib", "on test bars"),
            [(one.label, one.human, one.talib, one.test) for one in self.labels],
        )
        found += [
            "",
            f"Rejections: {self.rejections:,}. Marks of TA-Lib that people decided against: {self.overruled:,}. "
            f"Marks on bars that are no more: {self.lost:,}.",
            "",
            "## Spans by series",
            "",
        ]
        found += _table(
            ("series", "bars", "known", "reviewed", "first bar", "last bar", *names),
            [
                (
                    one.series_id,
                    one.bars,
                    one.known_bars,
                    one.reviewed_bars,
                    one.first_time,
                    one.last_time,
                    *(one.spans[name] for name in names),
                )
                for one in self.series
            ],
        )
        found += ["", f"## Spans by {self.period}", ""]
        found += _table(
            (self.period, *names),
            [(period, *(counts[name] for name in names)) for period, counts in self.periods.items()],
        )
        found += ["", "## Spans that share bars", ""]
        found += _table(
            ("label", "with one of", "spans", "share"),
            [(one.label, one.other, one.spans, f"{one.share:.1%}") for one in self.overlap],
        )
        found += ["", "## People and TA-Lib on reviewed bars", ""]
        found += _table(
            ("label", "by people", "by TA-Lib", "by both", "F1"),
            [(one.label, one.human, one.talib, one.both, _number(one.f1)) for one in self.agreement],
        )
        return found


def dataset_card(
    snapshot: Snapshot,
    candles_of: Callable[[str, str], Candles],
    config: AutoLabelConfig,
    *,
    max_gap: int | None = None,
    progress: Progress = silent,
) -> DatasetCard:
    """Describe a snapshot.

    Parameters
    ----------
    snapshot, candles_of
        The marks, and where the candles of a series version come from.
    config
        How TA-Lib is asked for the agreement.
    max_gap
        Longest step inside a segment in microseconds; each series' default when None.
    progress
        Told the series that are done.
    """
    label_set = snapshot.label_set
    n_labels = len(label_set)
    counts = np.zeros((n_labels, 3), dtype=np.int64)
    sharing = np.zeros((n_labels, n_labels), dtype=np.int64)
    agreed = np.zeros((n_labels, 3), dtype=np.int64)
    rejections = overruled = lost = 0
    asked: set[int] = set()
    series, begins = [], []
    listed = sorted(snapshot.series, key=lambda one: one.series_id)
    for done, one in enumerate(listed):
        progress("describing the data", done, len(listed), "series")
        candles = candles_of(one.series_id, one.version)
        truth = resolve(one.marks, candles.time, n_labels)
        spans, times = truth.spans, to_times(truth.spans, candles.time)
        for column, chosen in enumerate((truth.by_human, ~truth.by_human, one.touches_test_bars(times))):
            counts[:, column] += np.bincount(spans.label[chosen], minlength=n_labels)
        reviewed = _reviewed(one, candles, n_labels)
        series.append(_series_counts(one, candles, truth, reviewed, label_set))
        begins.append((times.start_time, spans.label))
        sharing += _sharing(spans, n_labels)
        if reviewed.any():
            found = auto_label(candles, label_set, config, max_gap=max_gap)
            asked |= set(found.labels)
            agreed += _agreement(spans[truth.by_human], found.spans, reviewed & found.covered[:, None], found.labels)
        rejections += len(truth.rejected)
        overruled += len(truth.overruled)
        lost += truth.lost
    progress("describing the data", len(listed), len(listed), "series")
    period, periods = _periods(begins, label_set)
    return DatasetCard(
        snapshot=snapshot.content_hash(),
        label_set=label_set.name,
        labels=tuple(
            LabelCounts(label=name, human=human, talib=talib, test=test)
            for name, (human, talib, test) in zip(label_set.names, counts.tolist(), strict=True)
        ),
        series=tuple(series),
        period=period,
        periods=periods,
        rejections=rejections,
        overruled=overruled,
        lost=lost,
        overlap=_overlap(sharing, counts[:, :2].sum(axis=1).tolist(), label_set),
        agreement=tuple(_agreement_of(label_set.names[label], agreed[label].tolist()) for label in sorted(asked)),
    )


def _reviewed(one: SnapshotSeries, candles: Candles, n_labels: int) -> BoolArray:
    """Return which bars a person has looked at completely, shape (n_bars, n_labels)."""
    reviewed = np.zeros((len(candles), n_labels), dtype=np.bool_)
    for found in one.marks.reviewed:
        reviewed[range_to_slice(found, candles.time), list(found.labels)] = True
    return reviewed


def _series_counts(
    one: SnapshotSeries, candles: Candles, truth: Truth, reviewed: BoolArray, label_set: LabelSet
) -> SeriesCounts:
    first, last = iso_times(candles.time[[0, -1]])
    spans = np.bincount(truth.spans.label, minlength=len(label_set)).tolist()
    return SeriesCounts(
        series_id=one.series_id,
        version=one.version,
        bars=len(candles),
        known_bars=int(truth.known.all(axis=1).sum()),
        reviewed_bars=int(reviewed.all(axis=1).sum()),
        first_time=first,
        last_time=last,
        spans=dict(zip(label_set.names, spans, strict=True)),
    )


def _sharing(spans: Spans, n_labels: int) -> IntArray:
    """Count for each pair of labels the spans of the first that share a bar with a span of the second."""
    counts = np.zeros((n_labels, n_labels), dtype=np.int64)
    for other in range(n_labels):
        these = spans[spans.label == other]
        if len(these) == 0:
            continue
        starts, ends = np.sort(these.start), np.sort(these.end)
        # Of the spans that begin at or before the end of one, those that ended before it began share no bar.
        shared = np.searchsorted(starts, spans.end, side="right") - np.searchsorted(ends, spans.start, side="left")
        counts[:, other] = np.bincount(spans.label[shared > (spans.label == other)], minlength=n_labels)
    return counts


def _agreement(human: Spans, talib: Spans, known: BoolArray, labels: Iterable[int]) -> IntArray:
    """Count by label the spans of people, of TA-Lib and the pairs, where most bars of a span are known to both."""
    counts = np.zeros((known.shape[1], 3), dtype=np.int64)
    for label in labels:
        sides = [spans[spans.label == label] for spans in (human, talib)]
        held, found = (spans[mostly_inside(spans, known[:, label])] for spans in sides)
        counts[label] = len(held), len(found), len(match(held, found))
    return counts


def _agreement_of(label: str, counts: Sequence[int]) -> Agreement:
    human, talib, both = counts
    f1 = 2 * both / (human + talib) if human + talib else None
    return Agreement(label=label, human=human, talib=talib, both=both, f1=f1)


def _overlap(sharing: IntArray, totals: Sequence[int], label_set: LabelSet) -> tuple[Overlap, ...]:
    names = label_set.names
    return tuple(
        Overlap(label=names[i], other=names[j], spans=int(sharing[i, j]), share=float(sharing[i, j] / totals[i]))
        for i, j in np.argwhere(sharing).tolist()
    )


def _periods(
    begins: Sequence[tuple[IntArray, IntArray]], label_set: LabelSet
) -> tuple[Literal["month", "year"], dict[str, dict[str, int]]]:
    """Count spans by the month or year in which they begin."""
    empty = np.empty(0, dtype=np.int64)
    moment = np.concatenate([empty, *(start for start, _ in begins)]).astype("M8[us]")
    label = np.concatenate([empty, *(labels for _, labels in begins)])
    monthly = len(moment) == 0 or (moment.max() - moment.min()) <= np.timedelta64(MONTHS_UP_TO_DAYS, "D")
    unit = moment.astype("M8[M]" if monthly else "M8[Y]")
    found = {}
    for period in np.unique(unit):
        counts = np.bincount(label[unit == period], minlength=len(label_set)).tolist()
        found[str(period)] = dict(zip(label_set.names, counts, strict=True))
    return ("month" if monthly else "year"), found


def _table(header: Sequence[str], rows: Sequence[Sequence[str | int]]) -> list[str]:
    if not rows:
        return ["None."]
    return [
        f"| {' | '.join(header)} |",
        f"|{'|'.join(['---', *['---:'] * (len(header) - 1)])}|",
        *(f"| {' | '.join(f'{cell:,}' if isinstance(cell, int) else cell for cell in row)} |" for row in rows),
    ]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
