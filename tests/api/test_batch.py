"""``POST /predict/batch`` and its result, with the job run in this process; Redis is away."""

from __future__ import annotations

import io
import json
from typing import Any

import httpx
import numpy as np
import orjson
import pyarrow.parquet as pq
import pytest
from sqlalchemy import func, select

from candleloop.batch import plan
from candleloop.batch.run import Holder, help_batch, run_batch
from candleloop.inference.bundle import ModelBundle
from candleloop.inference.predictor import Predictor
from candleloop.store import batches, jobs
from candleloop.store.tables import BatchShardRow, PredictionRow
from config.context import open_context
from config.settings import Settings
from tests.support.service import CANDLES, SERIES, columns_of

PART = CANDLES[-500:]


@pytest.fixture(autouse=True)
def _small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan.pieces_of, "__kwdefaults__", {"most": 700})
    monkeypatch.setattr(plan.shards_of, "__kwdefaults__", {"most": 700})
    monkeypatch.setattr(plan, "SMALLEST_SHARD", 300)


def ask(client: httpx.Client, **body: Any) -> dict[str, Any]:
    answer = client.post("/predict/batch", json=body)
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/jobs/{answer.json()['job']['id']}"
    job: dict[str, Any] = answer.json()["job"]
    return job


def run(settings: Settings, job_id: str) -> dict[str, Any]:
    """Do what a worker does."""
    context = open_context(settings)
    with context.database.begin() as session:
        row = jobs.claim(session, job_id)
        assert row is not None
    result = run_batch(context, Holder(job_id, row.attempts), "default", row.arguments["order"])
    with context.database.begin() as session:
        assert jobs.succeed(session, job_id, row.attempts, result)
    return result


def test_a_batch_answers_what_single_predictions_answer(client: httpx.Client, trained: Settings) -> None:
    job = ask(client, series=[SERIES], requests=[{"candles": columns_of(PART), "series_id": "MINE-1h"}])
    assert (job["kind"], job["status"], job["label_set"]) == ("batch", "queued", "default")
    assert client.get(f"/jobs/{job['id']}/result").json()["code"] == "no_result"

    done = run(trained, job["id"])

    answer = client.get(f"/jobs/{job['id']}/result")
    assert answer.headers["content-type"] == "application/json"
    found = answer.json()
    single = client.post("/predict", json={"candles": columns_of(PART), "series_id": "MINE-1h"}).json()
    assert found["model"] == single["model"]
    series, inline = found["results"]
    assert [item["id"] for item in inline["predictions"]] == [item["id"] for item in single["predictions"]]
    assert (inline["series_id"], inline["problem"]) == ("MINE-1h", None)
    whole = Predictor(ModelBundle.load(open_context(trained).storage, found["model"]["version"])).predict(
        CANDLES, series_id=SERIES
    )
    assert [item["id"] for item in series["predictions"]] == list(whole.ids or ())
    assert [item["start_index"] for item in series["predictions"]] == whole.spans.start.tolist()
    np.testing.assert_allclose([item["confidence"] for item in series["predictions"]], whole.confidence, rtol=1e-6)
    assert done["predictions"] == len(series["predictions"]) + len(inline["predictions"])


def test_the_three_formats_hold_the_same(client: httpx.Client, trained: Settings) -> None:
    requests = [{"candles": columns_of(PART)}, {"candles": columns_of(CANDLES[:20])}]
    results = {}
    for form in ("json", "ndjson", "parquet"):
        job = ask(client, series=[SERIES], requests=requests, format=form)
        run(trained, job["id"])
        results[form] = client.get(f"/jobs/{job['id']}/result")
    parts = results["json"].json()["results"]
    rows = [
        {"input": part["input"], "series_id": part["series_id"], **row} for part in parts for row in part["predictions"]
    ]
    assert parts[2]["problem"]["code"] == "too_few_candles"
    lines = [json.loads(line) for line in results["ndjson"].text.splitlines()]
    assert [line for line in lines if "problem" not in line] == rows
    assert [line["problem"]["code"] for line in lines if "problem" in line] == ["too_few_candles"]
    table = pq.read_table(io.BytesIO(results["parquet"].content))
    assert table["input"].to_pylist() == [row["input"] for row in rows]
    assert table["id"].to_pylist() == [row["id"] for row in rows]
    assert table["confidence"].to_pylist() == [row["confidence"] for row in rows]
    shares = np.array([row["probabilities"]["background"] for row in rows], dtype=np.float32)
    np.testing.assert_array_equal(table["probability_background"].to_numpy(), shares)
    facts = orjson.loads(table.schema.metadata[b"candleloop"])
    assert facts["results"][2]["problem"]["code"] == "too_few_candles"
    assert facts["model"] == results["json"].json()["model"]


def test_shards_that_are_done_are_not_done_again(client: httpx.Client, trained: Settings) -> None:
    job = ask(client, series=[SERIES], format="ndjson")
    context = open_context(trained)
    with context.database.begin() as session:
        row = jobs.claim(session, job["id"])
        assert row is not None

    def stop(_: int) -> None:
        with context.database.begin() as session:
            jobs.create(session, kind="batch_helper", queue="batch", arguments={}, job_id="h", parent_id=job["id"])
            jobs.claim(session, "h")
        help_batch(context, job["id"], Holder("h", 1), row.arguments["order"])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_batch(context, Holder(job["id"], 1), "default", row.arguments["order"], invite=stop)
    with context.database.read() as session:
        shards = batches.shards_of(session, job["id"])
    done = {shard.number: shard.done_at for shard in shards}
    sizes = [shard.bars for shard in shards]
    assert sum(sizes) == len(CANDLES)
    assert max(sizes) <= 700
    assert sizes[0] > 2 * sizes[-1], "the last ones are small"
    assert None not in done.values()
    with context.database.begin() as session:
        jobs.requeue(session, job["id"], 1)
    run(trained, job["id"])
    with context.database.read() as session:
        assert {shard.number: shard.done_at for shard in batches.shards_of(session, job["id"])} == done
    assert client.get(f"/jobs/{job['id']}/result").text.count("\n") > 100
    assert "h" not in [item["id"] for item in client.get("/jobs").json()["items"]]


