"""Environment settings: the only place that reads ``CANDLELOOP_*`` variables."""

from __future__ import annotations

import hashlib
import ipaddress
import os
import re
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from candleloop.errors import BadConfiguration
from candleloop.urls import credentials, with_credentials, without_credentials

ROOT = Path(__file__).resolve().parent.parent
"""The folder that holds config/, api/, candleloop/ and the rest."""

Port = Annotated[int, Field(ge=1, le=65_535)]

SECRETS = ("api_key", "api_keys", "redis_password", "dashboard_password", "web_password")
"""Settings that are secrets."""

SECRET_URLS = ("database_url", "storage_url", "redis_url", "mlflow_url")
"""Settings that may hold a password between ``//`` and ``@``."""

KEY_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
PRINTABLE = re.compile(r"[!-~]+")


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches what listens on an address."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


class Settings(BaseSettings):
    """What differs between machines. Each field is set by ``CANDLELOOP_<NAME>`` or in ``.env``; an empty one is unset.

    ``CANDLELOOP_ENV_FILE`` names another file than ``.env``.

    ``home`` holds all that candleloop stores unless a URL below says otherwise. ``api_key`` is the one key of the API,
    ``api_keys`` are more, each with a name (``alice:key,web:key``) that jobs and feedback events are marked with.
    ``redis_password`` is asked by the embedded Redis, and sent to the one of ``redis_url`` unless that URL has its own.
    ``dashboard_password`` guards the RQ dashboard and the MLflow server. ``service_url`` is another machine's service
    that the command line works on instead of ``home``.
    """

    model_config = SettingsConfigDict(
        env_prefix="CANDLELOOP_",
        env_file=os.environ.get("CANDLELOOP_ENV_FILE", ROOT / ".env"),
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    home: Path = ROOT / ".candleloop"
    config: Path = ROOT / "config" / "pipeline.yaml"
    label_sets: Path = ROOT / "config" / "label_sets"

    database_url: Annotated[str | None, Field(repr=False)] = None
    storage_url: Annotated[str | None, Field(repr=False)] = None
    redis_url: SecretStr | None = None
    redis_password: SecretStr | None = None
    mlflow_url: Annotated[str | None, Field(repr=False)] = None
    mlflow_public_url: str | None = None
    service_url: str | None = None

    host: str = "127.0.0.1"
    api_port: Port = 8001
    mlflow_port: Port = 5000
    dashboard_port: Port = 9181
    web_port: Port = 3000
    api_key: SecretStr | None = None
    api_keys: SecretStr | None = None
    dashboard_password: SecretStr | None = None

    web: bool = True
    web_password: SecretStr | None = None
    features: str = ""

    model_poll_seconds: Annotated[float, Field(gt=0)] = 0.25
    relay_poll_seconds: Annotated[float, Field(gt=0)] = 0.5
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], BeforeValidator(lambda value: str(value).upper())
    ] = "INFO"
    log_format: Literal["text", "json"] = "text"

    @model_validator(mode="after")
    def _check_keys(self) -> Settings:
        _ = self.keys
        return self

    @property
    def home_path(self) -> Path:
        """The data folder as an absolute path."""
        return self.home.expanduser().resolve()

    @property
    def database(self) -> str:
        """SQLAlchemy URL of the database; SQLite in the data folder unless set."""
        return self.database_url or f"sqlite:///{self.home_path / 'candleloop.db'}"

    @property
    def storage(self) -> str:
        """The fsspec URL under which candles, models, snapshots and results live."""
        return self.storage_url or f"file://{self.home_path}"

    @property
    def redis_socket(self) -> Path:
        """Socket of the embedded Redis.

        It lives in the system's temporary folder, because a socket's path may have 100 characters at most and a data
        folder may be anywhere; the name is unique to user and data folder.
        """
        tag = hashlib.sha256(str(self.home_path).encode()).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"candleloop-{os.getuid()}-{tag}" / "redis.sock"

    @property
    def redis(self) -> str:
        """Redis URL with its password; the embedded server's socket unless set."""
        url = self.redis_url.get_secret_value() if self.redis_url else f"unix://{self.redis_socket}"
        if self.redis_password is None:
            return url
        return with_credentials(url, "", self.redis_password.get_secret_value())

    @property
    def mlflow(self) -> str:
        """Tracking URL of the MLflow server, with the password of our own one."""
        if self.mlflow_url is not None:
            return self.mlflow_url
        url = self.address(self.mlflow_port)
        if self.dashboard_password is None:
            return url
        return with_credentials(url, "candleloop", self.dashboard_password.get_secret_value())

    def address(self, port: int) -> str:
        """Return the URL under which this machine reaches what listens on a port of ``host``."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host.strip("[]"), self.host.strip("[]"))  # noqa: S104
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"

    @property
    def keys(self) -> Mapping[str, str]:
        """The keys of the API by name; that of ``api_key`` is called "" unless it is one of the named ones.

        None at all: anybody on this machine may ask.

        Raises
        ------
        ValueError
            When they are not of the form ``name:key,name:key``, or a name or key is there twice.
        """
        named: dict[str, str] = {}
        entries = [] if self.api_keys is None else self.api_keys.get_secret_value().split(",")
        for position, entry in enumerate((part.strip() for part in entries), 1):
            name, colon, key = entry.partition(":")
            if not colon or not KEY_NAME.fullmatch(name):
                raise ValueError(
                    f"CANDLELOOP_API_KEYS: entry {position} is not of the form name:key, with a name of small letters, "
                    "digits, dots, underscores and hyphens"
                )
            if name in named:
                raise ValueError(f"CANDLELOOP_API_KEYS: there are two keys of the name {name}")
            if key in named.values():
                raise ValueError(f"CANDLELOOP_API_KEYS: the key of {name} is another one's too")
            named[name] = key
        if self.api_key is not None and self.api_key.get_secret_value() not in named.values():
            named[""] = self.api_key.get_secret_value()
        for name, key in named.items():
            if not PRINTABLE.fullmatch(key):
                which = f"CANDLELOOP_API_KEYS: the key of {name}" if name else "CANDLELOOP_API_KEY"
                raise ValueError(f"{which} must be letters, digits and signs without spaces")
        return named

    @property
    def own_key(self) -> str | None:
        """A key with which processes of candleloop itself ask the API."""
        return self.api_key.get_secret_value() if self.api_key else next(iter(self.keys.values()), None)

    def secrets(self) -> frozenset[str]:
        """Return every secret that no log may show: keys, and passwords of URLs as they stand there and in clear."""
        found = {*self.keys.values()}
        for name in ("redis_password", "dashboard_password", "web_password"):
            value: SecretStr | None = getattr(self, name)
            if value is not None:
                found |= {value.get_secret_value(), quote(value.get_secret_value(), safe="")}
        for name in SECRET_URLS:
            url = getattr(self, name)
            text = url.get_secret_value() if isinstance(url, SecretStr) else url or ""
            password = (credentials(text) or ("", ""))[1]
            found |= {password, quote(password, safe="")}
        return frozenset(found - {""})

    def require_api_key(self, *hosts: str) -> None:
        """Make sure that the API has a key when more than this machine reaches it.

        Parameters
        ----------
        *hosts
            Addresses that it listens on.

        Raises
        ------
        BadConfiguration
            When one of them is no loopback address and there is no key.
        """
        reached = next((host for host in hosts if not is_loopback(host)), None)
        if reached is not None and not self.keys:
            raise BadConfiguration(
                f"The API would listen on {reached}, where others reach it, without a key: set CANDLELOOP_API_KEY, or "
                "CANDLELOOP_API_KEYS for several (name:key,name:key), or listen on 127.0.0.1.",
                code="key_required",
                field="CANDLELOOP_API_KEY",
            )

    def require_dashboard_password(self, what: str) -> None:
        """Make sure that a dashboard has a password when more than this machine reaches it.

        Raises
        ------
        BadConfiguration
            When ``host`` is no loopback address and there is no password.
        """
        if not is_loopback(self.host) and self.dashboard_password is None:
            raise BadConfiguration(
                f"{what} would listen on {self.host}, where others reach it, without a password: set "
                "CANDLELOOP_DASHBOARD_PASSWORD, or listen on 127.0.0.1.",
                code="password_required",
                field="CANDLELOOP_DASHBOARD_PASSWORD",
            )

    @property
    def mlflow_page(self) -> str | None:
        """Where a browser finds MLflow; None when it is no server. Inside containers another name may lead there."""
        url = self.mlflow_public_url or without_credentials(self.mlflow)
        return url.rstrip("/") if url.startswith("http") else None

    @property
    def mlflow_database(self) -> str:
        """SQLAlchemy URL of the database file that this machine's MLflow server keeps its runs in."""
        return f"sqlite:///{self.home_path / 'mlflow.db'}"


@cache
def settings() -> Settings:
    """Return the settings of this process, read once.

    Raises
    ------
    BadConfiguration
        Naming each variable that has no fitting value.
    """
    try:
        return Settings()
    except ValidationError as error:
        problems = [_problem(item["loc"], item["msg"], item["input"]) for item in error.errors()]
        raise BadConfiguration("\n".join(text for _, text in problems), field=problems[0][0]) from None


def _problem(place: tuple[int | str, ...], message: str, value: object) -> tuple[str, str]:
    """Return the variable that does not fit, and a sentence that shows its value unless it may be a secret."""
    message = message.removeprefix("Value error, ")
    if not place:
        return message.partition(":")[0].split()[0], f"{message}."
    field = str(place[0])
    name = f"CANDLELOOP_{field.upper()}"
    shown = name if field in (*SECRETS, *SECRET_URLS) else f"{name} is {value!r}"
    return name, f"{shown}: {message[:1].lower()}{message[1:]}."
