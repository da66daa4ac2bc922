"""Whether this process can do its work, and which of the others are there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from redis import Redis
from rq import Queue
from rq.worker_registration import get_keys as worker_keys

from api.model_holder import ModelHolder
from candleloop.context import Context
from candleloop.errors import CandleloopError
from candleloop.training.mlflow_probe import why_mlflow_is_away
from jobs.connections import REDIS_AWAY
from jobs.kinds import QUEUES

OK = "ok"
PATIENCE_SECONDS = 2.0
"""A check that has not answered by then counts as failed."""
REMEMBER_SECONDS = 1.0


@dataclass(frozen=True)
class Report:
    """The state of everything the service works with: ``ok``, or what is missing in a few words."""

    database: str
    model: str
    redis: str
    mlflow: str
    workers: str

    @property
    def ready(self) -> bool:
        """Whether requests can be answered; only the database decides."""
        return self.database == OK


@dataclass
class Readiness:
    """Asks everybody at most once a second, however often it is asked itself."""

    context: Context
    holder: ModelHolder
    redis: Redis
    _last: tuple[float, Report] | None = None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def report(self) -> Report:
        """Return the present state."""
        async with self._lock:
            if self._last is not None and time.monotonic() - self._last[0] < REMEMBER_SECONDS:
                return self._last[1]
            database, redis, mlflow, workers = await asyncio.gather(
                *(_ask(check) for check in (self._database, self._redis, self._mlflow, self._workers))
            )
            report = Report(database=database, model=self._model(), redis=redis, mlflow=mlflow, workers=workers)
            self._last = (time.monotonic(), report)
            return report

    def _database(self) -> str:
        self.context.database.ping()
        return OK

    def _model(self) -> str:
        name = self.context.config.label_set
        now = self.holder.holding
        refusal = now.refused.get(name)
        if refusal is not None:
            old = now.served.get(name)
            instead = f"still serving {old.bundle.version}" if old else "nothing is served"
            return f"{refusal.version} refused ({refusal.detail}); {instead}"
        return OK if name in now.served else f"label set {name!r} has no model yet"

    def _redis(self) -> str:
        self.redis.ping()
        return OK

    def _mlflow(self) -> str:
        context = self.context
        away = why_mlflow_is_away(context.tracking_url, context.tracking_database, seconds=PATIENCE_SECONDS / 2)
        return OK if away is None else f"cannot be reached: {away}"

    def _workers(self) -> str:
        missing = [queue for queue in QUEUES if not self._alive(queue)]
        return OK if not missing else f"none for {', '.join(missing)}"

    def _alive(self, queue: str) -> bool:
        """Tell whether a queue has a worker whose heartbeat has not lapsed."""
        keys = worker_keys(queue=Queue(queue, connection=self.redis), connection=self.redis)
        return bool(keys) and bool(self.redis.exists(*keys))


async def _ask(check: Callable[[], str]) -> str:
    try:
        return await asyncio.wait_for(asyncio.to_thread(check), PATIENCE_SECONDS)
    except TimeoutError:
        return f"no answer within {PATIENCE_SECONDS:g} s"
    except CandleloopError as error:
        return error.message
    except REDIS_AWAY:
        return "Redis cannot be reached"
