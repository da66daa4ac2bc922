"""`candleloop evaluate --split` and an MLflow that is a file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from mlflow import MlflowClient
from typer.testing import CliRunner, Result

from cli.main import app
from config.settings import settings
from tests.support.candles import random_candles
from tests.support.service import CONFIG, csv_of


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data folder with two labelled series; MLflow is a file in it."""
    folder = tmp_path_factory.mktemp("evaluate")
    (folder / "pipeline.yaml").write_text(yaml.safe_dump(CONFIG))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CANDLELOOP_HOME", str(folder / "home"))
        patch.setenv("CANDLELOOP_CONFIG", str(folder / "pipeline.yaml"))
        patch.setenv("CANDLELOOP_MLFLOW_URL", f"sqlite:///{folder}/mlflow.db")
        settings.cache_clear()
        for number, name in enumerate(("ONE", "TWO")):
            (folder / f"{name}_1h.csv").write_bytes(csv_of(random_candles(1_500, seed=number)))
            assert run("import", str(folder / f"{name}_1h.csv")).exit_code == 0
        assert run("label").exit_code == 0
        yield folder
    settings.cache_clear()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


@pytest.mark.parametrize("split", ["test_bars", "one_instant", "leave_one_series_out", "random"])
def test_each_split_is_measured_without_leaving_a_model(home: Path, split: str) -> None:
    found = json.loads(run("evaluate", "--split", split, "--json").stdout)
    assert found["split"] == split
    assert found["evaluation"]["spans"] > 10
    assert json.loads(run("models", "--json").stdout)["models"] == []


def test_people_read_what_was_held_out(home: Path) -> None:
    shown = run("evaluate", "--split", "leave_one_series_out").stdout
    assert "on what was held out" in shown
    assert "ONE-1h" in shown
    assert "diagnosis" not in shown
    assert "a diagnosis of leakage, no measurement" in run("evaluate", "--split", "random").stdout


def test_an_unknown_split_is_wrong_input(home: Path) -> None:
    refused = run("evaluate", "--split", "magic", "--json")
    assert refused.exit_code == 2
    problem = json.loads(refused.stderr)
    assert problem["field"] == "split"
    assert "leave_one_series_out" in problem["detail"]


def test_a_training_is_tracked_in_a_file_where_there_is_no_server(home: Path) -> None:
    trained = run("train", "--json")
    assert trained.exit_code == 0
    outcome = json.loads(trained.stdout)
    assert not [warning for warning in outcome["warnings"] if "MLflow" in warning]
    url = f"sqlite:///{home}/mlflow.db"
    version = MlflowClient(url, url).get_model_version("candleloop-default", outcome["registry_version"])
    assert version.tags["candleloop.version"] == outcome["version"]
    assert MlflowClient(url, url).get_run(str(version.run_id)).data.metrics["macro_f1"] == pytest.approx(
        outcome["evaluation"]["macro_f1"]
    )
    assert (home / "mlflow-artifacts").is_dir()
