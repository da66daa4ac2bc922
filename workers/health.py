"""Whether a process of this container does its work: ``python -m workers.health page URL``, ``worker`` or ``relay``.

Ends with code 0 when it does. Imports little, because a container engine asks every few seconds.
"""

from __future__ import annotations

import argparse
import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, Request, build_opener

PATIENCE_SECONDS = 5.0
RELAY_SILENCE = 30.0
"""Seconds without a finished round after which a relay counts as hanging."""


def page_answers(
    url: str, headers: Mapping[str, str] | None = None, *, also: int = 200, patience: float = PATIENCE_SECONDS
) -> bool:
    """Tell whether a page answers with success or a status named, asked directly and not through a proxy."""
    try:
        request = Request(url, headers=dict(headers or {}))  # noqa: S310
        with build_opener(ProxyHandler({})).open(request, timeout=patience) as answer:
            return bool(answer.status == 200)
    except HTTPError as answer:
        return answer.code == also
    except (URLError, OSError):
        return False


def worker_listens(redis_url: str, host: str) -> bool:
    """Tell whether a worker on this host is registered in Redis, where its entry lapses when it falls silent."""
    from redis import Redis
    from redis.exceptions import RedisError
    from rq.worker_registration import REDIS_WORKER_KEYS

    with Redis.from_url(
        redis_url, socket_timeout=PATIENCE_SECONDS, socket_connect_timeout=PATIENCE_SECONDS, decode_responses=True
    ) as client:
        try:
            keys = client.smembers(REDIS_WORKER_KEYS)
            return any(client.hget(key, "hostname") == host for key in keys)
        except RedisError:
            return False


def sign_of(home: Path) -> Path:
    """Return the file that a relay touches after each round."""
    return home / "relay.alive"


def relay_goes_round(home: Path, moment: float) -> bool:
    """Tell whether the relay of this data folder has finished a round lately."""
    try:
        return moment - sign_of(home).stat().st_mtime < RELAY_SILENCE
    except FileNotFoundError:
        return False


def main(arguments: list[str] | None = None) -> int:
    """Return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m workers.health", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", choices=("page", "worker", "relay"))
    parser.add_argument("url", nargs="?", help="of the page")
    parser.add_argument("--also", type=int, default=200, help="a status that is as good as success, e.g. 401")
    chosen = parser.parse_args(arguments)
    if (chosen.what == "page") != (chosen.url is not None):
        parser.error("an URL goes with page, and only with it")
    if chosen.what == "page":
        return 0 if page_answers(chosen.url, also=chosen.also) else 1
    from config.settings import settings

    if chosen.what == "worker":
        return 0 if worker_listens(settings().redis, socket.gethostname()) else 1
    return 0 if relay_goes_round(settings().home_path, time.time()) else 1


if __name__ == "__main__":
    sys.exit(main())
