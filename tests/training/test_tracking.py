"""What MLflow is told, against its own SQLite store; no server needed."""

from __future__ import annotations

import importlib.metadata
import json
import logging
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import mlflow
import pandas as pd
import pytest
from dulwich import porcelain
from mlflow import MlflowClient

from candleloop.errors import Unavailable
from candleloop.inference.predictor import Predictor
from candleloop.training.mlflow_probe import DATABASE_HEADER, database_tag, why_mlflow_is_away
from candleloop.training.tracking import ALIAS, EXPERIMENT, TrackedRun, Tracker, git_commit, metrics
from candleloop.training.train import TrainedModel, train
from tests.support.ports import free_port
from tests.support.snapshots import labelled_series, quick_config

SNAPSHOT, CANDLES, CANDLES_OF = labelled_series()


@dataclass(frozen=True)
class Logged:
    tracker: Tracker
    trained: TrainedModel
    run: TrackedRun
    client: MlflowClient


@pytest.fixture
def httpserver_of() -> Iterator[Callable[..., str]]:
    """Serve answers of status 200 with given headers."""
    servers = []

    def serve(headers: dict[str, str]) -> str:
        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Logged]:
    url = f"sqlite:///{tmp_path_factory.mktemp('mlflow') / 'mlflow.db'}"
    trained = train(SNAPSHOT, CANDLES_OF, quick_config())
    tracker = Tracker(url)
    run = tracker.log(trained, job_id="job-1")
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(url)
    yield Logged(tracker, trained, run, MlflowClient(url, url))
    mlflow.set_tracking_uri(before)


def test_a_run_says_what_was_trained_on_what(logged: Logged) -> None:
    run = logged.client.get_run(logged.run.run_id)
    bundle = logged.trained.bundle
    assert run.info.status == "FINISHED"
    assert run.info.run_name == bundle.version
    assert run.data.tags["candleloop.snapshot"] == SNAPSHOT.content_hash()
    assert run.data.tags["candleloop.job"] == "job-1"
    assert run.data.tags["talib.version"] == bundle.talib_version
    assert run.data.params["training.xgboost.rounds"] == "8"
    assert run.data.metrics["macro_f1"] == pytest.approx(logged.trained.evaluation.macro_f1)
    assert run.data.metrics["support.bullish_engulfing"] > 10


def test_the_label_table_has_a_row_for_each_label(logged: Logged) -> None:
    table = mlflow.artifacts.load_text(f"runs:/{logged.run.run_id}/labels.csv").splitlines()
    assert [line.split(",")[0] for line in table] == ["label", *SNAPSHOT.label_set.names]


def test_no_artifact_is_a_pickle(logged: Logged) -> None:
    names: list[str] = []
    folders: list[str | None] = [None]
    while folders:
        for item in logged.client.list_artifacts(logged.run.run_id, folders.pop()):
            if item.is_dir:
                folders.append(item.path)
            else:
                names.append(item.path)
    assert "evaluation.json" in names
    assert "reliability.png" in names
    assert not [name for name in names if name.endswith((".pkl", ".pickle", ".joblib"))]


def test_the_registered_model_predicts_what_the_bundle_predicts(logged: Logged) -> None:
    logged.tracker.set_champion("default", logged.run.registry_version)
    model = mlflow.pyfunc.load_model(f"models:/candleloop-default@{ALIAS}")
    frame = pd.DataFrame({"time": CANDLES.time, **CANDLES.columns()})
    found = model.predict(frame)
    expected = Predictor(logged.trained.bundle).predict(CANDLES)
    assert len(found) == len(expected)
    assert found["confidence"].tolist() == expected.confidence.tolist()
    assert found["end_time"].tolist() == CANDLES.time[expected.spans.end].tolist()


LOAD_ELSEWHERE = """
import json, pathlib, sys
from importlib.metadata import packages_distributions
given = json.loads(sys.stdin.read())
known = {name: {one.lower().replace("_", "-") for one in found} for name, found in packages_distributions().items()}
# What installs candleloop itself goes, so that only the code inside the model is found.
sys.path[:] = [entry for entry in sys.path if not (pathlib.Path(entry) / "candleloop").is_dir()]
sys.meta_path[:] = [finder for finder in sys.meta_path if not finder.__module__.startswith("__editable__")]
known = {name: found for name, found in known.items() if found != {"candleloop"}}

class NotInstalled:
    def find_spec(self, name, path=None, target=None):
        if path is None and name in known and not known[name] & set(given["installed"]):
            raise ModuleNotFoundError(f"{name} is not asked for", name=name)

sys.meta_path.insert(0, NotInstalled())
import mlflow
found = mlflow.pyfunc.load_model(given["model"]).predict(given["records"])
import candleloop.inference.predictor as predictor
print(json.dumps({"found": found.to_dict("list"), "code": predictor.__file__}))
"""


