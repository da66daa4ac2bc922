"""What the local stack consists of: each process with its command and the check that it does its work."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, Worker

from config.settings import Settings
from jobs.kinds import QUEUES
from workers.redis_server import redis_command
from workers.supervisor import Service

CHECK_SECONDS = 2.0

_direct = build_opener(ProxyHandler({}))


def redis_service(settings: Settings) -> Service:
    """Return the embedded Redis; it keeps its data when it is told to end, however that comes about."""
    return Service(
        "redis",
        tuple(redis_command(settings.redis_socket, settings.home_path / "redis")),
        lambda _pid: redis_answers(settings.redis),
        stage=0,
        death_signal=signal.SIGTERM,
    )


def mlflow_service(settings: Settings) -> Service:
    """Return the MLflow server; the rest does without it for a while."""
    return Service(
        "mlflow",
        (sys.executable, "-m", "workers.mlflow_server"),
        page_answers(f"{settings.mlflow}/health"),
        stage=1,
        essential=False,
        deadline=180.0,
        patience=5.0,
    )


def api_service(settings: Settings) -> Service:
    """Return the API."""
    return Service(
        "api",
        (
            *(
                sys.executable,
                "-m",
                "uvicorn",
                "api.main:app",
                "--host",
                settings.host,
                "--port",
                str(settings.api_port),
            ),
            *("--log-level", settings.log_level.lower(), "--timeout-graceful-shutdown", "5"),
        ),
        page_answers(f"http://{settings.host}:{settings.api_port}/healthz"),
        stage=2,
    )


def background_services(settings: Settings) -> list[Service]:
    """Return one worker per queue and the relay."""
    workers = [
        Service(
            f"worker-{queue}",
            (sys.executable, "-m", "workers.worker", queue),
            worker_listens(settings.redis, queue),
            stage=3,
            patience=4.0,
        )
        for queue in QUEUES
    ]
    return [*workers, Service("relay", (sys.executable, "-m", "workers.relay"), lambda _pid: True, stage=3)]


def dashboard_service(settings: Settings) -> Service:
    """Return the RQ dashboard."""
    return Service(
        "dashboard",
        (sys.executable, "-m", "workers.dashboard"),
        page_answers(f"http://{settings.host}:{settings.dashboard_port}/"),
        stage=3,
        essential=False,
    )


def redis_answers(url: str) -> bool:
    """Tell whether a Redis answers."""
    with Redis.from_url(url, socket_timeout=CHECK_SECONDS, socket_connect_timeout=CHECK_SECONDS) as client:
        try:
            return bool(client.ping())
        except RedisError:
            return False


def page_answers(url: str) -> Callable[[int], bool]:
    """Return a check that a page answers with success, asked directly and not through a proxy."""

    def check(_pid: int) -> bool:
        try:
            with _direct.open(url, timeout=CHECK_SECONDS) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False

    return check


def worker_listens(url: str, queue: str) -> Callable[[int], bool]:
    """Return a check that the worker of that process id has said in Redis that it listens."""

    def check(pid: int) -> bool:
        with Redis.from_url(url, socket_timeout=CHECK_SECONDS, socket_connect_timeout=CHECK_SECONDS) as client:
            try:
                registered = Worker.all(queue=Queue(queue, connection=client, serializer="json"), serializer="json")
            except RedisError:
                return False
            return any(worker.pid == pid for worker in registered)

    return check
