"""Labels to doubt over all series, on the API and the command line; agreement of annotators."""

from __future__ import annotations

import json
from typing import Any

import httpx
import numpy as np
import pytest
from pydantic import SecretStr
from sqlalchemy import select, update
from typer.testing import CliRunner

from api.main import create_app
from candleloop.annotations.marks import Origin
from candleloop.context import Context
from candleloop.pipeline_config import OutOfFoldConfig
from candleloop.store import marks
from candleloop.store.tables import AnnotationRow
from cli.main import app
from config.context import open_context
from config.settings import Settings, settings
from tests.api.test_review import score
from tests.support.http import client_of
from tests.support.served import served
from tests.support.service import CANDLES, SERIES, csv_of

SWAPPED = {"bullish_engulfing": "bearish_engulfing", "bearish_engulfing": "bullish_engulfing"}


@pytest.fixture
def context(trained: Settings) -> Context:
    opened = open_context(trained)
    folds = opened.config.model_copy(update={"out_of_fold": OutOfFoldConfig(folds=3)})
    return Context(opened.database, opened.storage, folds, opened.tracking_url)


def plant(context: Context, share: float = 0.03) -> set[str]:
    """Turn some engulfing patterns into their opposites, after the model was trained; return their ids."""
    rng = np.random.default_rng(0)
    with context.database.begin() as session:
        rows = session.execute(
            select(AnnotationRow.id, AnnotationRow.label)
            .where(AnnotationRow.label.in_(SWAPPED))
            .order_by(AnnotationRow.start_time)
        ).all()
        chosen = [rows[place] for place in rng.choice(len(rows), int(len(rows) * share), replace=False).tolist()]
        for identity, label in chosen:
            session.execute(update(AnnotationRow).where(AnnotationRow.id == identity).values(label=SWAPPED[label]))
    return {identity for identity, _ in chosen}