def test_the_model_loads_in_a_clean_environment_and_takes_records(logged: Logged, tmp_path: Path) -> None:
    """No sources in the working directory or the path, no package but those that the model asks for by version."""
    folder = mlflow.artifacts.download_artifacts(f"runs:/{logged.run.run_id}/model", dst_path=str(tmp_path / "got"))
    asked = [line.split("==") for line in (Path(folder) / "requirements.txt").read_text().splitlines()]
    assert all(importlib.metadata.version(name) == version for name, version in asked)
    candles = CANDLES[-300:]
    rows = zip(candles.time.tolist(), *(values.tolist() for values in candles.columns().values()), strict=True)
    given = {
        "model": folder,
        "records": [dict(zip(("time", *candles.columns()), row, strict=True)) for row in rows],
        "installed": sorted(with_dependencies([name for name, _ in asked])),
    }
    assert "redis" not in given["installed"]
    done = subprocess.run(
        [sys.executable, "-c", LOAD_ELSEWHERE],
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout.splitlines()[-1])
    expected = Predictor(logged.trained.bundle).predict(candles)
    names = logged.trained.bundle.label_set.names
    assert Path(answer["code"]).is_relative_to(folder)
    assert answer["found"]["label"] == [names[label] for label in expected.spans.label]
    assert answer["found"]["start_time"] == candles.time[expected.spans.start].tolist()
    assert answer["found"]["end_time"] == candles.time[expected.spans.end].tolist()
    assert answer["found"]["confidence"] == pytest.approx(expected.confidence.tolist())
    assert len(expected) > 5


def with_dependencies(names: list[str]) -> set[str]:
    """Return distributions with everything that installing them brings."""
    found, open_ = set[str](), list(names)
    while open_:
        name = open_.pop().lower().replace("_", "-")
        if name in found:
            continue
        found.add(name)
        try:
            needed = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        open_.extend(re.split(r"[^A-Za-z0-9._-]", line)[0] for line in needed if "extra ==" not in line)
    return found


def test_the_model_says_what_goes_in_and_what_comes_out(logged: Logged) -> None:
    model = mlflow.pyfunc.load_model(f"runs:/{logged.run.run_id}/model")
    schema = model.metadata.signature
    assert schema.inputs.input_names() == ["time", "open", "high", "low", "close", "volume"]
    example = model.input_example
    assert len(example) > logged.trained.bundle.warmup_candles
    assert list(model.predict(example).columns) == schema.outputs.input_names()


def test_plots_come_with_the_data_they_show(logged: Logged) -> None:
    names = {item.path for item in logged.client.list_artifacts(logged.run.run_id)}
    for name in ("confusion", "importance", "reliability"):
        assert {f"{name}.png", f"{name}.csv"} <= names
    confusion = mlflow.artifacts.load_text(f"runs:/{logged.run.run_id}/confusion.csv").splitlines()
    assert sum(int(line.split(",")[2]) for line in confusion[1:] if not line.startswith("(none)")) == (
        logged.trained.evaluation.spans
    )


def test_logging_the_same_version_again_returns_the_run_that_is_there(logged: Logged) -> None:
    assert logged.tracker.log(logged.trained) == logged.run


def test_another_version_gets_the_next_number_and_the_alias_moves(logged: Logged) -> None:
    other = replace(logged.trained, bundle=replace(logged.trained.bundle, snapshot="0" * 16))
    heard: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: heard.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger("mlflow.utils.environment").addHandler(handler)
    try:
        second = logged.tracker.log(other)
    finally:
        logging.getLogger("mlflow.utils.environment").removeHandler(handler)
    # This environment may have no pip: that is nothing to be warned of.
    assert heard == []
    assert int(second.registry_version) > int(logged.run.registry_version)
    logged.tracker.set_champion("default", second.registry_version)
    assert str(logged.client.get_model_version_by_alias("candleloop-default", ALIAS).version) == second.registry_version


