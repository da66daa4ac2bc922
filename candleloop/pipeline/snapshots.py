"""What a training run sees: the snapshot, its card, and whether it is enough to learn from."""

from __future__ import annotations

from candleloop.candles.store import CandleStore
from candleloop.context import Context
from candleloop.errors import TooFewLabels
from candleloop.progress import Progress, silent
from candleloop.storage import Storage
from candleloop.store import label_sets, marks, series
from candleloop.training.card import DatasetCard, dataset_card
from candleloop.training.snapshot import Snapshot, SnapshotSeries


def take_snapshot(context: Context, label_set_name: str) -> Snapshot:
    """Collect what a training run sees at this moment: all marks of the label set and the versions of their series."""
    with context.database.read() as session:
        label_set = label_sets.get(session, label_set_name)
        parts = []
        for row in series.every_series(session):
            test = series.test_bars(session, row.id)
            parts.append(
                SnapshotSeries(
                    series_id=row.id,
                    version=row.version,
                    test_start_time=None if test is None else test[0],
                    test_end_time=None if test is None else test[1],
                    marks=marks.load_marks(session, row.id, label_set),
                )
            )
    return Snapshot(label_set=label_set, series=tuple(parts))


def describe(
    context: Context, snapshot: Snapshot, *, storage: Storage | None = None, progress: Progress = silent
) -> DatasetCard:
    """Make the card of a snapshot and write it beside where the snapshot is, the context's storage unless given."""
    card = dataset_card(
        snapshot,
        CandleStore(context.storage).read,
        context.config.auto_label,
        max_gap=context.max_gap,
        progress=progress,
    )
    card.write(storage or context.storage)
    return card


def require_enough_labels(context: Context, label_set_name: str) -> dict[str, int]:
    """Return the number of spans outside the test bars by label, people's and TA-Lib's together.

    Raises
    ------
    TooFewLabels
        When no label has enough of them to learn from; ``counts`` says what there is.
    """
    teaching = take_snapshot(context, label_set_name).counts().teaching
    counts = {label: teaching.human[label] + teaching.talib[label] for label in teaching.human}
    minimum = context.config.training.min_spans_per_label
    if max(counts.values()) < minimum:
        found = ", ".join(f"{label} {count}" for label, count in counts.items())
        raise TooFewLabels(
            f"No label has {minimum} spans to learn from outside the test bars: auto-label a series or annotate more. "
            f"There are: {found}.",
            counts=counts,
            minimum=minimum,
        )
    return counts
