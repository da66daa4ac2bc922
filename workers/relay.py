"""The relay process: ``python -m workers.relay``."""

from __future__ import annotations

import logging
import signal
import threading
from datetime import timedelta

from candleloop.errors import Unavailable
from candleloop.store.tables import now
from candleloop.training.mlflow_probe import why_mlflow_is_away
from config.context import open_context
from config.logs import configure_logging
from config.settings import settings
from jobs.connections import hasty_connection
from jobs.relay import Relay
from workers.health import sign_of

logger = logging.getLogger(__name__)

PAUSE_WITHOUT_DATABASE = 2.0


def main() -> None:
    """Relay until a signal."""
    chosen = settings()
    configure_logging(chosen)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    context = open_context()
    poll = timedelta(seconds=chosen.relay_poll_seconds)
    sign = sign_of(chosen.home_path)
    sign.parent.mkdir(parents=True, exist_ok=True)
    relay = Relay(
        context.database,
        hasty_connection(chosen.redis),
        context.config.retrain,
        poll,
        mlflow_answers=lambda: why_mlflow_is_away(context.tracking_url, context.tracking_database) is None,
        committee=context.config.review.asks_committee,
    )
    logger.info("The relay watches the outbox and the jobs.")
    while not stopping.is_set():
        try:
            pause = (relay.step(now()) - now()).total_seconds()
            sign.touch()
        except Unavailable as error:
            logger.warning("%s", error.message)
            pause = PAUSE_WITHOUT_DATABASE
        stopping.wait(max(0.0, pause))


if __name__ == "__main__":
    main()
