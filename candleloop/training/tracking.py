"""Every training as an MLflow run, every model version in MLflow's registry.

MLflow is where people look; nothing in candleloop depends on it. When it is away, training goes on without it.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import candleloop
from candleloop.errors import Unavailable
from candleloop.inference.bundle import ModelBundle
from candleloop.training import report
from candleloop.training.families import FAMILIES
from candleloop.training.mlflow_probe import why_mlflow_is_away
from candleloop.training.train import TrainedModel
from candleloop.urls import credentials, without_credentials

logger = logging.getLogger(__name__)

EXPERIMENT = "candleloop"
EXPERIMENT_WITHOUT_SERVER = "candleloop-without-server"
"""Runs made while the server was away, where its experiment keeps artifacts behind it."""
ALIAS = "champion"
MODEL_ARTIFACT = "model"
VERSION_TAG = "candleloop.version"
MLFLOW_SETTINGS = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
}
"""MLflow's own settings while a tracker talks to its server; by default it waits for minutes and prints to stdout."""

PREDICTING_NEEDS = ("numpy", "pandas", "TA-Lib", "pydantic", "PyYAML", "fsspec")
"""Packages that a prediction needs whatever the family; the tracked model asks for the versions it was made with."""

NOT_TO_PREDICT = ("__pycache__", "batch", "interchange", "loop", "patterns", "readers", "store")
"""Folders of this package that do not travel with a tracked model."""

RUNS_FOLDER = "mlflow-artifacts"
"""Where artifacts go, beside the database file, when MLflow is a database file instead of a server."""


@dataclass(frozen=True, slots=True)
class TrackedRun:
    """Where MLflow keeps a training."""

    run_id: str
    registry_version: str


def registered_name(label_set: str) -> str:
    """Return the name of a label set's models in MLflow's registry."""
    return f"candleloop-{label_set}"


@dataclass(frozen=True, slots=True)
class Tracker:
    """An MLflow tracking server, or a database file (``sqlite:///...``).

    Parameters
    ----------
    url
        The server or the database file. User and password in it are sent and never shown.
    without_server
        The database file that the server at ``url`` keeps its runs in: written to directly while that server does not
        answer, so that a training without one is tracked all the same and the server shows it when it is back. A server
        that keeps its runs elsewhere is another data folder's and is left alone.
    """

    url: str
    without_server: str | None = None

    @property
    def address(self) -> str:
        """The URL without user and password."""
        return without_credentials(self.url)

    def log(self, trained: TrainedModel, *, job_id: str | None = None) -> TrackedRun:
        """Write a training down as a run and register its model version.

        Logging the same model version again returns the run that is there.

        Parameters
        ----------
        trained
            What a training gave.
        job_id
            The job that ran it, kept as a tag.

        Raises
        ------
        Unavailable
            Within seconds, when MLflow cannot be reached or refuses.
        """
        with self._client() as client:
            name = registered_name(trained.bundle.label_set.name)
            found = self._registered(client, name, trained.bundle.version)
            if found is not None:
                return found
            run = client.create_run(
                self._experiment(client), run_name=trained.bundle.version, tags=_tags(trained, job_id)
            )
            run_id = run.info.run_id
            try:
                _log_numbers(client, run_id, trained)
                _log_files(client, run_id, trained)
                version = client.create_model_version(
                    name,
                    f"{run.info.artifact_uri}/{MODEL_ARTIFACT}",
                    run_id,
                    tags={VERSION_TAG: trained.bundle.version, "candleloop.snapshot": trained.bundle.snapshot},
                )
            except BaseException:
                client.set_terminated(run_id, "FAILED")
                raise
            client.set_terminated(run_id, "FINISHED")
            return TrackedRun(run_id, str(version.version))

    def set_champion(self, label_set: str, registry_version: str) -> None:
        """Move the registry's alias ``champion`` of a label set.

        Raises
        ------
        Unavailable
            When MLflow cannot be reached, or does not know the version.
        """
        with self._client() as client:
            client.set_registered_model_alias(registered_name(label_set), ALIAS, registry_version)

    def _registered(self, client: Any, name: str, version: str) -> TrackedRun | None:
        """Return the run of a model version that is registered already; make the registered model when it is not."""
        from mlflow.exceptions import MlflowException

        try:
            client.create_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            found = client.search_model_versions(f"name = '{name}' and tags.`{VERSION_TAG}` = '{version}'")
            if found:
                return TrackedRun(found[0].run_id, str(found[0].version))
        return None

    def _experiment(self, client: Any) -> str:
        from mlflow.exceptions import MlflowException

        folder = _artifact_folder(client.tracking_uri)
        name = EXPERIMENT
        found = client.get_experiment_by_name(name)
        if found is not None and folder and found.artifact_location.startswith("mlflow-artifacts:"):
            # Artifacts of this experiment go through the server that is not there.
            name = EXPERIMENT_WITHOUT_SERVER
            found = client.get_experiment_by_name(name)
        if found is None:
            try:
                return str(client.create_experiment(name, artifact_location=folder))
            except MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
                found = client.get_experiment_by_name(name)
        return str(found.experiment_id)

    @contextmanager
    def _client(self) -> Iterator[Any]:
        """Give an MLflow client that does not wait long, and turn its failures into ``Unavailable``."""
        url = self._reachable()
        user, password = credentials(self.url) or ("", "")
        known = {"MLFLOW_TRACKING_USERNAME": user, "MLFLOW_TRACKING_PASSWORD": password} if password else {}
        with _environment(MLFLOW_SETTINGS | known), warnings.catch_warnings():
            # MLflow warns about its own code while it is imported, and about models whose data it cannot check.
            warnings.simplefilter("ignore")
            import requests
            import sqlalchemy
            from mlflow import MlflowClient
            from mlflow.exceptions import MlflowException

            try:
                yield MlflowClient(tracking_uri=url, registry_uri=url)
            except (MlflowException, requests.RequestException, sqlalchemy.exc.SQLAlchemyError, OSError) as error:
                raise Unavailable(f"MLflow at {url}: {_first_line(error)}", code="mlflow_unavailable") from error

    def _reachable(self) -> str:
        """Return where to go; fail fast when nobody answers: MLflow's client would import and retry first."""
        if not self.url.startswith(("http://", "https://")):
            return self.url
        away = why_mlflow_is_away(self.url, self.without_server)
        if away is None:
            return self.address
        if self.without_server is not None:
            return self.without_server
        raise Unavailable(f"MLflow at {self.address} does not answer: {away}", code="mlflow_unavailable")


