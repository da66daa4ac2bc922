"""Stored predictions: shown, stale after a promotion or new candles, made again by the relay's job."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest
from redis import Redis

from candleloop import pipeline
from candleloop.batch.run import Holder, run_batch
from candleloop.context import Context
from candleloop.inference.bundle import ModelBundle, bundle_name
from candleloop.pipeline_config import RetrainConfig
from candleloop.store import jobs, models
from candleloop.store.tables import JobRow, now
from config.context import open_context
from config.settings import Settings
from jobs.relay import Relay
from tests.support.candles import random_candles
from tests.support.service import CANDLES, SERIES, columns_of, csv_of
from tests.support.versions import add_version, champion


@pytest.fixture
def context(trained: Settings) -> Context:
    return open_context(trained)


def relayed(context: Context) -> list[JobRow]:
    """Let the relay plan twice (Redis is away) and return the scoring jobs that wait."""
    relay = Relay(context.database, Redis.from_url("unix:///nowhere.sock"), RetrainConfig(), now() - now())
    for _ in range(2):
        relay.step(now())
    with context.database.read() as session:
        return jobs.jobs_of(session, "batch", "default", ("queued",))


def work_off(context: Context) -> None:
    """Do the one scoring job that waits."""
    (row,) = relayed(context)
    with context.database.begin() as session:
        claimed = jobs.claim(session, row.id)
        assert claimed is not None
    result = run_batch(context, Holder(row.id, claimed.attempts), "default", None)
    assert result["file"] is None
    with context.database.begin() as session:
        jobs.succeed(session, row.id, claimed.attempts, result)


def page(client: httpx.Client, **query: Any) -> dict[str, Any]:
    answer = client.get(f"/series/{SERIES}/predictions", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_series_are_scored_by_themselves_and_answer_what_predict_answers(
    client: httpx.Client, context: Context
) -> None:
    assert (page(client)["items"], page(client)["stale"]) == ([], True)
    work_off(context)
    assert relayed(context) == []
    found = page(client, limit=1_000)
    single = client.post("/predict", json={"candles": columns_of(CANDLES[-2_000:]), "series_id": SERIES}).json()
    late = columns_of(CANDLES)["time"][-1_900]
    items = [item for item in page(client, start_time=late, limit=1_000)["items"] if item["start_time"] >= late]
    expected = [item for item in single["predictions"] if item["start_time"] >= late]
    assert {item["id"] for item in items} <= {item["id"] for item in expected}
    assert len(items) == min(len(expected), 1_000)
    assert (found["stale"], found["model_version"]) == (False, champion(context))
    first = found["items"][0]
    assert first["model_version"] == champion(context)
    assert (first["stale"], first["provisional"]) == (False, False)
    assert sum(first["probabilities"].values()) == pytest.approx(1, abs=1e-5)


def test_predictions_come_page_by_page_above_a_confidence(client: httpx.Client, context: Context) -> None:
    work_off(context)
    every = page(client, limit=1_000, min_confidence=0.5)["items"]
    assert len(every) > 10
    assert all(item["confidence"] >= 0.5 for item in every)
    paged: list[dict[str, Any]] = []
    cursor = None
    while True:
        part = page(client, limit=7, min_confidence=0.5, **({"cursor": cursor} if cursor else {}))
        paged += part["items"]
        cursor = part["next_cursor"]
        if cursor is None or len(paged) > len(every):
            break
    assert paged[: len(every)] == every


def test_what_a_person_decided_is_told_with_the_prediction_until_it_is_undone(
    client: httpx.Client, context: Context
) -> None:
    work_off(context)
    first, second, third = page(client, limit=3)["items"]
    fields = ("id", "label", "start_time", "end_time", "confidence", "model_version")

    def decide(event_id: str, verb: str, item: dict[str, Any], **more: Any) -> None:
        target = {"kind": "prediction"} | {field: item[field] for field in fields}
        event = {"event_id": event_id, "verb": verb, "series_id": SERIES, "target": target, **more}
        answer = client.post("/feedback", json={"events": [event]})
        assert answer.json()["results"][0]["status"] == "accepted", answer.text

    decide("yes", "confirm", first)
    decide("no", "dismiss", second, reason="wrong_label")
    decide("perhaps", "dismiss", third, reason="unsure")
    assert [item["decided"] for item in page(client, limit=3)["items"]] == ["confirm", "dismiss", None]
    undo = {"event_id": "back", "verb": "undo", "series_id": SERIES, "undoes": "no"}
    client.post("/feedback", json={"events": [undo]})
    assert [item["decided"] for item in page(client, limit=3)["items"]] == ["confirm", None, None]


def test_only_predictions_in_test_bars_are_out_of_fold(client: httpx.Client, context: Context) -> None:
    work_off(context)
    begin = client.get(f"/series/{SERIES}").json()["test_bars"]["start_time"]
    items = page(client, limit=1_000, start_time=columns_of(CANDLES)["time"][3_000])["items"]
    assert {item["out_of_fold"] for item in items if item["start_time"] >= begin} == {True}
    assert {item["out_of_fold"] for item in items if item["start_time"] < begin} == {False}


def test_after_a_promotion_they_are_stale_until_they_are_made_again(client: httpx.Client, context: Context) -> None:
    work_off(context)
    first = champion(context)
    second = add_version(context, gate={"promote": True}).version
    assert client.post(f"/models/{second}/promote").status_code == 200
    old = page(client)
    assert (old["model_version"], old["stale"], old["items"][0]["stale"]) == (first, True, True)
    work_off(context)
    new = page(client)
    assert (new["model_version"], new["stale"], new["items"][0]["stale"]) == (second, False, False)
    assert {item["model_version"] for item in new["items"]} == {second}


def test_a_scoring_of_an_earlier_model_does_not_replace_the_champions(client: httpx.Client, context: Context) -> None:
    (row,) = relayed(context)
    with context.database.begin() as session:
        jobs.claim(session, row.id)
    second = add_version(context, gate={"promote": True}).version

    def promote_and_score(_: int) -> None:
        client.post(f"/models/{second}/promote")
        with context.database.begin() as session:
            jobs.create(session, kind="batch", queue="batch", arguments={}, job_id="newer", label_set="default")
            jobs.claim(session, "newer")
        run_batch(context, Holder("newer", 1), "default", None)

    run_batch(context, Holder(row.id, 1), "default", None, invite=promote_and_score)
    found = page(client)
    assert (found["model_version"], found["stale"]) == (second, False)
    assert {item["model_version"] for item in found["items"]} == {second}


def test_appended_candles_make_them_stale_and_are_scored(client: httpx.Client, context: Context) -> None:
    work_off(context)
    step = int(CANDLES.time[1] - CANDLES.time[0])
    more = random_candles(50, seed=4, start=int((CANDLES.time[-1] + step) // 1_000_000))
    pipeline.append_file(context, SERIES, csv_of(more), name="TEST_1h.csv")
    assert page(client)["stale"]
    work_off(context)
    assert not page(client)["stale"]


def test_a_scoring_that_failed_is_not_tried_for_ever(context: Context) -> None:
    (row,) = relayed(context)
    with context.database.begin() as session:
        claimed = jobs.claim(session, row.id)
        assert claimed is not None
        jobs.fail(session, row.id, 1, "bundle_refused", "No.")
    assert relayed(context) == []
    second = add_version(context, gate={"promote": True}).version
    with context.database.begin() as session:
        models.promote(session, "default", second, expected_revision=1, how=models.How.MANUAL)
    assert len(relayed(context)) == 1


def test_unknown_series_and_label_sets_are_404(client: httpx.Client) -> None:
    assert client.get("/series/NONE/predictions").json()["code"] == "unknown_series"
    assert client.get(f"/series/{SERIES}/predictions", params={"label_set": "x"}).json()["code"] == "unknown_label_set"


def disputed(client: httpx.Client, **query: Any) -> dict[str, Any]:
    answer = client.get(f"/series/{SERIES}/disagreements", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_disagreements_name_both_sides_and_come_page_by_page(client: httpx.Client, context: Context) -> None:
    assert disputed(client) == {
        "items": [],
        "next_cursor": None,
        "series_id": SERIES,
        "label_set": "default",
        "model_version": None,
        "stale": True,
    }
    work_off(context)
    every = disputed(client, limit=1_000)
    assert (every["model_version"], every["stale"]) == (champion(context), False)
    items = every["items"]
    assert {item["kind"] for item in items} >= {"overlooked", "unsupported"}
    for item in items:
        sides = (item["annotation"] is not None, item["prediction"] is not None)
        assert sides == {"overlooked": (False, True), "unsupported": (True, False)}.get(item["kind"], (True, True))
    paged: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    for _ in range(len(items)):
        part = disputed(client, limit=7, **cursor)
        paged += part["items"]
        if part["next_cursor"] is None:
            break
        cursor = {"cursor": part["next_cursor"]}
    assert paged == items
    only = disputed(client, kind=["unsupported"], limit=1_000)["items"]
    assert only == [item for item in items if item["kind"] == "unsupported"]
    stored = {item["id"] for item in page(client, limit=1_000)["items"]}
    first = next(item for item in items if item["kind"] == "overlooked")
    assert first["prediction"]["id"] in stored
    assert first["prediction"]["confidence"] == first["strength"]


def test_a_person_who_agrees_with_the_model_ends_the_disagreement(client: httpx.Client, context: Context) -> None:
    work_off(context)
    found = next(item for item in disputed(client, limit=1_000)["items"] if item["kind"] == "overlooked")
    body = {key: found["prediction"][key] for key in ("label", "start_time", "end_time")}
    assert client.post(f"/series/{SERIES}/annotations", json=body).status_code == 201
    assert found not in disputed(client, limit=1_000)["items"]
    answer = client.get(f"/series/{SERIES}/disagreements", params={"cursor": "x"})
    assert answer.json()["code"] == "bad_cursor"


def test_where_the_model_cannot_decide_it_does_not_disagree(client: httpx.Client, context: Context) -> None:
    work_off(context)
    bundle = ModelBundle.load(context.storage, champion(context))
    warmup = bundle.feature_spec.warmup + bundle.context
    first = columns_of(CANDLES)["time"][warmup]
    annotated = client.get(f"/series/{SERIES}/annotations", params={"limit": 1_000}).json()["items"]
    assert [item for item in annotated if item["end_time"] < first]

    def unsupported() -> list[str]:
        return [item["end_time"] for item in disputed(client, kind=["unsupported"], limit=1_000)["items"]]

    served = unsupported()
    assert min(served) >= first
    second = add_version(context, gate={"promote": True}).version
    assert client.post(f"/models/{second}/promote").status_code == 200
    assert (disputed(client)["stale"], unsupported()) == (True, served)


def test_disagreements_are_shown_when_the_model_that_predicted_is_gone(client: httpx.Client, context: Context) -> None:
    work_off(context)
    served, first = disputed(client, limit=1_000), champion(context)
    second = add_version(context, gate={"promote": True}).version
    assert client.post(f"/models/{second}/promote").status_code == 200
    context.storage.write(bundle_name(first), b"damaged")
    deadline = time.monotonic() + 60
    while client.get("/model/info").json()["model"]["version"] != second:
        assert time.monotonic() < deadline, "the second model is not served"
    found = disputed(client, limit=1_000)["items"]
    assert [item for item in found if item not in served["items"]]
    assert {item["kind"] for item in found if item not in served["items"]} == {"unsupported"}
