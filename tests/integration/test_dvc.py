"""`dvc repro` over the stages of the pipeline: new feedback makes it run, nothing else does."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from candleloop import pipeline
from candleloop.store import marks
from candleloop.store.tables import now
from config.context import open_context
from config.settings import ROOT, Settings
from tests.support.candles import random_candles
from tests.support.service import csv_of, prepared


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project folder under DVC with its own copy of the stages, and a labelled series."""
    folder = tmp_path / "project"
    for part in ("candleloop", "cli", "config"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "dvc.yaml", folder)
    home = folder / ".candleloop"
    context = open_context(prepared(home))
    shutil.copy(home / "pipeline.yaml", folder / "config" / "pipeline.yaml")
    for section in ("candles", "decoding", "encoding", "features", "split"):
        with (folder / "config" / "pipeline.yaml").open("a") as file:
            file.write(f"{section}: {{}}\n")
    pipeline.import_file(context, csv_of(random_candles(3_000, seed=5)), name="ONE_1h.csv", symbol="ONE")
    pipeline.auto_label_series(context, "ONE-1h", "default")
    context.database.dispose()
    run_dvc(folder, "init", "--no-scm", "-q")
    return folder


def run_dvc(folder: Path, *arguments: str) -> str:
    """Run a DVC command in the project and return what it printed."""
    environment = os.environ | {
        "CANDLELOOP_HOME": str(folder / ".candleloop"),
        "CANDLELOOP_MLFLOW_URL": "http://127.0.0.1:9",
        "DVC_NO_ANALYTICS": "1",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *arguments], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def stages_that_ran(output: str) -> list[str]:
    """Return the names of the stages that a `dvc repro` ran."""
    return [line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage")]


@pytest.mark.slow
def test_new_feedback_runs_the_stages_and_nothing_else_does(project: Path) -> None:
    assert stages_that_ran(run_dvc(project, "repro")) == ["snapshot", "train", "register"]
    first = json.loads((project / "pipeline_output" / "registered.json").read_text())
    assert first["promoted"]
    metrics = json.loads((project / "pipeline_output" / "metrics.json").read_text())
    assert metrics["macro_f1"] == first["evaluation"]["macro_f1"]

    assert stages_that_ran(run_dvc(project, "repro")) == ["snapshot"]

    context = open_context(Settings(_env_file=None, home=project / ".candleloop"))
    with context.database.begin() as session:
        mark = marks.list_annotations(session, "ONE-1h", "default").items[0]
        mark.origin, mark.updated_at = "confirmed", now()
    context.database.dispose()
    assert stages_that_ran(run_dvc(project, "repro")) == ["snapshot", "train", "register"]
    second = json.loads((project / "pipeline_output" / "registered.json").read_text())
    assert second["version"] != first["version"]