def _artifact_folder(url: str) -> str | None:
    """Return a folder beside the database file; None leaves it to the server."""
    scheme, _, path = url.partition(":///")
    return (Path(path).resolve().parent / RUNS_FOLDER).as_uri() if scheme == "sqlite" and path else None


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables that are not set, for a while; MLflow knows no other way to limit its patience."""
    mine = {name: value for name, value in values.items() if name not in os.environ}
    os.environ.update(mine)
    try:
        yield
    finally:
        for name in mine:
            os.environ.pop(name, None)


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__


def _tags(trained: TrainedModel, job_id: str | None) -> dict[str, str]:
    bundle = trained.bundle
    tags = {
        VERSION_TAG: bundle.version,
        "candleloop.snapshot": bundle.snapshot,
        "candleloop.label_set": bundle.label_set.name,
        "candleloop.features": bundle.feature_spec.content_hash(),
        "talib.version": bundle.talib_version,
    }
    commit = git_commit(Path(__file__).parents[2])
    return {
        **tags,
        **({"mlflow.source.git.commit": commit} if commit else {}),
        **({"candleloop.job": job_id} if job_id else {}),
        **({"candleloop.warnings": " ".join(trained.warnings)} if trained.warnings else {}),
    }


def _log_numbers(client: Any, run_id: str, trained: TrainedModel) -> None:
    from mlflow.entities import Metric, Param

    config = trained.bundle.config
    parameters = _flat(
        config.model_dump(mode="json", include={"features", "encoding", "split", "training", "decoding", "candles"})
    )
    moment = int(time.time() * 1000)
    client.log_batch(
        run_id,
        metrics=[Metric(name, value, moment, 0) for name, value in metrics(trained).items()],
        params=[Param(name, str(value)) for name, value in parameters.items()],
    )


def _log_files(client: Any, run_id: str, trained: TrainedModel) -> None:
    bundle = trained.bundle
    client.log_text(run_id, trained.evaluation.model_dump_json(indent=1), "evaluation.json")
    for name, text in report.tables(trained).items():
        client.log_text(run_id, text, name)
    for name, figure in report.figures(trained).items():
        client.log_figure(run_id, figure, name)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{bundle.version}.zip"
        path.write_bytes(bundle.to_bytes())
        model = Path(folder) / MODEL_ARTIFACT
        _save_model(model, path, bundle)
        client.log_artifacts(run_id, str(model), MODEL_ARTIFACT)


def _save_model(folder: Path, bundle_file: Path, bundle: ModelBundle) -> None:
    """Write the MLflow model: the bundle as its artifact, this package as its code: it loads where neither is."""
    import mlflow
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema

    package = Path(candleloop.__file__).parent
    code = bundle_file.with_name(package.name)
    shutil.copytree(package, code, ignore=shutil.ignore_patterns(*NOT_TO_PREDICT))
    prices = [ColSpec(DataType.double, name) for name in ("open", "high", "low", "close")]
    found = {
        "label": DataType.string,
        "start_time": DataType.long,
        "end_time": DataType.long,
        "confidence": DataType.double,
        "uncertainty": DataType.double,
        "provisional": DataType.boolean,
    }
    with _unheard("mlflow.utils.environment", "installed pip version"):
        mlflow.pyfunc.save_model(
            str(folder),
            python_model=str(package / "inference" / "mlflow_model.py"),
            artifacts={"bundle": str(bundle_file)},
            code_paths=[str(code)],
            signature=ModelSignature(
                inputs=Schema(
                    [ColSpec(DataType.long, "time"), *prices, ColSpec(DataType.double, "volume", required=False)]
                ),
                outputs=Schema([ColSpec(kind, name) for name, kind in found.items()]),
            ),
            input_example=_example(bundle.warmup_candles + 10),
            pip_requirements=[
                f"{package}=={version(package)}"
                for package in ("mlflow", *PREDICTING_NEEDS, *FAMILIES[bundle.family].packages)
            ],
        )


@contextmanager
def _unheard(name: str, words: str) -> Iterator[None]:
    """Keep the messages of a logger that hold some words to oneself.

    Environments made by uv have no pip; MLflow says so as a warning, and it makes no difference to the model.
    """

    def is_heard(record: logging.LogRecord) -> bool:
        return words not in record.getMessage()

    source = logging.getLogger(name)
    source.addFilter(is_heard)
    try:
        yield
    finally:
        source.removeFilter(is_heard)


def _example(n_bars: int) -> pd.DataFrame:
    """Return made-up candles, as many as a prediction needs."""
    bar = np.arange(n_bars)
    close = 100 + np.round(3 * np.sin(bar / 5) + np.cos(bar * bar), 2)
    open_ = np.concatenate([close[:1], close[:-1]])
    return pd.DataFrame(
        {
            "time": (1_700_000_000 + 3_600 * bar) * 1_000_000,
            "open": open_,
            "high": np.maximum(open_, close) + 0.5,
            "low": np.minimum(open_, close) - 0.5,
            "close": close,
            "volume": 1_000.0 + bar,
        }
    )


def metrics(trained: TrainedModel) -> dict[str, float]:
    """Return what the run shows as metrics; values that could not be measured are missing."""
    evaluation = trained.evaluation
    found: dict[str, float | None] = {
        "macro_f1": evaluation.macro_f1,
        "bar_macro_f1": evaluation.bar_macro_f1,
        "strict_f1": evaluation.strict.f1,
        "strict_macro_f1": evaluation.strict.macro_f1,
        "test_bars": evaluation.bars,
        "test_spans": evaluation.spans,
        "test_spans_by_human": evaluation.human_spans,
    }
    if evaluation.macro_f1_interval is not None:
        found["macro_f1_low"], found["macro_f1_high"] = evaluation.macro_f1_interval
    for iou, value in evaluation.macro_f1_by_iou.items():
        found[f"macro_f1_iou_{iou}"] = value
    for iou, value in evaluation.mean_average_precision.items():
        found[f"map_iou_{iou}"] = value
    for length in evaluation.by_length:
        found[f"f1_bars_{length.bars.replace('+', '_and_more')}"] = length.f1
    if evaluation.boundary is not None:
        found["boundary_start"], found["boundary_end"] = evaluation.boundary.start, evaluation.boundary.end
    if evaluation.calibration is not None:
        found["ece"], found["brier"] = evaluation.calibration.ece, evaluation.calibration.brier
    for score in evaluation.labels:
        found[f"f1.{score.label}"] = score.f1
        found[f"support.{score.label}"] = score.support
        found[f"ece.{score.label}"] = score.ece
    for label, count in trained.counts.items():
        found[f"teaching_spans.{label}"] = count
    return {name: float(value) for name, value in found.items() if value is not None}


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested keys with dots between them."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        found.update(_flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": value})
    return found


def git_commit(folder: Path) -> str | None:
    """Return the commit that a working tree is on, read from its ``.git`` folder or file; None when there is none."""
    from dulwich.errors import NotGitRepository
    from dulwich.repo import Repo

    try:
        with Repo(str(folder)) as repository:
            return repository.head().decode()
    except (NotGitRepository, KeyError, OSError):
        return None
