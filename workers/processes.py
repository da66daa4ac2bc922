"""Small things that every process of candleloop does at its start."""

from __future__ import annotations

import logging
import sys

LOG_FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


def configure_logging(level: str) -> None:
    """Send logs to standard error, one line each; before RQ is used, which otherwise adds handlers of its own."""
    logging.basicConfig(level=level.upper(), format=LOG_FORMAT, stream=sys.stderr, force=True)
    for talkative in ("httpx", "httpcore", "alembic", "mlflow.store.db", "werkzeug"):
        logging.getLogger(talkative).setLevel(logging.WARNING)


def worker_prefix(queue: str, group: int) -> str:
    """Return how the names of a queue's workers begin that belong to the process ``group``."""
    return f"{queue}-{group}-"
