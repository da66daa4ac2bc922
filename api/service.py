"""What the application holds while it runs; made when it starts, never at import."""

from __future__ import annotations

import asyncio
import gc
import os
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from threading import Lock
from typing import Annotated

from fastapi import Depends, Request
from redis import Redis
from sqlalchemy.orm import Session

from api.live import LiveQualities
from api.model_holder import ModelHolder
from api.readiness import Readiness
from api.series_counter import SeriesCounter
from api.suspicions import Suspicions
from api.withheld import Withheld
from candleloop.candles.frame import IntArray
from candleloop.candles.store import CandleStore
from candleloop.context import Context
from candleloop.errors import Unavailable
from candleloop.loop.queue import ReviewQueue
from candleloop.store import series
from config.context import open_context
from config.settings import Settings
from jobs.connections import hasty_connection

CORES = os.cpu_count() or 1

MOST_WAITING = 64
"""Predictions that may be under way or wait for a thread, for each core; more are refused at once."""

RETRY_AFTER_SECONDS = 1


@dataclass(frozen=True)
class Service:
    """Database, files, models, queue connection and threads of one API process."""

    settings: Settings
    context: Context
    holder: ModelHolder
    redis: Redis
    readiness: Readiness
    bar_times: BarTimes
    counter: SeriesCounter
    queue: ReviewQueue
    withheld: Withheld
    live: LiveQualities
    suspicions: Suspicions
    predicting: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(CORES, thread_name_prefix="predict")
    )

    waiting: Waiting = field(default_factory=lambda: Waiting(MOST_WAITING * CORES))

    @contextmanager
    def place(self) -> Iterator[bool]:
        """Hold a place among the predictions that are under way; gives whether there is no other.

        Raises
        ------
        Unavailable
            ``busy``, when all are taken; ``retry_after`` says in how many seconds to ask again.
        """
        if self.waiting.count >= self.waiting.most:
            raise Unavailable(
                f"{self.waiting.count} predictions wait already; ask again in {RETRY_AFTER_SECONDS} s.",
                code="busy",
                retry_after=RETRY_AFTER_SECONDS,
            )
        self.waiting.count += 1
        try:
            yield self.waiting.count == 1
        finally:
            self.waiting.count -= 1

    def label_set(self, name: str | None) -> str:
        """Return the label set that is meant: the configured one unless named."""
        return name or self.context.config.label_set


@dataclass
class Waiting:
    """How many predictions are under way; only the event loop counts, so no lock is needed."""

    most: int
    count: int = 0


class BarTimes:
    """Bar-open times of series as they are now, remembered by version for the last few that were asked for."""

    def __init__(self, context: Context, remembered: int = 8) -> None:
        self._store = CandleStore(context.storage)
        self._remembered = remembered
        self._times: OrderedDict[tuple[str, str], IntArray] = OrderedDict()
        self._lock = Lock()

    def of(self, session: Session, series_id: str) -> IntArray:
        """Return the times of the current version, int64 microseconds UTC, ascending.

        Raises
        ------
        NotFound
            When there is no such series.
        """
        key = (series_id, series.get_series(session, series_id).version)
        with self._lock:
            if key in self._times:
                self._times.move_to_end(key)
                return self._times[key]
        times = self._store.read(*key).time
        with self._lock:
            self._times[key] = times
            while len(self._times) > self._remembered:
                self._times.popitem(last=False)
        return times


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Service]:
    """Open what the application needs, load the champions, keep them fresh, and close everything at the end."""
    context = open_context(settings)
    holder = ModelHolder(context)
    redis = hasty_connection(settings.redis)
    bar_times = BarTimes(context)
    suspicions = Suspicions(context, holder, bar_times.of)
    service = Service(
        settings=settings,
        context=context,
        holder=holder,
        redis=redis,
        readiness=Readiness(context, holder, redis),
        counter=SeriesCounter(context, holder),
        bar_times=bar_times,
        queue=ReviewQueue(context, bar_times.of, suspicions.by_id),
        withheld=Withheld(context),
        live=LiveQualities(context, bar_times.of),
        suspicions=suspicions,
    )
    await holder.refresh_quietly()
    gc.collect()
    gc.freeze()  # what is loaded now stays, so that no request waits while the collector looks through all of it
    stopping = asyncio.Event()
    polling = [
        asyncio.create_task(_repeat(look, settings.model_poll_seconds, stopping))
        for look in (holder.refresh_quietly, service.withheld.refresh_quietly)
    ]
    try:
        yield service
    finally:
        stopping.set()
        await asyncio.gather(*polling, return_exceptions=True)
        gc.unfreeze()
        service.counter.close()
        service.predicting.shutdown(wait=True)
        redis.close()
        context.database.dispose()


async def _repeat(look: Callable[[], Awaitable[None]], seconds: float, stopping: asyncio.Event) -> None:
    """Look every so often until told to stop; a look that has begun is seen to its end, so that no thread is left."""
    while not stopping.is_set():
        await look()
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), seconds)


async def service_of(request: Request) -> Service:
    """Return the service of the application that received a request."""
    found: Service = request.app.state.service
    return found


TheService = Annotated[Service, Depends(service_of)]
