"""Everything on one machine: ``candleloop up`` and ``make up``."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from pydantic import SecretStr
from redis import Redis
from redis.exceptions import RedisError

from candleloop.errors import Unavailable
from candleloop.progress import Progress
from candleloop.store import label_sets
from candleloop.store.database import migrate
from candleloop.urls import without_credentials
from config.context import label_sets_on_disk, open_context
from config.settings import Settings
from workers import stack_services
from workers.first_steps import FirstSteps
from workers.mlflow_server import QUIET
from workers.redis_server import make_folders
from workers.supervisor import StopAsked, Supervisor

WATCH_SECONDS = 0.5


def say_line(text: str) -> None:
    """Tell the user a line; a terminal that has gone is no reason to fail."""
    with suppress(OSError, ValueError):
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()


class SpokenProgress:
    """Progress as lines: one at the start of each stage and one at each further quarter of it."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self.told: tuple[str, int] | None = None

    def __call__(self, stage: str, done: int, total: int | None = None, unit: str = "steps") -> None:
        """Tell how far ``stage`` is, if there is something new."""
        # What is one thing has begun or is over: there is nothing to count.
        quarter = 4 * done // total if total and total > 1 else 0
        if self.told != (stage, quarter):
            self.told = (stage, quarter)
            self.say(f"  {stage}" if total == 1 else f"  {stage}: {done:,}{f' of {total:,}' if total else ''} {unit}")


def up(settings: Settings, progress: Progress | None = None, say: Callable[[str], None] = say_line) -> int:
    """Start everything, watch over it, stop it on Ctrl+C or SIGTERM.

    Parameters
    ----------
    settings
        Where things are and on which ports they listen.
    progress
        Told how far the first steps are; lines through ``say`` unless given.
    say
        Tells the user a line.

    Returns
    -------
    int
        Exit code: 0 when the user stopped it.

    Raises
    ------
    BadConfiguration
        When more than this machine would reach it and there is no key or no password.
    Unavailable
        When it runs already, a port is taken, or something does not start; the message says what to do.
    """
    settings.require_api_key(settings.host)
    settings.require_dashboard_password("The RQ dashboard")
    home = settings.home_path
    make_folders(settings.redis_socket, home / "redis")
    (home / "logs").mkdir(exist_ok=True)
    with locked(home, settings.address(settings.api_port)):
        check_ports(settings)
        supervisor = Supervisor(home / "logs", environment_of(settings), say)
        with stop_on_signals(supervisor):
            try:
                _run(settings, supervisor, progress or SpokenProgress(say), say)
            except StopAsked:
                say("Stopping everything. The data stays.")
            finally:
                supervisor.stop()
        say("Stopped.")
    return 0


def _run(settings: Settings, supervisor: Supervisor, progress: Progress, say: Callable[[str], None]) -> None:
    say(f"candleloop starts. Its data and logs are in {settings.home_path}.")
    if settings.redis_url is None:
        end_abandoned_redis(settings)
        supervisor.start([stack_services.redis_service(settings)])
        supervisor.wait_until_ready(["redis"])
    migrate(settings.database)
    context = open_context(settings)
    with context.database.begin() as session:
        for label_set in label_sets_on_disk(settings):
            label_sets.ensure(session, label_set)
    supervisor.start([stack_services.api_service(settings), *stack_services.background_services(settings)])
    supervisor.wait_until_ready(["api"])
    say(f"  API            {settings.address(settings.api_port)}/docs")
    supervisor.wait_until_ready(["workers"])
    say("  workers        one each for the queues batch, label and train; the relay feeds them")
    supervisor.start([stack_services.dashboard_service(settings)])
    if settings.mlflow_url is None:
        supervisor.start([stack_services.mlflow_service(settings)])
    supervisor.wait_until_ready(["dashboard"])
    say(f"  RQ dashboard   {settings.address(settings.dashboard_port)}")
    patience = "" if settings.mlflow_url else " (takes some seconds more)"
    say(f"  MLflow         {without_credentials(settings.mlflow)}{patience}")
    web = stack_services.web_service(settings)
    if not settings.web:
        say("  web page       switched off by CANDLELOOP_WEB")
    elif web is None:
        say("  web page       not started: there is no Node on the PATH (everything else runs without it)")
    else:
        supervisor.start([web])
        say(f"  web page       {settings.address(settings.web_port)} (the first start builds it: a minute or two)")
    FirstSteps(context, settings.redis, stack_services.serves_model(settings), supervisor, progress, say).take()
    supervisor.wait_until_ready(["web"])
    say("candleloop is ready. Ctrl+C stops everything; the data stays.")
    while True:
        supervisor.restart_dead()
        supervisor.pause(WATCH_SECONDS)


