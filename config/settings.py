"""Environment settings: the only place that reads ``CANDLELOOP_*`` variables."""

from __future__ import annotations

import hashlib
import os
import tempfile
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from candleloop.errors import BadConfiguration

ROOT = Path(__file__).resolve().parent.parent
"""The folder that holds config/, api/, candleloop/ and the rest."""

Port = Annotated[int, Field(ge=1, le=65_535)]


class Settings(BaseSettings):
    """What differs between machines. Each field is set by ``CANDLELOOP_<NAME>`` or in ``.env``.

    ``home`` holds all that candleloop stores unless a URL below says otherwise.
    """

    model_config = SettingsConfigDict(env_prefix="CANDLELOOP_", env_file=ROOT / ".env", extra="ignore", frozen=True)

    home: Path = ROOT / ".candleloop"
    config: Path = ROOT / "config" / "pipeline.yaml"
    label_sets: Path = ROOT / "config" / "label_sets"

    database_url: str | None = None
    storage_url: str | None = None
    redis_url: SecretStr | None = None
    mlflow_url: str | None = None
    mlflow_public_url: str | None = None

    host: str = "127.0.0.1"
    api_port: Port = 8001
    mlflow_port: Port = 5000
    dashboard_port: Port = 9181
    web_port: Port = 3000
    api_key: SecretStr | None = None

    web: bool = True
    web_password: SecretStr | None = None
    features: str = ""

    model_poll_seconds: Annotated[float, Field(gt=0)] = 1.0
    relay_poll_seconds: Annotated[float, Field(gt=0)] = 0.5
    log_level: str = "INFO"

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
        """Redis URL; the embedded server's socket unless set."""
        return self.redis_url.get_secret_value() if self.redis_url else f"unix://{self.redis_socket}"

    @property
    def mlflow(self) -> str:
        """Tracking URL of the MLflow server."""
        return self.mlflow_url or f"http://{self.host}:{self.mlflow_port}"

    @property
    def mlflow_page(self) -> str | None:
        """Where a browser finds MLflow; None when it is no server. Inside containers another name may lead there."""
        url = self.mlflow_public_url or self.mlflow
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
        problems = [(f"CANDLELOOP_{str(item['loc'][0]).upper()}", item) for item in error.errors()]
        lines = [f"{name} is {item['input']!r}: {item['msg'].lower()}." for name, item in problems]
        raise BadConfiguration("\n".join(lines), field=problems[0][0]) from None