def test_a_shard_of_a_worker_that_is_gone_is_free_and_its_late_answer_counts_for_nothing(
    client: httpx.Client, trained: Settings
) -> None:
    job = ask(client, series=[SERIES])
    database = open_context(trained).database
    with database.begin() as session:
        jobs.claim(session, job["id"])
        batches.save_plan(
            session,
            job["id"],
            model_version=client.get("/model/info").json()["model"]["version"],
            inputs=[],
            shards=[batches.NewShard(10, [])],
        )
        for helper in ("a", "b"):
            jobs.create(session, kind="batch_helper", queue="batch", arguments={}, job_id=helper)
            jobs.claim(session, helper)
        first = batches.claim_shard(session, job["id"], holder="a", attempt=1)
        assert first is not None
        assert batches.claim_shard(session, job["id"], holder="b", attempt=1) is None
        jobs.requeue(session, "a", 1)
        assert batches.claim_shard(session, job["id"], holder="b", attempt=1) is not None
        assert not batches.finish_shard(session, first, holder="a", attempt=1, outcome=[])
        assert batches.finish_shard(session, first, holder="b", attempt=1, outcome=[])
        assert batches.claim_shard(session, job["id"], holder="b", attempt=1) is None
        assert batches.standing(session, job["id"]) == batches.Standing(10, 10, 0)


def test_predictions_of_stored_series_are_stored_once(client: httpx.Client, trained: Settings) -> None:
    for _ in range(2):
        result = run(trained, ask(client, series=[SERIES])["id"])
    with open_context(trained).database.read() as session:
        assert session.scalar(select(func.count()).select_from(PredictionRow)) == result["predictions"] > 100


def test_the_same_idempotency_key_gives_the_first_job(client: httpx.Client) -> None:
    body = {"requests": [{"candles": columns_of(PART)}]}
    first, again = (
        client.post("/predict/batch", json=body, headers={"Idempotency-Key": "once"}).json()["job"] for _ in range(2)
    )
    assert first == again
    other = client.post("/predict/batch", json={"series": [SERIES]}, headers={"Idempotency-Key": "once"})
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")


def test_candles_lie_in_the_storage_and_not_in_the_arguments(client: httpx.Client, trained: Settings) -> None:
    job = ask(client, requests=[{"candles": columns_of(PART)}])
    with open_context(trained).database.read() as session:
        assert len(str(jobs.get(session, job["id"]).arguments)) < 200


def test_cancelling_a_batch_cancels_its_helpers(client: httpx.Client, trained: Settings) -> None:
    job = ask(client, series=[SERIES])
    database = open_context(trained).database
    with database.begin() as session:
        jobs.claim(session, job["id"])
        for helper in ("waits", "runs"):
            jobs.create(session, kind="batch_helper", queue="batch", arguments={}, job_id=helper, parent_id=job["id"])
        jobs.claim(session, "runs")
    assert client.delete(f"/jobs/{job['id']}").status_code == 200
    with database.read() as session:
        assert jobs.get(session, "waits").status == "cancelled"
        assert jobs.get(session, "runs").cancel_requested
        assert session.scalars(select(BatchShardRow)).all() == []


def test_without_a_model_a_batch_is_refused(cold: httpx.Client) -> None:
    answer = cold.post("/predict/batch", json={"requests": [{"candles": columns_of(PART)}]})
    assert (answer.status_code, answer.json()["code"]) == (409, "no_model")


@pytest.mark.parametrize(
    ("body", "status", "code", "field"),
    [
        ({}, 422, "nothing_to_do", "series"),
        ({"series": [SERIES, "NONE-1d"]}, 404, "unknown_series", "series.1"),
        ({"series": [SERIES, SERIES]}, 422, "invalid_request", "series.1"),
        ({"series": SERIES}, 422, "invalid_request", "series"),
        ({"series": ["../x"]}, 422, "invalid_request", "series.0"),
        ({"series": [SERIES], "format": "csv"}, 422, "invalid_request", "format"),
        ({"series": [SERIES], "label_set": "other"}, 404, "unknown_label_set", "label_set"),
        ({"requests": [{}]}, 422, "missing_field", "requests.0.candles"),
        ({"requests": [{"candles": []}]}, 422, "no_candles", "requests.0.candles"),
        ({"requests": [{"candles": {**columns_of(PART), "x": []}}]}, 422, "unknown_field", "requests.0.x"),
        ({"order": "batches/orders/x.json"}, 422, "unknown_field", "order"),
    ],
)
def test_what_does_not_fit_is_named(
    client: httpx.Client, body: dict[str, Any], status: int, code: str, field: str
) -> None:
    answer = client.post("/predict/batch", json=body)
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (status, code, field)


@pytest.mark.parametrize("form", [[None, None], {}, "", 3, True, "yaml", ["json"]])
def test_a_form_of_the_result_that_is_none_is_refused(client: httpx.Client, form: Any) -> None:
    answer = client.post("/predict/batch", json={"series": [SERIES], "format": form})
    assert (answer.status_code, answer.json()["field"]) == (422, "format")
