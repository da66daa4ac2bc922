"""After a promotion the bars that taught the champion show predictions of models that did not learn from them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest
from redis import Redis

from candleloop.batch.run import Holder, run_batch
from candleloop.context import Context
from candleloop.inference.bundle import ModelBundle
from candleloop.pipeline_config import OutOfFoldConfig, RetrainConfig
from candleloop.store import jobs, models, predictions
from candleloop.store.tables import JobRow, ScoringRow, now
from config.context import open_context
from config.settings import Settings
from jobs.relay import Relay
from tests.support.service import SERIES
from tests.support.versions import add_version, champion


@pytest.fixture
def context(trained: Settings) -> Context:
    context = open_context(trained)
    return replace(context, config=context.config.model_copy(update={"out_of_fold": OutOfFoldConfig(folds=3)}))


def planned(context: Context) -> list[JobRow]:
    Relay(context.database, Redis.from_url("unix:///nowhere.sock"), RetrainConfig(), now() - now()).step(now())
    with context.database.read() as session:
        return jobs.jobs_of(session, "batch", "default", ("queued",))


def work_off(context: Context, job_id: str, order: str | None = None) -> dict[str, Any]:
    with context.database.begin() as session:
        row = jobs.claim(session, job_id)
        assert row is not None
    result = run_batch(context, Holder(job_id, row.attempts), "default", order)
    with context.database.begin() as session:
        assert jobs.succeed(session, job_id, row.attempts, result)
    return result


def order(client: httpx.Client, context: Context) -> dict[str, Any]:
    """Let a client order a batch of the stored series, and do it."""
    job_id = client.post("/predict/batch", json={"series": [SERIES]}).json()["job"]["id"]
    with context.database.read() as session:
        name = jobs.get(session, job_id).arguments["order"]
    return work_off(context, job_id, name)


def scoring(context: Context) -> ScoringRow:
    with context.database.read() as session:
        row = predictions.scoring(session, SERIES, "default")
    assert row is not None
    return row


def shown(client: httpx.Client) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    cursor: dict[str, str] = {}
    while True:
        page = client.get(f"/series/{SERIES}/predictions", params={"limit": 1_000, **cursor}).json()
        found |= {item["id"]: item for item in page["items"]}
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}


def test_bars_that_taught_are_predicted_by_models_that_did_not_learn_them(
    client: httpx.Client, context: Context
) -> None:
    order(client, context)
    own = shown(client)
    begin = client.get(f"/series/{SERIES}").json()["test_bars"]["start_time"]
    assert {item["out_of_fold"] for item in own.values() if item["start_time"] < begin} == {False}

    (job,) = planned(context)
    result = work_off(context, job.id)

    held_out = shown(client)
    assert (result["folds"], result["warnings"]) == (3, [])
    assert {item["out_of_fold"] for item in held_out.values()} == {True}
    assert {item["model_version"] for item in held_out.values()} == {champion(context)}

    def confidences(items: dict[str, dict[str, Any]], taught: bool) -> dict[str, float]:
        return {name: item["confidence"] for name, item in items.items() if (item["start_time"] < begin) == taught}

    assert confidences(held_out, taught=False) == confidences(own, taught=False)
    both = confidences(held_out, taught=True).keys() & confidences(own, taught=True).keys()
    assert len(both) > 100
    assert sum(held_out[name]["confidence"] != own[name]["confidence"] for name in both) > 0.9 * len(both)
    assert planned(context) == []


def test_a_batch_that_somebody_orders_later_leaves_them_as_they_are(client: httpx.Client, context: Context) -> None:
    (job,) = planned(context)
    work_off(context, job.id)
    before = shown(client)
    assert order(client, context)["predictions"] > 100
    assert shown(client) == before
    assert scoring(context).folds == 3
    assert planned(context) == []


def test_without_its_snapshot_a_model_predicts_its_own_bars_and_says_so(client: httpx.Client, context: Context) -> None:
    snapshot = ModelBundle.load(context.storage, champion(context)).snapshot
    context.storage.filesystem.rm(context.storage.path(f"snapshots/{snapshot}.parquet"))
    (job,) = planned(context)
    result = work_off(context, job.id)
    assert result["folds"] == 0
    assert snapshot in result["warnings"][0]
    assert False in {item["out_of_fold"] for item in shown(client).values()}
    assert planned(context) == []


def test_a_promotion_while_they_are_prepared_is_what_is_scored(
    client: httpx.Client, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    from candleloop.batch import out_of_fold

    first, second = champion(context), add_version(context).version
    fit, prepared_for = out_of_fold.fit_folds, []

    def promoting(bundle, *arguments, **others):  # type: ignore[no-untyped-def]
        prepared_for.append(bundle.version)
        if bundle.version == first:
            with context.database.begin() as session:
                models.promote(session, "default", second, expected_revision=1, how=models.How.MANUAL)
        return fit(bundle, *arguments, **others)

    monkeypatch.setattr(out_of_fold, "fit_folds", promoting)
    (job,) = planned(context)
    work_off(context, job.id)
    assert prepared_for == [first, second]
    assert scoring(context).model_version == second
    assert {item["out_of_fold"] for item in shown(client).values()} == {True}