def test_a_version_that_the_registry_does_not_know_cannot_be_champion(logged: Logged) -> None:
    with pytest.raises(Unavailable, match="99"):
        logged.tracker.set_champion("default", "99")


def test_a_server_that_is_away_is_told_within_seconds(logged: Logged) -> None:
    dead_port = free_port()
    started = time.monotonic()
    with pytest.raises(Unavailable) as refusal:
        Tracker(f"http://127.0.0.1:{dead_port}").log(logged.trained)
    assert time.monotonic() - started < 60
    assert refusal.value.code == "mlflow_unavailable"
    assert str(dead_port) in refusal.value.message


def test_without_a_server_a_run_goes_into_its_database_file(logged: Logged) -> None:
    alone = Tracker(f"http://127.0.0.1:{free_port()}", without_server=logged.tracker.url)
    other = replace(logged.trained, bundle=replace(logged.trained.bundle, snapshot="1" * 16))
    run = alone.log(other)
    assert logged.tracker.log(other) == run
    alone.set_champion("default", run.registry_version)
    assert str(logged.client.get_model_version_by_alias("candleloop-default", ALIAS).version) == run.registry_version


def test_the_server_of_another_data_folder_is_left_alone(logged: Logged, httpserver_of: Callable[..., str]) -> None:
    stranger = httpserver_of({DATABASE_HEADER: database_tag("sqlite:////somewhere/else/mlflow.db")})
    nobody = httpserver_of({})
    ours = httpserver_of({DATABASE_HEADER: database_tag(logged.tracker.url)})
    assert why_mlflow_is_away(ours, logged.tracker.url) is None
    assert why_mlflow_is_away(stranger) is None
    for url in (stranger, nobody):
        assert "another MLflow server" in (why_mlflow_is_away(url, logged.tracker.url) or "")
    run = Tracker(stranger, without_server=logged.tracker.url).log(logged.trained)
    assert run == logged.tracker.log(logged.trained)


def test_without_a_server_artifacts_lie_in_files_that_need_none(logged: Logged) -> None:
    """Also when the server made the experiment first, whose artifacts then go through it."""
    experiment = logged.client.get_experiment_by_name(EXPERIMENT)
    logged.client.rename_experiment(experiment.experiment_id, "elsewhere")
    served = logged.client.create_experiment(EXPERIMENT, artifact_location="mlflow-artifacts:/1")
    try:
        alone = Tracker(f"http://127.0.0.1:{free_port()}", without_server=logged.tracker.url)
        run = alone.log(replace(logged.trained, bundle=replace(logged.trained.bundle, snapshot="2" * 16)))
        assert logged.client.get_run(run.run_id).info.experiment_id != served
        assert mlflow.artifacts.load_text(f"runs:/{run.run_id}/labels.csv").startswith("label")
    finally:
        logged.client.rename_experiment(served, "served")
        logged.client.rename_experiment(experiment.experiment_id, EXPERIMENT)


def test_what_cannot_be_measured_is_no_metric(logged: Logged) -> None:
    empty = logged.trained.evaluation.model_copy(
        update={"macro_f1": None, "macro_f1_interval": None, "calibration": None}
    )
    found = metrics(replace(logged.trained, evaluation=empty))
    assert "macro_f1" not in found
    assert "ece" not in found


def test_the_git_commit_is_that_of_the_tree_of_a_branch_of_packed_refs_and_of_a_linked_tree(tmp_path: Path) -> None:
    tree, linked = tmp_path / "tree", tmp_path / "linked"
    assert git_commit(tmp_path) is None
    with porcelain.init(tree) as repository:
        assert git_commit(tree) is None  # no commit yet
        first = porcelain.commit(repository, message=b"first", author=b"A <a@b>", committer=b"A <a@b>").decode()
        assert git_commit(tree) == first
        porcelain.pack_refs(repository, all=True)
        assert git_commit(tree) == first
        porcelain.worktree_add(repository, linked, branch="other")
        second = porcelain.commit(linked, message=b"second", author=b"A <a@b>", committer=b"A <a@b>").decode()
        assert (git_commit(tree), git_commit(linked)) == (first, second)
        assert git_commit(tree / "elsewhere") is None
