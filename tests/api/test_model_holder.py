"""Serving while models change: no failed and no mixed answer, and a refused bundle leaves the old model in place."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from api.main import create_app
from candleloop.context import Context
from candleloop.inference.bundle import ModelBundle, bundle_name
from candleloop.inference.predictor import Predictor
from candleloop.store import models
from config.context import open_context
from config.settings import Settings
from tests.support.http import client_of
from tests.support.service import CANDLES, columns_of
from tests.support.versions import add_version, champion

PART = CANDLES[-300:]
REQUEST = {"candles": columns_of(PART)}


def promote(context: Context, version: str) -> None:
    with context.database.begin() as session:
        row = models.champion(session, "default")
        revision = None if row is None else row.revision
        models.promote(session, "default", version, expected_revision=revision, how=models.How.MANUAL)


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"


def test_a_promotion_is_served_without_a_failed_or_mixed_answer(trained: Settings) -> None:
    context = open_context(trained)
    old, new = ModelBundle.load(context.storage, champion(context)), add_version(context)
    expected = {
        bundle.version: [round(value, 9) for value in Predictor(bundle).predict(PART).confidence.tolist()]
        for bundle in (old, new)
    }
    assert len(expected[new.version]) < len(expected[old.version])

    async def run() -> list[httpx.Response]:
        app = create_app(trained)
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app=app)
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
                answers: list[httpx.Response] = []

                async def ask() -> None:
                    deadline = time.monotonic() + 100
                    after = 0
                    while after < 5:
                        assert time.monotonic() < deadline
                        answers.append(await client.post("/predict", json=REQUEST))
                        after += answers[-1].json()["model"]["version"] == new.version

                async def swap() -> None:
                    while len(answers) < 12:
                        await asyncio.sleep(0.001)
                    await asyncio.to_thread(promote, context, new.version)

                await asyncio.gather(swap(), *(ask() for _ in range(4)))
                return answers

    answers = asyncio.run(run())
    assert {answer.status_code for answer in answers} == {200}
    found = [answer.json() for answer in answers]
    assert {item["model"]["version"] for item in found} == {old.version, new.version}
    for item in found:
        confidences = [round(prediction["confidence"], 9) for prediction in item["predictions"]]
        assert confidences == expected[item["model"]["version"]]


def test_the_first_model_is_served_as_soon_as_it_is_promoted(trained: Settings) -> None:
    context = open_context(trained)
    version = champion(context)
    with context.database.begin() as session:
        session.delete(models.champion(session, "default"))
    with client_of(create_app(trained)) as client:
        assert client.post("/predict", json=REQUEST).status_code == 409
        promote(context, version)
        wait_until(lambda: client.post("/predict", json=REQUEST).status_code == 200)
        assert client.get("/model/info").json()["model"]["version"] == version


def test_a_damaged_bundle_is_refused_loudly_and_the_old_model_stays(
    trained: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    context = open_context(trained)
    old, bad = champion(context), add_version(context, damaged=True)
    with caplog.at_level(logging.ERROR), client_of(create_app(trained)) as client:
        promote(context, bad.version)
        wait_until(lambda: client.get("/model/info").json()["refused"] is not None)
        info = client.get("/model/info").json()
        assert (info["model"]["version"], info["refused"]["version"]) == (old, bad.version)
        assert client.post("/predict", json=REQUEST).json()["model"]["version"] == old
        wait_until(lambda: bad.version in client.get("/readyz").json()["model"])
    refusals = [record for record in caplog.records if bad.version in record.getMessage()]
    assert len(refusals) == 1


def test_a_refused_first_model_is_a_409_that_says_so(trained: Settings) -> None:
    context = open_context(trained)
    context.storage.write(bundle_name(champion(context)), b"not a bundle")
    with client_of(create_app(trained)) as client:
        answer = client.post("/predict", json=REQUEST)
        assert (answer.status_code, answer.json()["code"]) == (409, "model_refused")


def test_model_info_describes_the_served_model(client: httpx.Client) -> None:
    info = client.get("/model/info").json()
    labels: list[dict[str, Any]] = info["metrics"]["labels"]
    assert all({"precision_interval", "recall_interval", "f1_interval", "calibration"} <= set(item) for item in labels)
    assert {item["label"] for item in labels} >= {"bullish_engulfing", "bearish_harami"}
    assert all({"precision", "recall", "f1", "support"} <= set(item) for item in labels)
    assert 0 <= info["metrics"]["macro_f1"] <= 1
    assert info["gate"]["promote"] is True
    assert info["feedback"] == {"waiting": 0, "next_retrain_at": None}
    assert (info["family"], info["refused"], info["pinned"]) == ("xgboost", None, False)


def test_model_info_without_a_model_says_how_to_get_one(cold: httpx.Client) -> None:
    answer = cold.get("/model/info")
    assert (answer.status_code, answer.json()["code"]) == (409, "no_model")


def test_a_tracked_version_links_to_its_page_where_browsers_find_mlflow(trained: Settings) -> None:
    version = champion(open_context(trained))
    with open_context(trained).database.begin() as session:
        models.get(session, version).registry_version = "3"
    with client_of(create_app(trained.model_copy(update={"mlflow_public_url": "https://ml.example/"}))) as client:
        [item] = client.get("/models").json()["items"]
    assert item["tracking_url"] == "https://ml.example/#/models/candleloop-default/versions/3"


def test_model_versions_are_listed_with_their_champion(trained: Settings) -> None:
    context = open_context(trained)
    served, other = champion(context), add_version(context).version
    with client_of(create_app(trained)) as client:
        items = client.get("/models").json()["items"]
        assert {item["version"]: item["champion"] for item in items} == {served: True, other: False}
        assert {item["version"]: item["served_before"] for item in items} == {served: True, other: False}
        assert {item["tracking_url"] for item in items} == {None}
        assert client.get("/models", params={"label_set": "other"}).status_code == 404