@contextmanager
def locked(home: Path, address: str) -> Iterator[None]:
    """Hold the data folder for this stack; the system lets go of it when the process ends, however it ends.

    Raises
    ------
    Unavailable
        When another stack holds it.
    """
    with (home / "stack.lock").open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise Unavailable(
                f"candleloop runs already on {home} ({file.read().strip()}). Stop it there with Ctrl+C, "
                "or set CANDLELOOP_HOME to another data folder for a second one.",
                code="already_running",
                field="CANDLELOOP_HOME",
            ) from None
        file.seek(0)
        file.truncate()
        file.write(f"process {os.getpid()}, {address}")
        file.flush()
        yield


def check_ports(settings: Settings) -> None:
    """Make sure that the ports of the stack are free.

    Raises
    ------
    Unavailable
        Naming each taken port and the setting that changes it.
    """
    ports = {"CANDLELOOP_API_PORT": settings.api_port, "CANDLELOOP_DASHBOARD_PORT": settings.dashboard_port}
    if settings.mlflow_url is None:
        ports["CANDLELOOP_MLFLOW_PORT"] = settings.mlflow_port
    if stack_services.web_service(settings) is not None:
        ports["CANDLELOOP_WEB_PORT"] = settings.web_port
    problems = [
        f"Port {port} of {settings.host} {problem}: set {name} to another port."
        for name, port in ports.items()
        if (problem := _port_problem(settings.host, port)) is not None
    ]
    if problems:
        raise Unavailable("\n".join(problems), code="port_taken", field=problems[0].split("set ")[1].split()[0])


def _port_problem(host: str, port: int) -> str | None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return "is taken by another program" if error.errno == errno.EADDRINUSE else f"cannot be used ({error})"
    return None


def end_abandoned_redis(settings: Settings) -> None:
    """End a Redis that an earlier stack left behind, which can happen where the system does not end it with its parent.

    Its socket belongs to this data folder and this process holds the folder's lock, so nobody uses it.
    """
    with Redis.from_url(settings.redis, socket_timeout=5) as client, suppress(RedisError):
        client.ping()
        client.shutdown()


def environment_of(settings: Settings) -> dict[str, str]:
    """Return the environment in which every process of the stack reads exactly these settings."""
    chosen: dict[str, str] = {}
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if value is not None:
            text = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
            chosen[f"CANDLELOOP_{name.upper()}"] = text
    chosen["CANDLELOOP_HOME"] = str(settings.home_path)
    if settings.own_key is not None:
        chosen["CANDLELOOP_API_KEY"] = settings.own_key  # the web page knows this one only
    return {**os.environ, **chosen, **QUIET, "DO_NOT_TRACK": "true"}


@contextmanager
def stop_on_signals(supervisor: Supervisor) -> Iterator[None]:
    """Let Ctrl+C, SIGTERM and a closed terminal ask the stack to stop."""

    def ask(_number: int, _frame: FrameType | None) -> None:
        supervisor.stopping.set()

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    previous = {number: signal.signal(number, ask) for number in numbers}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
