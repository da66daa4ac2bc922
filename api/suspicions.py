"""Suspects of each series, found again only when something on the series changed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock

from sqlalchemy.orm import Session

from api.bundles import bundle_of
from api.model_holder import ModelHolder
from candleloop.annotations.label_set import LabelSet
from candleloop.context import Context
from candleloop.loop.board import BarTimes
from candleloop.loop.suspects import Suspect, find_suspects, merged
from candleloop.store import predictions, series, series_counts
from candleloop.store.tables import SeriesRow

KEPT_SERIES = 256

MOST = 1_000
"""Suspects that are remembered of a series, the likeliest."""


class Suspicions:
    """What is probably wrong on each series, by the state of its candles, marks and predictions."""

    def __init__(self, context: Context, holder: ModelHolder, bar_times: BarTimes) -> None:
        self._context = context
        self._holder = holder
        self._bar_times = bar_times
        self._kept: OrderedDict[tuple[str, str, float, str], list[Suspect]] = OrderedDict()
        self._lock = Lock()

    def of(self, session: Session, rows: list[SeriesRow], label_set: LabelSet, sure: float) -> list[Suspect]:
        """Return the suspects of these series, the likeliest first; of each the ``MOST`` likeliest."""
        states = series_counts.lying_on(session, rows, label_set.name)
        return merged(self._of_series(session, row, label_set, sure, states[row.id].state) for row in rows)

    def by_id(self, session: Session, label_set: LabelSet, series_ids: Sequence[str]) -> list[Suspect]:
        """Return the suspects of these series for the review queue."""
        rows = [series.get_series(session, series_id) for series_id in series_ids]
        return self.of(session, rows, label_set, self._context.config.review.sure)

    def _of_series(
        self, session: Session, row: SeriesRow, label_set: LabelSet, sure: float, state: str
    ) -> list[Suspect]:
        key = (row.id, label_set.name, sure, state)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        scoring = predictions.scoring(session, row.id, label_set.name)
        found: list[Suspect] = []
        if scoring is not None:
            time = self._bar_times(session, row.id)
            bundle = bundle_of(self._context, self._holder, session, label_set.name, scoring.model_version)
            usable = None if bundle is None else bundle.usable_bars(time)
            found = find_suspects(session, row.id, label_set, time, sure=sure, usable=usable)[:MOST]
        with self._lock:
            self._kept[key] = found
            while len(self._kept) > KEPT_SERIES:
                self._kept.popitem(last=False)
        return found
