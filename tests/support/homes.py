"""Data folders with a labelled series, with or without a champion, on SQLite or PostgreSQL; made once, copied often."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import create_engine, make_url, text

from candleloop import pipeline
from candleloop.context import Context
from candleloop.store.database import migrate
from config.context import label_sets_on_disk, open_context
from config.settings import Settings
from tests.support.service import CANDLES, SERIES, csv_of, prepared, settings_in

State = Literal["labelled", "served"]


@dataclass
class Place:
    """A data folder and its database, for one test."""

    home: Path
    database_url: str | None
    environment: dict[str, str]

    @property
    def settings(self) -> Settings:
        """Settings of a process in this folder; Redis and MLflow are away."""
        return settings_in(self.home, database_url=self.database_url)


class Homes:
    """Makes each state once and gives copies of it."""

    def __init__(self, folder: Path, postgres_url: str | None) -> None:
        self.folder = folder
        self._postgres_url = postgres_url
        self._made: dict[tuple[str, str], tuple[Path, str | None]] = {}

    @contextmanager
    def copy(self, state: State, backend: str, folder: Path) -> Iterator[Place]:
        """Give a copy of a state in a folder of the test's own."""
        home, url = self._get(state, backend)
        shutil.copytree(home, folder / "home")
        own = None if url is None else self._new_database(template=url)
        environment = {
            "CANDLELOOP_HOME": str(folder / "home"),
            "CANDLELOOP_CONFIG": str(folder / "home" / "pipeline.yaml"),
            "CANDLELOOP_MLFLOW_URL": "http://127.0.0.1:9",
            **({} if own is None else {"CANDLELOOP_DATABASE_URL": own}),
        }
        try:
            yield Place(folder / "home", own, environment)
        finally:
            if own is not None:
                self._drop(own)

    def close(self) -> None:
        """Drop the databases."""
        for _, url in self._made.values():
            if url is not None:
                self._drop(url)

    def _get(self, state: State, backend: str) -> tuple[Path, str | None]:
        if (state, backend) in self._made:
            return self._made[state, backend]
        home = self.folder / f"{state}-{backend}"
        if state == "served":
            labelled, template = self._get("labelled", backend)
            shutil.copytree(labelled, home)
            url = None if template is None else self._new_database(template=template)
            with opened(settings_in(home, database_url=url)) as context:
                assert pipeline.run_training(context, "default").promoted
        else:
            settings, url = prepared(home), None
            if backend == "postgresql":
                url = self._new_database(template=None)
                migrate(url)
                settings = settings_in(home, database_url=url)
            with opened(settings) as context:
                pipeline.prepare(context, label_sets_on_disk(settings))
                pipeline.import_file(context, csv_of(CANDLES), name="TEST_1h.csv", symbol="TEST", series_id=SERIES)
                pipeline.auto_label_series(context, SERIES, "default")
        self._made[state, backend] = home, url
        return home, url

    def _new_database(self, *, template: str | None) -> str:
        name = f"test_{uuid.uuid4().hex}"
        copied = "" if template is None else f" TEMPLATE {make_url(template).database}"
        self._administer(f"CREATE DATABASE {name}{copied}")
        return make_url(str(self._postgres_url)).set(database=name).render_as_string(hide_password=False)

    def _drop(self, url: str) -> None:
        self._administer(f"DROP DATABASE {make_url(url).database} WITH (FORCE)")

    def _administer(self, statement: str) -> None:
        url = make_url(str(self._postgres_url)).set(drivername="postgresql+psycopg")
        admin = create_engine(url, isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.execute(text(statement))
        admin.dispose()


@contextmanager
def opened(settings: Settings) -> Iterator[Context]:
    """Give the context of these settings; close its database at the end."""
    context = open_context(settings)
    try:
        yield context
    finally:
        context.database.dispose()


def confirmation(prediction: dict[str, Any], version: str, event_id: str = "e-1") -> dict[str, Any]:
    """Return the event that confirms a prediction of the series that all these folders have."""
    target = {field: prediction[field] for field in ("id", "label", "start_time", "end_time", "confidence")}
    return {
        "event_id": event_id,
        "verb": "confirm",
        "series_id": SERIES,
        "target": {"kind": "prediction", "model_version": version, **target},
    }
