"""`dvc repro` over the stages of the pipeline: new feedback makes it run, nothing else does."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from candleloop.store import marks
from candleloop.store.tables import now
from config.context import open_context
from config.settings import ROOT, Settings
from tests.support.project import labelled_project

STAGES = ["snapshot", "train", "register"]
OUTPUT = "pipeline_output"
KEYS = ("pipeline_config", "yaml_files")
"""What reads the configuration: its keys are parameters of the stage."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project folder under DVC with its own copy of the stages and a labelled series; all stages ran once."""
    folder = labelled_project(tmp_path_factory.mktemp("dvc") / "project")
    run_dvc(folder, "init", "--no-scm", "-q")
    assert stages_that_ran(run_dvc(folder, "repro")) == STAGES
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


def registered(project: Path) -> dict[str, Any]:
    """Return what the last stage left."""
    found: dict[str, Any] = json.loads((project / OUTPUT / "registered.json").read_text())
    return found


def hashes(project: Path) -> dict[str, str]:
    """Return the SHA-256 of every file that the stages left."""
    return {
        str(path.relative_to(project)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((project / OUTPUT).rglob("*"))
        if path.is_file()
    }


def test_a_change_of_any_code_that_decides_a_model_makes_the_stage_run() -> None:
    code = "import sys, candleloop.training.train as _; print(*(m for m in sys.modules if m.startswith('candleloop.')))"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    files = [Path(*name.split(".")) for name in loaded.stdout.split()]
    named = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]["train"]["deps"]
    decides = [
        file
        for file in files
        if not (ROOT / file / "__init__.py").exists() and file.name not in {*KEYS, "errors", "progress", "storage"}
    ]
    assert len(decides) > 30
    held = [Path(dep).with_suffix("") for dep in named]
    assert [str(file) for file in decides if not any(dep in (file, *file.parents) for dep in held)] == []


@pytest.mark.slow
def test_what_the_stages_left_comes_back_from_a_remote(project: Path) -> None:
    """One setting, push; then everything that lay here is deleted, and pull brings the same bytes back."""
    before = hashes(project)
    # metrics.json is kept in Git, not in the cache: so that a commit shows what it changed.
    metrics = project / OUTPUT / "metrics.json"
    kept_in_git = metrics.read_text()
    run_dvc(project, "remote", "add", "--default", "shared", str(project.parent / "remote"))
    run_dvc(project, "push", "-q")
    shutil.rmtree(project / ".dvc" / "cache")
    shutil.rmtree(project / OUTPUT)
    run_dvc(project, "pull", "-q")
    metrics.write_text(kept_in_git)
    assert hashes(project) == before
    assert {f"{OUTPUT}/model/model.zip", f"{OUTPUT}/plots/confusion.csv", f"{OUTPUT}/snapshot/hash"} <= set(before)


@pytest.mark.slow
def test_new_feedback_runs_the_stages_and_nothing_else_does(project: Path) -> None:
    first = registered(project)
    assert first["promoted"]
    assert stages_that_ran(run_dvc(project, "repro")) == ["snapshot"]

    context = open_context(Settings(_env_file=None, home=project / ".candleloop"))
    with context.database.begin() as session:
        mark = marks.list_annotations(session, "ONE-1h", "default").items[0]
        mark.origin, mark.updated_at = "confirmed", now()
    context.database.dispose()
    assert stages_that_ran(run_dvc(project, "repro")) == STAGES
    second = registered(project)
    assert second["version"] != first["version"]
    metrics = json.loads((project / OUTPUT / "metrics.json").read_text())
    assert metrics["macro_f1"] == second["evaluation"]["macro_f1"]
