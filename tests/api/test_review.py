"""The review queue over HTTP: peek, take, finish, take back; blind audits; before there is a model."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from api.main import create_app
from candleloop import pipeline
from candleloop.batch.run import Holder, run_batch
from candleloop.context import Context
from candleloop.loop.board import MOST_UNSCORED
from candleloop.promotion import promote_model
from candleloop.store import jobs, outbox
from candleloop.store.tables import JobRow, ReviewItemRow, now
from config.context import open_context
from config.settings import Settings
from tests.support.http import client_of
from tests.support.service import CANDLES, SERIES, columns_of, csv_of
from tests.support.versions import add_version


@pytest.fixture
def context(trained: Settings) -> Context:
    return open_context(trained)


def score(context: Context) -> None:
    """Score the series as the relay's job does."""
    job_id = f"score-{now().timestamp()}"
    with context.database.begin() as session:
        session.add(JobRow(id=job_id, kind="batch", queue="batch", arguments={}, label_set="default"))
    with context.database.begin() as session:
        claimed = jobs.claim(session, job_id)
        assert claimed is not None
    run_batch(context, Holder(job_id, claimed.attempts), "default", None)


def promote_another(context: Context) -> str:
    """Let another version serve and return it; nothing is scored by it yet."""
    version = add_version(context).version
    promote_model(context, version, override=True, reason="a test")
    return version


