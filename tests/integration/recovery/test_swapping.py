"""Two API processes on one database swap models under load: no failed answer, and none of two models."""

from __future__ import annotations

import functools
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from candleloop.context import Context
from candleloop.inference.answer import model_facts, prediction_rows
from candleloop.inference.bundle import ModelBundle
from candleloop.inference.predictor import Predictor
from tests.support.homes import Place, State
from tests.support.served import served
from tests.support.service import CANDLES, SERIES, columns_of
from tests.support.versions import add_version, champion
from tests.support.waiting import wait_for

CLIENTS_EACH = 2
SWAPS = 6
PART = CANDLES[-300:]
REQUEST = {"candles": columns_of(PART), "series_id": SERIES}

Answer = tuple[int, dict[str, Any]]


@pytest.fixture
def state() -> State:
    return "served"


def expected_of(bundle: ModelBundle) -> dict[str, Any]:
    """Return what a version answers, but for numbers that are rounded on their way."""
    predictions = prediction_rows(Predictor(bundle).predict(PART, series_id=SERIES), PART.time, bundle.label_set)
    facts = model_facts(bundle, None)
    return comparable({"predictions": predictions, "model": facts})


def comparable(answer: dict[str, Any]) -> dict[str, Any]:
    """Return the parts of an answer in which two versions differ."""
    predictions = [(item["id"], item["label"], round(item["confidence"], 9)) for item in answer["predictions"]]
    return {"predictions": predictions, "thresholds": answer["model"]["thresholds"]}


def ask(url: str, stopping: threading.Event) -> list[Answer]:
    """Ask for the same predictions again and again."""
    answers = []
    with httpx.Client(base_url=url, timeout=60) as client:
        while not stopping.is_set():
            answer = client.post("/predict", json=REQUEST)
            answers.append((answer.status_code, answer.json()))
    return answers


def serves(client: httpx.Client, url: str, version: str) -> bool:
    """Tell whether an API process serves a version."""
    return bool(client.get(f"{url}/model/info").json()["model"]["version"] == version)


def test_two_api_processes_swap_back_and_forth_without_a_failed_or_mixed_answer(
    context: Context, environment: dict[str, str], place: Place, tmp_path: Path
) -> None:
    first = ModelBundle.load(context.storage, champion(context))
    second = add_version(context, gate={"promote": True})
    expected = {bundle.version: expected_of(bundle) for bundle in (first, second)}
    assert len(expected[second.version]["predictions"]) < len(expected[first.version]["predictions"])
    more = environment | {"CANDLELOOP_MODEL_POLL_SECONDS": "0.1"}
    stopping = threading.Event()
    with (
        served(place.settings, tmp_path / "one.log", more=more) as one,
        served(place.settings, tmp_path / "other.log", more=more) as other,
        ThreadPoolExecutor(2 * CLIENTS_EACH) as clients,
        httpx.Client(timeout=60) as promoter,
    ):
        loads = {url: [clients.submit(ask, url, stopping) for _ in range(CLIENTS_EACH)] for url in (one, other)}
        try:
            for swap in range(SWAPS):
                version = (second, first)[swap % 2].version
                answer = promoter.post(f"{(one, other)[swap % 2]}/models/{version}/promote", json={})
                assert answer.status_code == 200, answer.text
                for url in (one, other):
                    wait_for(functools.partial(serves, promoter, url, version), "version that is served")
        finally:
            stopping.set()
        answers = {url: [answer for load in loads[url] for answer in load.result()] for url in loads}

    for found in answers.values():
        assert {status for status, _ in found} == {200}
        assert {answer["model"]["version"] for _, answer in found} == set(expected)
        for _, answer in found:
            assert comparable(answer) == expected[answer["model"]["version"]]
