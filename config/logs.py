"""Logs: a line for people or a JSON object for programs, each with its correlation id and none with a secret."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from candleloop.correlation import correlation_id
from config.settings import Settings

TALKATIVE = ("httpx", "httpcore", "alembic", "mlflow.store.db", "werkzeug")
"""Loggers whose everyday lines nobody reads."""

HIDDEN = "[secret]"


def configure_logging(settings: Settings) -> None:
    """Send the logs of this process to standard error, one line or object each.

    Before RQ is used and after uvicorn is configured, which otherwise have handlers of their own.
    """
    handler = logging.StreamHandler(sys.stderr)
    secrets = settings.secrets()
    handler.setFormatter(JsonLines(secrets) if settings.log_format == "json" else Lines(secrets))
    logging.basicConfig(level=settings.log_level, handlers=[handler], force=True)
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = name != "uvicorn.access"  # the API logs its requests itself


class Lines(logging.Formatter):
    """A line for people; what follows from a request ends with the request's id.

    Parameters
    ----------
    secrets
        What must not be shown, wherever it stands.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
        self.secrets = _longest_first(secrets)

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, and below it the traceback if there is one."""
        return _hide(super().format(record), self.secrets)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        """Return the line; what others sent cannot begin another one."""
        line = super().formatMessage(record).replace("\r", "\\r").replace("\n", "\\n")
        current = correlation_id()
        return f"{line} [{current}]" if current else line


class JsonLines(logging.Formatter):
    """A JSON object in a line: time, level, logger, process, message, correlation_id, exception, and given facts.

    Parameters
    ----------
    secrets
        What must not be shown, wherever it stands.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__()
        self.secrets = _longest_first({*secrets, *(json.dumps(secret)[1:-1] for secret in secrets)})

    def format(self, record: logging.LogRecord) -> str:
        """Return the object; the facts are what was logged with ``extra={"facts": {...}}``."""
        entry: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "process": record.process,
            "message": record.getMessage(),
            "correlation_id": correlation_id(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return _hide(json.dumps({key: value for key, value in entry.items() if value is not None}), self.secrets)


def _longest_first(secrets: Iterable[str]) -> tuple[str, ...]:
    """Order secrets so that one inside another leaves nothing of the other."""
    return tuple(sorted(secrets, key=len, reverse=True))


def _hide(text: str, secrets: tuple[str, ...]) -> str:
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    return text
