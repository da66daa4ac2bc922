"""Counts series in the background when somebody looks at a list whose numbers are out of date."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

from api.bundles import bundle_of
from api.model_holder import ModelHolder
from candleloop.candles.store import CandleStore
from candleloop.context import Context
from candleloop.errors import CandleloopError
from candleloop.inference.bundle import ModelBundle
from candleloop.loop.counting import tally
from candleloop.store import label_sets, predictions, series, series_counts

logger = logging.getLogger(__name__)


class SeriesCounter:
    """One thread that counts one series after the other, each once however often it is asked for."""

    def __init__(self, context: Context, holder: ModelHolder) -> None:
        self._context = context
        self._holder = holder
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="count")
        self._wanted = set[tuple[str, str]]()
        self._lock = Lock()
        self._bundle: tuple[str, ModelBundle | None] | None = None

    def ask(self, series_ids: Iterable[str], label_set: str) -> None:
        """Have these series counted; returns at once."""
        for series_id in series_ids:
            key = (series_id, label_set)
            with self._lock:
                if key in self._wanted:
                    continue
                self._wanted.add(key)
            self._thread.submit(self._count, key)

    def close(self) -> None:
        """Finish the series at hand, forget the others."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _count(self, key: tuple[str, str]) -> None:
        with self._lock:
            self._wanted.discard(key)
        try:
            self._count_series(*key)
        except CandleloopError as error:
            logger.warning("Series %s is not counted: %s", key[0], error.message)
        except Exception:
            logger.exception("Series %s is not counted.", key[0])

    def _count_series(self, series_id: str, label_set_name: str) -> None:
        store = CandleStore(self._context.storage)
        with self._context.database.read() as session:
            label_set = label_sets.get(session, label_set_name)
            row = series.get_series(session, series_id)
            # The state first: what changes after it is seen makes these counts out of date, never wrong unnoticed.
            state = series_counts.lying_on(session, [row], label_set_name)[series_id].state
            known = series_counts.stored_counts(session, [series_id], label_set_name).get(series_id)
            if known is not None and known.state == state:
                return
            scoring = predictions.scoring(session, series_id, label_set_name)
            version = None if scoring is None else scoring.model_version
            time = store.read(series_id, row.version).time
            bundle = None if version is None else self._bundle_of(label_set_name, version)
            usable = None if bundle is None else bundle.usable_bars(time)
            found = tally(session, series_id, label_set, time, model_version=version, usable=usable)
        with self._context.database.begin() as session:
            series_counts.store_counts(
                session,
                series_id,
                label_set_name,
                state=state,
                reviewed_bars=found.reviewed_bars,
                disagreements=found.disagreements,
            )

    def _bundle_of(self, label_set: str, version: str) -> ModelBundle | None:
        if self._bundle is None or self._bundle[0] != version:
            with self._context.database.read() as session:
                self._bundle = (version, bundle_of(self._context, self._holder, session, label_set, version))
        return self._bundle[1]