def page(client: httpx.Client, **query: Any) -> dict[str, Any]:
    answer = client.get("/disagreements", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_planted_errors_come_first_and_each_says_whether_it_is_out_of_fold(client, context):
    assert page(client)["items"] == []
    planted = plant(context)
    score(context)
    first = page(client, limit=len(planted))
    hit = sum(item["annotation"] is not None and item["annotation"]["id"] in planted for item in first["items"])
    assert hit / len(planted) >= 0.5  # one in fifty by chance
    assert first["counts"]["swap"] >= len(planted) * 0.5
    likelihood = [item["likelihood"] for item in first["items"]]
    assert likelihood == sorted(likelihood, reverse=True)
    assert sum(item["out_of_fold"] for item in first["items"]) / len(planted) > 0.9


def test_pages_follow_each_other_and_kinds_are_kept_apart(client, context):
    plant(context)
    score(context)
    everything = page(client, limit=1_000)["items"]
    paged: list[dict[str, Any]] = []
    cursor = None
    while True:
        part = page(client, limit=7, **({} if cursor is None else {"cursor": cursor}))
        paged += part["items"]
        cursor = part["next_cursor"]
        if cursor is None:
            break
    assert paged == everything
    for kind in ("overlooked", "unsupported", "swap", "badloc"):
        own = page(client, limit=1_000, kind=kind)["items"]
        assert own == [item for item in everything if item["kind"] == kind]
    assert page(client, limit=1_000, series_id=SERIES)["items"] == everything
    assert client.get("/disagreements", params={"series_id": "NONE"}).status_code == 404
    assert client.get("/disagreements", params={"cursor": "x"}).json()["code"] == "bad_cursor"


def test_the_queue_shows_where_labels_are_doubted_first_when_asked_to(client, context):
    plant(context)
    score(context)
    likeliest = page(client, limit=3)["items"]
    shown = client.get("/review/next", params={"strategy": "disagreement_first", "limit": 10}).json()["items"]
    teaching = [one for one in shown if not one["blind"]]
    assert {one["reason"]["code"] for one in teaching} == {"disagreement"}
    assert [one["reason"]["value"] for one in teaching] == sorted(
        (one["reason"]["value"] for one in teaching), reverse=True
    )
    test_bars = client.get(f"/series/{SERIES}").json()["test_bars"]
    for one in likeliest:
        if one["end_time"] < test_bars["start_time"]:
            assert any(item["focus"]["start_time"] <= one["end_time"] <= item["focus"]["end_time"] for item in teaching)


def test_what_is_decided_is_doubted_no_more(client, context):
    planted = plant(context)
    score(context)
    item = next(
        one for one in page(client)["items"] if one["annotation"] is not None and one["annotation"]["id"] in planted
    )
    target = {name: item["annotation"][name] for name in ("id", "label", "start_time", "end_time")}
    event = {
        "event_id": "mend",
        "verb": "correct",
        "series_id": SERIES,
        "target": {"kind": "annotation", **target},
        "correction": {
            **{name: target[name] for name in ("start_time", "end_time")},
            "label": SWAPPED[target["label"]],
        },
    }
    assert client.post("/feedback", json={"events": [event]}).json()["results"][0]["status"] == "accepted"
    left = [one["annotation"]["id"] for one in page(client, limit=1_000)["items"] if one["annotation"] is not None]
    assert target["id"] not in left


def typed(trained: Settings, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Any:
    monkeypatch.setenv("CANDLELOOP_HOME", str(trained.home))
    monkeypatch.setenv("CANDLELOOP_CONFIG", str(trained.home / "pipeline.yaml"))
    monkeypatch.setenv("CANDLELOOP_MLFLOW_URL", "http://127.0.0.1:9")
    settings.cache_clear()
    try:
        return CliRunner().invoke(app, arguments)
    finally:
        settings.cache_clear()


def test_the_command_lists_what_the_api_lists(client, context, trained, monkeypatch):
    plant(context)
    score(context)
    said = json.loads(typed(trained, monkeypatch, "disagreements", "--most", "5", "--json").stdout)
    shown = page(client, limit=5)["items"]
    assert [(one["kind"], one["start_time"]) for one in said["items"]] == [
        (one["kind"], one["start_time"]) for one in shown
    ]
    lines = typed(trained, monkeypatch, "disagreements", "--most", "3", "--kind", "swap").stdout.splitlines()
    assert lines[0].startswith("series")
    assert all("swap" in line for line in lines[1:4])
    assert lines[-1].startswith("3 of ")
    assert lines[-1].endswith("; --most N lists more.")
    lines = typed(trained, monkeypatch, "disagreements", "--most", "1000", "--kind", "swap").stdout.splitlines()
    assert lines[-1].endswith("wrong first.")


def test_series_that_nobody_has_labelled_are_left_out_unless_asked_for(client, context, trained, monkeypatch):
    sent = client.post("/series", params={"name": "f.csv", "symbol": "FREE"}, content=csv_of(CANDLES[:600])).json()
    free = sent["series_id"]
    score(context)
    usual = page(client, limit=1_000)
    assert usual["left_out"] == 1
    assert {one["series_id"] for one in usual["items"]} == {SERIES}
    everything = page(client, limit=1_000, unlabelled=True)
    assert everything["left_out"] == 0
    own = page(client, limit=1_000, series_id=[free])
    assert {one["kind"] for one in own["items"]} == {"overlooked"}
    assert everything["counts"]["overlooked"] == usual["counts"]["overlooked"] + own["counts"]["overlooked"]
    lines = typed(trained, monkeypatch, "disagreements", "--most", "3").stdout.splitlines()
    assert lines[-2].startswith(f"3 of {sum(usual['counts'].values())} disagreements")
    assert lines[-1] == "Left out: 1 series with predictions that nobody has labelled; --all shows them too."
    shown = json.loads(typed(trained, monkeypatch, "disagreements", "--all", "--json").stdout)
    assert (shown["found"], shown["left_out"]) == (sum(everything["counts"].values()), 0)
    looked = {"start_time": sent["report"]["first_time"], "end_time": sent["report"]["last_time"]}
    assert client.post(f"/series/{free}/reviewed", json=looked).status_code == 201
    assert page(client)["left_out"] == 0


def test_the_commands_say_of_a_service_elsewhere_what_they_say_here(context, trained, monkeypatch, tmp_path):
    plant(context)
    with context.database.begin() as session:
        row = session.scalars(select(AnnotationRow)).first()
        place = {name: getattr(row, name) for name in ("series_id", "label_set", "label", "start_time", "end_time")}
        marks.add_annotation(session, **place, origin=Origin.IMPORTED, declared_source="sam")
    score(context)
    with served(trained, tmp_path / "api.log") as url:
        for command in (
            ("disagreements", "--kind", "swap", "--kind", "badloc", "--most", "5"),
            ("disagreements", "--series", SERIES, "--most", "1000"),
            ("agreement", "talib", "sam"),
        ):
            here, there = (typed(trained, monkeypatch, *command, *more, "--json") for more in ((), ("--url", url)))
            assert json.loads(there.stdout) == json.loads(here.stdout), command


def test_agreement_with_talib_counts_on_reviewed_bars_and_people_by_name(client, context, trained, monkeypatch):
    marks = client.get(f"/series/{SERIES}/annotations", params={"limit": 1_000}).json()["items"]
    ours = [one for one in marks if one["label"] == "bullish_engulfing"][:40]
    shown = client.get(f"/series/{SERIES}").json()
    assert client.get("/agreement", params={"first": "talib", "second": "people"}).json()["code"] == "unknown_annotator"
    for name, spans in (("ada", ours), ("bob", ours[:30])):
        rows = [{key: one[key] for key in ("label", "start_time", "end_time")} for one in spans]
        content = "".join(json.dumps({**row, "declared_source": name}) + "\n" for row in rows)
        sent = client.post(
            "/annotations/import",
            params={"series_id": SERIES, "as": "human", "format": "jsonl"},
            content=content.encode(),
            headers={"content-type": "application/x-ndjson"},
        )
        assert sent.status_code == 200, sent.text
        if name == "ada":
            last = max(one["end_time"] for one in ours)
            reviewed = {"start_time": shown["first_time"], "end_time": last}
            assert client.post(f"/series/{SERIES}/reviewed", json=reviewed).status_code == 201
            found = client.get("/agreement", params={"first": "talib", "second": "ada"}).json()
            own = next(one for one in found["labels"] if one["label"] == "bullish_engulfing")
            assert (own["first"], own["second"], own["matched"], own["f1"]) == (40, 40, 40, 1.0)
            assert found["macro_f1"] < 1
    both = client.get("/agreement", params={"first": "ada", "second": "bob"}).json()
    own = next(one for one in both["labels"] if one["label"] == "bullish_engulfing")
    assert (own["first"], own["second"], own["matched"]) == (40, 30, 30)
    found = client.get("/agreement", params={"first": "talib", "second": "people"}).json()
    assert next(one for one in found["labels"] if one["label"] == "bullish_engulfing")["second"] == 40  # each once
    target = {name: marks[0][name] for name in ("id", "label", "start_time", "end_time")}
    event = {"event_id": "e", "verb": "confirm", "series_id": SERIES, "target": {"kind": "annotation", **target}}
    assert client.post("/feedback", json={"events": [event]}).json()["results"][0]["status"] == "accepted"
    sent = client.get("/agreement", params={"first": "talib", "second": "api"}).json()  # no key: sent by "api"
    assert sum(one["second"] for one in sent["labels"]) == 1
    lines = typed(trained, monkeypatch, "agreement", "talib", "people").stdout.splitlines()
    assert lines[0].split() == ["label", "talib", "people", "both", "F1"]


def test_people_who_draw_are_told_apart_by_the_names_of_their_keys(trained: Settings) -> None:
    keys = trained.model_copy(update={"api_keys": SecretStr("ada:of-ada, bob:of-bob")})
    with client_of(create_app(keys)) as client:

        def ask(name: str, verb: str, path: str, **parts: Any) -> Any:
            return client.request(verb, path, headers={"x-api-key": f"of-{name}", "if-match": "*"}, **parts).json()

        def compared() -> list[int]:
            sent = ask("ada", "GET", "/agreement", params={"first": "api:ada", "second": "api:bob"})
            row = next(one for one in sent["labels"] if one["label"] == "morning_star")
            return [row["first"], row["second"], row["matched"]]

        url = f"/series/{SERIES}/annotations"
        times = ask("ada", "GET", f"/series/{SERIES}/candles", params={"limit": 40})["candles"]["time"]
        drawn = {}
        for name, first in (("ada", 2), ("ada", 12), ("bob", 3), ("bob", 14)):
            place = {"label": "morning_star", "start_time": times[first], "end_time": times[first + 2]}
            drawn[name, first] = ask(name, "POST", url, json=place)["id"]
        assert compared() == [2, 2, 1]
        # Both may mark the very same, and each takes back their own.
        same = {"label": "morning_star", "start_time": times[12], "end_time": times[14]}
        twin = ask("bob", "POST", url, json=same)
        assert compared() == [2, 3, 2]
        assert ask("bob", "POST", url, json=same)["code"] == "already_decided"
        assert ask("bob", "GET", f"{url}/{drawn['ada', 12]}")["start_time"] == times[12]
        assert ask("ada", "GET", "/agreement", params={"first": "people", "second": "api:ada"})["macro_f1"] > 0.5
        headers = {"x-api-key": "of-bob", "if-match": "*"}
        assert client.delete(f"{url}/{twin['id']}", headers=headers).status_code == 204
        assert compared() == [2, 2, 1]
        # Who changes a mark makes it their own, whoever drew it.
        change = {"start_time": times[22], "end_time": times[24]}
        assert ask("ada", "PATCH", f"{url}/{drawn['bob', 14]}", json=change)["id"] == drawn["bob", 14]
        assert compared() == [3, 1, 1]
