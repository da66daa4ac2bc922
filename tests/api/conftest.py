"""A data folder with series, TA-Lib labels and a trained champion, made once; each test works on a copy of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from api.main import create_app
from candleloop import pipeline
from config.context import open_context
from config.settings import Settings
from tests.support.http import client_of
from tests.support.service import CANDLES, SERIES, csv_of, prepared, settings_in


@pytest.fixture(scope="session")
def _empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("empty")
    prepared(home)
    return home


@pytest.fixture(scope="session")
def _trained_home(_empty_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("trained") / "home"
    shutil.copytree(_empty_home, home)
    context = open_context(settings_in(home))
    pipeline.import_file(context, csv_of(CANDLES), name="TEST_1h.csv", symbol="TEST", series_id=SERIES)
    pipeline.auto_label_series(context, SERIES, "default")
    outcome = pipeline.run_training(context, "default")
    assert outcome.promoted
    context.database.dispose()
    return home


@pytest.fixture
def empty(_empty_home: Path, tmp_path: Path) -> Settings:
    """Settings of a data folder without any series."""
    shutil.copytree(_empty_home, tmp_path / "home")
    return settings_in(tmp_path / "home")


@pytest.fixture
def trained(_trained_home: Path, tmp_path: Path) -> Settings:
    """Settings of a data folder with a series, its TA-Lib labels and a champion."""
    shutil.copytree(_trained_home, tmp_path / "home")
    return settings_in(tmp_path / "home")


@pytest.fixture
def cold(empty: Settings) -> Iterator[httpx.Client]:
    """A client of an application that has no model yet."""
    with client_of(create_app(empty)) as client:
        yield client


@pytest.fixture
def client(trained: Settings) -> Iterator[httpx.Client]:
    """A client of an application that serves a model."""
    with client_of(create_app(trained)) as client:
        yield client
