"""What the local stack consists of: each process with its command and the check that it does its work."""

from __future__ import annotations

import shutil
import signal
import sys
from collections.abc import Callable, Mapping

from redis import Redis
from redis.exceptions import RedisError
from rq import Worker

from config.settings import ROOT, Settings
from jobs.kinds import QUEUES
from workers import health
from workers.passwords import basic_authorization
from workers.processes import worker_prefix
from workers.redis_server import redis_command, write_password
from workers.supervisor import Service

CHECK_SECONDS = 2.0


def redis_service(settings: Settings) -> Service:
    """Return the embedded Redis; it keeps its data when it is told to end, however that comes about."""
    folder, password = settings.home_path / "redis", settings.redis_password
    asks = None if password is None else write_password(folder, password.get_secret_value())
    return Service(
        "redis",
        tuple(redis_command(settings.redis_socket, folder, asks)),
        lambda _pid: redis_answers(settings.redis),
        stage=0,
        death_signal=signal.SIGTERM,
    )


def mlflow_service(settings: Settings) -> Service:
    """Return the MLflow server; the rest does without it for a while."""
    return Service(
        "mlflow",
        (sys.executable, "-m", "workers.mlflow_server"),
        page_answers(f"{settings.address(settings.mlflow_port)}/health"),
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
        page_answers(f"{settings.address(settings.api_port)}/healthz"),
        stage=2,
    )


def background_services(settings: Settings) -> list[Service]:
    """Return the workers, one process per queue that share what they have imported, and the relay."""
    return [
        Service(
            "workers",
            (sys.executable, "-m", "workers.worker", *QUEUES),
            workers_listen(settings.redis),
            stage=3,
            patience=4.0,
        ),
        Service("relay", (sys.executable, "-m", "workers.relay"), lambda _pid: True, stage=3),
    ]


def dashboard_service(settings: Settings) -> Service:
    """Return the RQ dashboard."""
    password = settings.dashboard_password
    headers = {} if password is None else {"Authorization": basic_authorization(password.get_secret_value())}
    return Service(
        "dashboard",
        (sys.executable, "-m", "workers.dashboard"),
        page_answers(f"{settings.address(settings.dashboard_port)}/", headers),
        stage=3,
        essential=False,
    )


def web_service(settings: Settings) -> Service | None:
    """Return the web page, which builds itself first where that is needed; None without Node or when it is not wanted.

    It listens where the API does, and reaches it under that address.
    """
    node = shutil.which("node")
    if not settings.web or node is None or shutil.which("npm") is None:
        return None
    api = settings.address(settings.api_port)
    return Service(
        "web",
        (
            *("/usr/bin/env", f"PORT={settings.web_port}", f"HOSTNAME={settings.host}", f"CANDLELOOP_API_URL={api}"),
            *(node, str(ROOT / "web" / "scripts" / "serve.mjs")),
        ),
        page_answers(f"{settings.address(settings.web_port)}/api/healthz", also=401),
        stage=3,
        essential=False,
        deadline=600.0,
        patience=4.0,
    )


def serves_model(settings: Settings) -> Callable[[], bool]:
    """Return a check that the API serves a model."""
    headers = {} if settings.own_key is None else {"Authorization": f"Bearer {settings.own_key}"}
    check = page_answers(f"{settings.address(settings.api_port)}/model/info", headers)
    return lambda: check(0)


def redis_answers(url: str) -> bool:
    """Tell whether a Redis answers."""
    with Redis.from_url(url, socket_timeout=CHECK_SECONDS, socket_connect_timeout=CHECK_SECONDS) as client:
        try:
            return bool(client.ping())
        except RedisError:
            return False


def page_answers(url: str, headers: Mapping[str, str] | None = None, *, also: int = 200) -> Callable[[int], bool]:
    """Return a check that a page answers with success or a status named."""
    return lambda _pid: health.page_answers(url, headers, also=also, patience=CHECK_SECONDS)


def workers_listen(url: str) -> Callable[[int], bool]:
    """Return a check that workers of that process have said in Redis that they listen, one for each queue."""

    def check(pid: int) -> bool:
        with Redis.from_url(url, socket_timeout=CHECK_SECONDS, socket_connect_timeout=CHECK_SECONDS) as client:
            try:
                names = [key.removeprefix(Worker.redis_worker_namespace_prefix) for key in Worker.all_keys(client)]
            except RedisError:
                return False
            return all(any(name.startswith(worker_prefix(queue, pid)) for name in names) for queue in QUEUES)

    return check
