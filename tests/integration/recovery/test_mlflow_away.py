"""MLflow is away while a model is trained and promoted: serving and feedback go on, and it is told when it is back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from redis import Redis

from api.main import create_app
from candleloop.context import Context
from candleloop.pipeline_config import RetrainConfig
from candleloop.store import jobs, models
from candleloop.store.tables import now
from jobs.queue import dispatch, submit
from jobs.relay import Relay
from tests.support.homes import Place, confirmation
from tests.support.http import client_of
from tests.support.processes import WorkerProcess
from tests.support.service import CANDLES, SERIES, columns_of


def champion(context: Context) -> tuple[str | None, str | None, str | None]:
    """Which version is served, which one MLflow was told of, and its number in the registry."""
    with context.database.read() as session:
        row = models.champion(session, "default")
        assert row is not None
        return row.version, row.tracked_version, models.get(session, row.version).registry_version


def test_training_serving_and_feedback_go_on_and_mlflow_is_told_when_it_is_back(
    context: Context,
    connection: Redis,
    start_worker: Callable[..., WorkerProcess],
    environment: dict[str, str],
    place: Place,
    tmp_path: Path,
) -> None:
    with context.database.begin() as session:
        job_id = submit(session, "train", {"label_set": "default"}, label_set="default").id
    dispatch(context.database, connection, job_id)
    start_worker("train").finish()
    with context.database.read() as session:
        job = jobs.get(session, job_id)
    assert job.status == "succeeded", job.error
    assert job.result is not None
    assert job.result["promoted"]
    assert "MLflow" in " ".join(job.result["warnings"])
    version, told, number = champion(context)
    assert (told, number) == (None, None)

    with client_of(create_app(place.settings)) as client:
        ready = client.get("/readyz")
        assert (ready.status_code, ready.json()["mlflow"] == "ok") == (200, False)
        answer = client.post("/predict", json={"candles": columns_of(CANDLES[-300:]), "series_id": SERIES}).json()
        assert answer["model"]["version"] == version
        event = confirmation(answer["predictions"][0], str(version))
        sent = client.post("/feedback", json={"label_set": "default", "events": [event]})
        assert sent.json()["results"][0]["status"] == "accepted"

    answers = [False]
    relay = Relay(
        context.database, connection, RetrainConfig(min_events=99), timedelta(), mlflow_answers=lambda: answers[0]
    )
    relay.step(now())
    answers[0] = True
    relay.step(now() + timedelta(minutes=2))
    environment["CANDLELOOP_MLFLOW_URL"] = f"sqlite:///{tmp_path}/mlflow.db"
    start_worker("label").finish()

    served, told, number = champion(context)
    assert served == told == version
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=environment["CANDLELOOP_MLFLOW_URL"])
    tracked = client.get_model_version_by_alias("candleloop-default", "champion")
    assert (str(tracked.version), tracked.tags["candleloop.version"]) == (number, version)
    assert "macro_f1" in " ".join(client.get_run(tracked.run_id).data.metrics)
    relay.step(now() + timedelta(minutes=5))
    with context.database.read() as session:
        assert jobs.jobs_of(session, "track", "default") == []
