"""``candleloop doctor`` and ``candleloop features`` as a user types them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from typer.testing import CliRunner, Result

from cli.main import app
from config.settings import settings
from tests.support.candles import random_candles
from tests.support.service import CONFIG, csv_of


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A data folder and a file of candles in it."""
    configure(tmp_path)
    (tmp_path / "ONE_1h.csv").write_bytes(csv_of(random_candles(1_000, seed=5)))
    monkeypatch.setenv("CANDLELOOP_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CANDLELOOP_CONFIG", str(tmp_path / "pipeline.yaml"))
    settings.cache_clear()
    yield tmp_path
    settings.cache_clear()


def configure(home: Path, *added: str) -> None:
    (home / "pipeline.yaml").write_text(yaml.safe_dump({**CONFIG, "features": {"add": list(added)}}))


def run(*arguments: str) -> Result:
    """Type a command."""
    return CliRunner().invoke(app, arguments)


def test_the_doctor_ends_with_0_when_clean_and_1_when_something_was_found(home: Path) -> None:
    assert run("import", str(home / "ONE_1h.csv")).exit_code == 0
    clean = run("doctor", "--quick", "--json")
    assert (clean.exit_code, json.loads(clean.stdout)["clean"]) == (0, True)
    configure(home, "tests.support.own_features:peeking")
    found = run("doctor", "ONE-1h", "--quick")
    assert found.exit_code == 1
    assert "FOUND   Does any feature of a bar know what came after it?" in found.stdout
    assert "next_return at ONE-1h" in found.stdout


def test_a_group_that_cannot_be_loaded_is_an_error_and_no_finding(home: Path) -> None:
    configure(home, "tests.support.own_features:missing")
    result = run("doctor", "--json")
    assert result.exit_code == 2
    assert json.loads(result.stderr)["field"] == "features.add.0"


def test_features_are_written_with_a_summary(home: Path) -> None:
    configure(home, "tests.support.own_features:honest")
    target = home / "x.parquet"
    result = run("features", str(home / "ONE_1h.csv"), "-o", str(target), "--json")
    assert result.exit_code == 0
    summary = json.loads(result.stdout)
    assert (summary["bars"], summary["symbol"], summary["path"]) == (1_000, "ONE", str(target))
    assert summary["complete"] == 1_000 - summary["warmup"]
    assert pq.read_table(target).column_names[-1] == summary["columns"][-1] == "close_in_range"
    lines = run("features", str(home / "ONE_1h.csv"), "-o", str(home / "x.csv"))
    assert "1,000 candles with 55 features" in lines.stdout
    assert run("features", str(home / "ONE_1h.csv"), "-o", str(home / "x.doc")).exit_code == 2
