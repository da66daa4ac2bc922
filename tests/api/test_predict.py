"""``POST /predict``: what it answers, and how it refuses."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from api.main import create_app
from candleloop.annotations.identity import prediction_id
from candleloop.inference.bundle import ModelBundle
from candleloop.inference.predictor import Predictions, Predictor
from candleloop.pipeline import champion_bundle
from config.context import open_context
from config.settings import Settings
from tests.support.candles import random_candles
from tests.support.http import client_of
from tests.support.service import CANDLES, columns_of

PART = CANDLES[-400:]


def body(**others: Any) -> dict[str, Any]:
    return {"candles": columns_of(PART), **others}


def test_answer_is_that_of_the_predictor_in_process(client: httpx.Client, trained: Settings) -> None:
    answer = client.post("/predict", json=body())
    assert answer.status_code == 200
    found = answer.json()
    bundle = ModelBundle.load(open_context(trained).storage, found["model"]["version"])
    expected = Predictor(bundle).predict(PART)
    assert len(expected) > 5
    names = bundle.label_set.names
    assert [
        (item["label"], item["start_index"], item["end_index"], item["confidence"], item["uncertainty"])
        for item in found["predictions"]
    ] == [
        (names[label], start, end, confidence, uncertainty)
        for (label, start, end), confidence, uncertainty in zip(
            expected.spans.rows(), expected.confidence.tolist(), expected.uncertainty.tolist(), strict=True
        )
    ]
    assert [list(item["probabilities"].values()) for item in found["predictions"]] == expected.probabilities.tolist()


def test_a_prediction_has_every_field(client: httpx.Client) -> None:
    found = client.post("/predict", json=body()).json()
    prediction = found["predictions"][0]
    times = columns_of(PART)["time"]
    assert prediction["start_time"] == times[prediction["start_index"]]
    assert prediction["end_time"] == times[prediction["end_index"]]
    assert next(iter(prediction["probabilities"])) == "background"
    assert sum(prediction["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert prediction["provisional"] is False
    assert prediction["id"] is None
    model = found["model"]
    assert set(model) == {
        "name",
        "version",
        "registry_version",
        "label_set",
        "trained_at",
        "warmup_candles",
        "thresholds",
    }
    assert (model["name"], model["label_set"]) == ("candleloop-default", "default")
    assert set(model["thresholds"]) <= set(prediction["probabilities"])
    assert found["warnings"] == []


def test_predictions_of_a_named_series_have_their_ids(client: httpx.Client) -> None:
    found = client.post("/predict", json=body(series_id="TEST-1h", label_set="default")).json()
    last = found["predictions"][-1]
    start, end = (int(PART.time[last[f"{edge}_index"]]) for edge in ("start", "end"))
    assert last["id"] == prediction_id("TEST-1h", found["model"]["version"], last["label"], start, end)


def test_rows_and_columns_and_epochs_answer_the_same(client: httpx.Client) -> None:
    columns = columns_of(PART)
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    epochs = {**columns, "time": (PART.time // 1_000_000).tolist()}
    answers = [client.post("/predict", json={"candles": form}).json() for form in (columns, rows, epochs)]
    assert answers[0] == answers[1] == answers[2]


def test_any_content_type_will_do(client: httpx.Client) -> None:
    content = json.dumps(body()).encode()
    answer = client.post("/predict", content=content, headers={"content-type": "application/x-www-form-urlencoded"})
    assert answer.status_code == 200


def test_a_gap_is_told_as_a_warning(client: httpx.Client) -> None:
    columns = columns_of(CANDLES[-800:])
    late = random_candles(400, seed=5, start=1_800_000_000)
    both = {field: values[:400] + columns_of(late)[field] for field, values in columns.items()}
    found = client.post("/predict", json={"candles": both}).json()
    assert "2 runs" in found["warnings"][0]


def bad(change: Any) -> Any:
    columns = columns_of(PART)
    change(columns)
    return {"candles": columns}


def put(field: str, row: int, value: Any) -> Any:
    return bad(lambda columns: columns[field].__setitem__(row, value))


REFUSALS: list[tuple[str, Any, str, int | None, str | None]] = [
    ("too few candles", {"candles": columns_of(CANDLES[:20])}, "too_few_candles", None, "candles"),
    ("unsorted", put("time", 9, "2020-01-01T00:00:00Z"), "unsorted_times", 9, "time"),
    ("duplicate", bad(lambda c: c["time"].__setitem__(9, c["time"][8])), "duplicate_time", 9, "time"),
    ("NaN", put("close", 9, float("nan")), "not_finite", 9, "close"),
    ("high below low", put("high", 9, 0.01), "high_below_low", 9, "high"),
    ("price too large", put("open", 9, 1e13), "price_out_of_range", 9, "open"),
    ("price zero", put("low", 9, 0), "price_out_of_range", 9, "low"),
    ("text", put("open", 9, "12"), "not_a_number", 9, "open"),
    ("null", put("open", 9, None), "not_a_number", 9, "open"),
    ("bool", put("open", 9, True), "not_a_number", 9, "open"),
    ("no time", put("time", 9, "soon"), "not_a_time", 9, "time"),
    ("wrong type", {"candles": 7}, "invalid_request", None, "candles"),
    ("missing column", bad(lambda c: c.pop("low")), "missing_field", None, "low"),
    ("unknown field", bad(lambda c: c.update(vwap=[])), "unknown_field", None, "vwap"),
    ("too many", {"candles": columns_of(CANDLES[:3_001])}, "too_many_candles", 3_000, "candles"),
    ("no candles", {"candles": []}, "no_candles", None, None),
]


@pytest.mark.parametrize(
    ("content", "code", "row", "field"), [case[1:] for case in REFUSALS], ids=[c[0] for c in REFUSALS]
)
def test_bad_input_is_a_problem_that_names_the_place(
    client: httpx.Client, content: Any, code: str, row: int | None, field: str | None
) -> None:
    answer = client.post("/predict", content=json.dumps(content))
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem.get("row"), problem.get("field")) == (422, code, row, field)
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["status"] == 422
    assert problem["type"].endswith(code)
    assert problem["detail"]


def test_too_few_candles_tells_how_many_are_needed(client: httpx.Client) -> None:
    problem = client.post("/predict", json={"candles": columns_of(CANDLES[:20])}).json()
    model = client.get("/model/info").json()["model"]
    assert (problem["needed"], problem["given"]) == (model["warmup_candles"], 20)


def test_what_is_not_json_is_a_400(client: httpx.Client) -> None:
    answer = client.post("/predict", content=b"candles=1,2,3")
    assert (answer.status_code, answer.json()["code"]) == (400, "not_json")


def test_a_body_declared_too_large_is_a_413(client: httpx.Client) -> None:
    answer = client.post("/predict", content=b" " * 400_001)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_body_that_streams_too_far_is_a_413(client: httpx.Client) -> None:
    sent = 0

    def chunks() -> Any:
        nonlocal sent
        for _ in range(1_000):
            sent += 10_000
            yield b" " * 10_000

    answer = client.post("/predict", content=chunks())
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


def test_an_unknown_label_set_is_a_404(client: httpx.Client) -> None:
    answer = client.post("/predict", json=body(label_set="other"))
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (
        404,
        "unknown_label_set",
        "label_set",
    )


def test_without_a_model_the_answer_says_how_to_get_one(cold: httpx.Client) -> None:
    answer = cold.post("/predict", json=body())
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (409, "no_model")
    assert all(call in problem["detail"] for call in ("POST /series", "POST /autolabel", "POST /train"))


def test_a_page_of_candles_can_be_sent_as_it_is(client: httpx.Client) -> None:
    page = client.get("/series/TEST-1h/candles", params={"limit": 300})
    assert page.json()["next_cursor"] is not None
    answer = client.post("/predict", content=page.content)
    assert answer.status_code == 200, answer.text
    assert all(item["id"] for item in answer.json()["predictions"])


def test_more_predictions_than_may_wait_are_refused_with_when_to_ask_again(trained: Settings) -> None:
    app = create_app(trained)
    with client_of(app) as client:
        waiting = app.state.service.waiting
        assert client.post("/predict", json=body()).status_code == 200
        assert waiting.count == 0
        waiting.count = waiting.most
        refused = client.post("/predict", json=body())
        assert (refused.status_code, refused.json()["code"]) == (503, "busy")
        assert refused.headers["retry-after"] == "1"
        waiting.count -= 1
        assert client.post("/predict", json=body()).status_code == 200
        assert client.post("/predict", json={}).status_code == 422
        assert waiting.count == waiting.most - 1


def test_a_request_alone_uses_more_threads_than_one_beside_others_and_answers_the_same(trained: Settings) -> None:
    app = create_app(trained)
    with client_of(app) as client:
        service = app.state.service
        served = service.holder.model("default")
        used: list[str] = []
        for name in ("alone", "predictor"):
            object.__setattr__(served, name, _Noting(getattr(served, name), name, used))
        first = client.post("/predict", json=body())
        service.waiting.count += 1
        second = client.post("/predict", json=body())
        service.waiting.count -= 1
        assert used == ["alone", "predictor"]
        assert first.json()["predictions"]
        assert first.content == second.content


@dataclass(frozen=True)
class _Noting:
    """A predictor that writes down that it was asked."""

    predictor: Predictor
    name: str
    used: list[str]

    def predict(self, *arguments: Any, **named: Any) -> Predictions:
        self.used.append(self.name)
        return self.predictor.predict(*arguments, **named)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.predictor, name)


def test_a_predictor_of_several_threads_says_the_same(trained: Settings) -> None:
    context = open_context(trained)
    bundle, _ = champion_bundle(context, "default")
    one, two = (Predictor(bundle, threads=threads).predict(PART) for threads in (1, 2))
    assert one.spans.rows() == two.spans.rows()
    assert one.probabilities.tobytes() == two.probabilities.tobytes()