def page(client: httpx.Client, **query: Any) -> dict[str, Any]:
    answer = client.get("/review/next", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def lease(client: httpx.Client, item: str, holder: str = "ada") -> httpx.Response:
    return client.post(f"/review/{item}/lease", json={"holder": holder})


def complete(client: httpx.Client, item: str, holder: str = "ada", **more: Any) -> httpx.Response:
    return client.post(f"/review/{item}/complete", json={"holder": holder, **more})


def teaching(client: httpx.Client, **query: Any) -> list[dict[str, Any]]:
    return [item for item in page(client, limit=50, **query)["items"] if not item["blind"]]


def audits(client: httpx.Client) -> list[dict[str, Any]]:
    """Return the audits of several orders: each draws its own, so that a few are there whatever the model is called."""
    orders = ("margin", "entropy", "random", "rare_margin", "least_confidence")
    found = {item["id"]: item for name in orders for item in page(client, limit=50, strategy=name)["items"]}
    return [item for item in found.values() if item["blind"]]


def test_the_queue_shows_windows_with_reasons_and_targets_and_peeking_changes_nothing(client, context):
    score(context)
    found = page(client, limit=10)
    assert page(client, limit=10) == found
    assert (found["cold_start"], found["label_set"], found["completed_items"]) == (False, "default", 0)
    assert found["model_version"] == client.get("/model/info").json()["model"]["version"]
    items = found["items"]
    assert [item["rank"] for item in items] == list(range(1, 11))
    assert len({item["id"] for item in items}) == 10
    for item in items:
        assert item["reason"]["text"].endswith(".")
        assert item["context"]["start_time"] <= item["focus"]["start_time"] < item["focus"]["end_time"]
        assert item["focus"]["end_time"] <= item["context"]["end_time"]
        assert item["lease"] is None
        for target in item["targets"]:
            assert item["focus"]["start_time"] <= target["end_time"] <= item["focus"]["end_time"]
    assert any(target["kind"] == "annotation" for item in items for target in item["targets"])
    with context.database.read() as session:
        assert session.query(ReviewItemRow).count() == 0


def test_a_target_can_be_decided_as_it_is_shown(client, context):
    score(context)
    item = next(item for item in teaching(client) if item["targets"])
    target = item["targets"][0]
    sent = {name: target[name] for name in ("kind", "id", "label", "start_time", "end_time", "confidence")}
    event = {
        "event_id": "decide-1",
        "verb": "confirm",
        "series_id": item["series_id"],
        "target": {**sent, "model_version": target["model_version"]},
        "review_item": item["id"],
        "seconds": 3.5,
    }
    answer = client.post("/feedback", json={"events": [event]}).json()
    assert answer["results"][0]["status"] == "accepted", answer
    again = next(one for one in teaching(client) if one["id"] == item["id"])
    assert target["id"] not in [one["id"] for one in again["targets"]]


def test_an_item_belongs_to_one_person_until_it_is_done(client, context):
    score(context)
    item = teaching(client)[0]["id"]
    taken = lease(client, item, "ada").json()
    assert taken["lease"]["holder"] == "ada"
    refused = lease(client, item, "bob")
    assert (refused.status_code, refused.json()["code"]) == (409, "already_leased")
    assert item not in [one["id"] for one in page(client, limit=50, holder="bob")["items"]]
    assert page(client, limit=3, holder="ada")["items"][0]["id"] == item
    assert lease(client, item, "ada").status_code == 200
    not_hers = complete(client, item, "bob")
    assert (not_hers.status_code, not_hers.json()["code"]) == (409, "not_leased")


def test_completing_makes_the_focus_range_reviewed_and_can_be_taken_back(client, context):
    score(context)
    item = teaching(client)[0]
    lease(client, item["id"])
    with context.database.read() as session:
        before = sum(one.count for one in outbox.waiting(session))
    done = complete(client, item["id"], seconds=7.5).json()
    assert complete(client, item["id"], seconds=7.5).json() == done  # sent again after an answer that was lost
    with context.database.read() as session:
        assert sum(one.count for one in outbox.waiting(session)) == before + 1
    reviewed = done["reviewed"]
    assert {name: reviewed[name] for name in ("start_time", "end_time")} == item["focus"]
    assert done["predictions"] == []
    found = page(client, limit=50)
    assert item["id"] not in [one["id"] for one in found["items"]]
    assert (found["reviewed_windows"], found["completed_items"]) == (1, 1)
    assert lease(client, item["id"], "bob").json()["code"] == "already_reviewed"
    client.delete(f"/series/{SERIES}/reviewed/{reviewed['id']}")
    assert lease(client, item["id"], "bob").status_code == 200


def test_a_skipped_item_stays_away_and_reviews_nothing(client, context):
    score(context)
    item = teaching(client)[0]["id"]
    lease(client, item)
    done = complete(client, item, skipped=True).json()
    assert (done["skipped"], done["reviewed"]) == (True, None)
    found = page(client, limit=50)
    assert item not in [one["id"] for one in found["items"]]
    assert found["reviewed_windows"] == 0


def test_a_lease_expires(trained, context):
    (trained.home / "pipeline.yaml").write_text(
        (trained.home / "pipeline.yaml").read_text() + "review: {lease_minutes: 0.00001}\n"
    )
    score(context)
    with client_of(create_app(trained)) as client:
        item = teaching(client)[0]["id"]
        assert lease(client, item, "ada").status_code == 200
        assert lease(client, item, "bob").json()["lease"]["holder"] == "bob"
        assert complete(client, item, "ada").json()["code"] == "not_leased"
        assert complete(client, item, "bob").status_code == 200  # late, but nobody else took it


def test_unknown_items_strategies_and_series_are_named(client, context):
    score(context)
    assert lease(client, "nonsense").json()["code"] == "unknown_item"
    assert complete(client, "nonsense").json()["code"] == "unknown_item"
    unknown = client.get("/review/next", params={"strategy": "best"})
    assert (unknown.status_code, unknown.json()["code"]) == (422, "unknown_strategy")
    assert client.get("/review/next", params={"series_id": "NONE"}).status_code == 404
    assert client.get("/review/next", params={"label_set": "none"}).status_code == 404
    assert lease(client, teaching(client)[0]["id"], "").status_code == 422


@pytest.mark.parametrize(
    "strategy", ["random", "sequential", "margin", "rare_margin", "balanced_margin", "mismatch_first", "entropy"]
)
def test_every_strategy_can_be_asked_for(client, context, strategy):
    score(context)
    found = page(client, limit=5, strategy=strategy)
    assert (found["strategy"], len(found["items"])) == (strategy, 5)
    if strategy == "sequential":
        starts = [item["focus"]["start_time"] for item in found["items"] if not item["blind"]]
        assert starts == sorted(starts)


def test_audits_lie_in_the_test_bars_and_are_shown_blind(client, context):
    score(context)
    test_bars = client.get(f"/series/{SERIES}").json()["test_bars"]
    blind = audits(client)
    assert blind
    for item in page(client, limit=50)["items"]:
        inside = item["focus"]["start_time"] >= test_bars["start_time"]
        assert inside == item["blind"]
    for item in blind:
        assert item["targets"] == []
        assert (item["reason"]["code"], item["reason"]["value"]) == ("audit", None)


def touching(items: list[dict[str, Any]], focus: dict[str, str]) -> list[dict[str, Any]]:
    return [one for one in items if one["end_time"] >= focus["start_time"] and one["start_time"] <= focus["end_time"]]


def test_what_the_model_finds_is_withheld_everywhere_until_a_blind_item_is_done(client, context):
    score(context)
    predictions, disagreements = f"/series/{SERIES}/predictions", f"/series/{SERIES}/disagreements"
    item = next(
        one
        for one in audits(client)
        if touching(client.get(predictions, params={"limit": 1_000, **one["focus"]}).json()["items"], one["focus"])
    )
    focus = item["focus"]
    found = touching(client.get(predictions, params={"limit": 1_000, **focus}).json()["items"], focus)[0]
    fields = ("id", "label", "start_time", "end_time", "confidence", "model_version")
    target = {"kind": "prediction"} | {field: found[field] for field in fields}
    unsure = {"event_id": "unsure", "verb": "dismiss", "series_id": SERIES, "target": target, "reason": "unsure"}
    client.post("/feedback", json={"events": [unsure]})
    flags = f"/series/{SERIES}/flags"
    assert len(client.get(flags).json()["items"]) == 1
    tail = {"candles": columns_of(CANDLES[-1_500:]), "series_id": SERIES}
    assert touching(client.post("/predict", json=tail).json()["predictions"], focus)
    leased = lease(client, item["id"]).json()
    assert (leased["blind"], leased["targets"]) == (True, [])
    assert touching(client.get(predictions, params={"limit": 1_000, **focus}).json()["items"], focus) == []
    assert touching(client.get(disagreements, params={"limit": 1_000, **focus}).json()["items"], focus) == []
    assert client.get(flags).json()["items"] == []
    exported = client.get(
        "/annotations/export", params={"series_id": SERIES, "format": "label-studio", "predictions": True}
    ).json()[0]["predictions"][0]["result"]
    regions = [{f"{end}_time": one["value"][end].replace(" ", "T") for end in ("start", "end")} for one in exported]
    assert regions
    assert touching(regions, focus) == []
    single = client.post("/predict", json=tail).json()
    assert touching(single["predictions"], focus) == []
    assert single["predictions"]
    assert any("blind" in text for text in single["warnings"])
    done = complete(client, item["id"], seconds=20).json()
    assert {one["id"] for one in done["predictions"]} <= {
        one["id"] for one in client.get(predictions, params={"limit": 1_000, **focus}).json()["items"]
    }
    assert done["predictions"]
    assert len(client.get(flags).json()["items"]) == 1
    assert touching(client.post("/predict", json=tail).json()["predictions"], focus)


def test_live_quality_comes_from_audits_alone(client, context):
    score(context)
    assert client.get("/model/info").json()["live"] is None
    item = teaching(client)[0]["id"]
    lease(client, item)
    complete(client, item)
    assert client.get("/model/info").json()["live"] is None
    for number, item in enumerate(audits(client)[:3]):
        lease(client, item["id"])
        found = client.get(
            f"/series/{SERIES}/annotations", params={"origin": "talib", "limit": 1_000, **item["focus"]}
        ).json()["items"]
        for mark in touching(found, item["focus"]) if number < 2 else []:  # the person sees what TA-Lib sees
            drawn = {name: mark[name] for name in ("label", "start_time", "end_time")}
            assert client.post(f"/series/{SERIES}/annotations", json=drawn).status_code == 201
        complete(client, item["id"], seconds=30)
    live = client.get("/model/info").json()["live"]
    assert live["windows"] == 3
    assert live["spans"] > 0
    assert 0 < live["macro_f1"] <= 1
    low, high = live["interval"]
    assert low <= live["macro_f1"] <= high
    assert sum(label["support"] for label in live["labels"]) == live["spans"]


def test_without_a_model_the_queue_offers_talib_marks_and_random_windows(cold, empty):
    assert page(cold)["items"] == []
    context = open_context(empty)
    pipeline.import_file(context, csv_of(CANDLES), name="TEST_1h.csv", symbol="TEST", series_id=SERIES)
    pipeline.auto_label_series(context, SERIES, "default")
    found = page(cold, limit=20)
    assert (found["cold_start"], found["model_version"], found["strategy"]) == (True, None, "cold_start")
    codes = [item["reason"]["code"] for item in found["items"]]
    assert set(codes) == {"talib_marks", "random"} or set(codes) == {"talib_marks"}
    assert codes[0] == "talib_marks"
    assert all(not item["blind"] for item in found["items"])
    marked = next(item for item in found["items"] if item["reason"]["code"] == "talib_marks")
    assert {(target["kind"], target["origin"]) for target in marked["targets"]} == {("annotation", "talib")}
    assert lease(cold, marked["id"]).status_code == 200
    assert complete(cold, marked["id"], seconds=4).json()["reviewed"] is not None


def test_an_item_of_any_series_can_be_taken_however_many_no_model_has_scored(cold, empty):
    for number in range(MOST_UNSCORED + 2):
        name = {"name": "x_1h.csv", "symbol": f"S{number:02}"}
        assert cold.post("/series", params=name, content=csv_of(CANDLES[-400:])).status_code == 201
    last = f"S{MOST_UNSCORED + 1:02}-1h"
    offered = {item["series_id"] for item in page(cold, limit=50)["items"]}
    assert last not in offered
    (item,) = page(cold, limit=1, series_id=last)["items"]
    assert lease(cold, item["id"]).json()["series_id"] == last
    assert complete(cold, item["id"]).json()["reviewed"]["series_id"] == last


def test_for_an_item_that_is_none_no_series_is_read_that_is_not_offered(cold, empty):
    for number in range(MOST_UNSCORED + 1):
        name = {"name": "x_1h.csv", "symbol": f"S{number:02}"}
        assert cold.post("/series", params=name, content=csv_of(CANDLES[-400:])).status_code == 201
    last = f"S{MOST_UNSCORED:02}-1h"
    shutil.rmtree(next(path for path in empty.home.rglob(last) if path.is_dir()))
    assert cold.get("/review/next", params={"series_id": last}).json()["code"] == "candles_missing"
    assert lease(cold, "0" * 32).json()["code"] == "unknown_item"


def test_people_who_ask_at_once_never_get_the_same_item(client, context):
    score(context)

    def person(name: str) -> list[str]:
        got: list[str] = []
        while len(got) < 8:
            for item in page(client, limit=5, holder=name)["items"]:
                answer = lease(client, item["id"], name)
                if answer.status_code == 200:
                    assert complete(client, item["id"], name).status_code == 200
                    got.append(item["id"])
                    break
                assert answer.json()["code"] in {"already_leased", "already_reviewed"}
        return got

    with ThreadPoolExecutor(4) as people:
        found = [item for own in people.map(person, ["ada", "bob", "cyd", "dee"]) for item in own]
    assert len(found) == len(set(found)) == 32


def test_the_queue_is_that_of_one_model_until_the_next_one_has_scored(client, context):
    score(context)
    first = page(client, limit=5)
    held = lease(client, teaching(client)[0]["id"]).json()
    other = promote_another(context)
    assert page(client, limit=5)["model_version"] == first["model_version"] != other
    score(context)
    after = page(client, limit=5, holder="ada")
    assert after["model_version"] == other
    mine, *rest = after["items"]
    assert (mine["id"], mine["model_version"]) == (held["id"], first["model_version"])
    assert {one["model_version"] for one in rest} == {other}
    assert complete(client, held["id"]).status_code == 200


def test_a_skipped_item_comes_back_with_the_next_model(client, context):
    score(context)
    item = teaching(client)[0]["id"]
    lease(client, item)
    complete(client, item, skipped=True)
    promote_another(context)
    score(context)
    shown = [one["id"] for strategy in ("margin", "random", "entropy") for one in teaching(client, strategy=strategy)]
    assert item in shown
