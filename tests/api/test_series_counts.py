"""The list of series with what lies on each: counted in the background, never out of date unnoticed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from api.main import create_app
from candleloop.batch.run import Holder, run_batch
from candleloop.candles.store import CandleStore
from candleloop.loop.disagreement import Kind
from candleloop.store import jobs
from config.context import open_context
from config.settings import Settings
from tests.support.candles import random_candles
from tests.support.http import client_of
from tests.support.service import CANDLES, SERIES, columns_of, csv_of
from tests.support.waiting import wait_for

TIMES = columns_of(CANDLES)["time"]


def listed(client: httpx.Client, series_id: str = SERIES, **parameters: str) -> dict[str, Any]:
    [counts] = [
        item["counts"]
        for item in client.get("/series", params=parameters).json()["items"]
        if item["series_id"] == series_id
    ]
    return counts


def counted(client: httpx.Client, series_id: str = SERIES, **parameters: str) -> dict[str, Any]:
    wait_for(lambda: listed(client, series_id, **parameters)["current"], "current count")
    return listed(client, series_id, **parameters)


def scored(client: httpx.Client, settings: Settings) -> None:
    """Store predictions of the series, as a worker does."""
    job_id = client.post("/predict/batch", json={"series": [SERIES]}).json()["job"]["id"]
    context = open_context(settings)
    with context.database.begin() as session:
        row = jobs.claim(session, job_id)
        assert row is not None
    run_batch(context, Holder(job_id, row.attempts), "default", row.arguments["order"])


def test_a_list_answers_before_anything_is_counted_and_is_complete_soon(client: httpx.Client) -> None:
    first = listed(client)
    assert first["annotations"]["talib"] > 100
    assert (first["reviewed_bars"], first["disagreements"], first["current"]) == (None, None, False)
    assert counted(client) == {**first, "reviewed_bars": 0, "current": True}


def test_every_kind_of_change_makes_counts_out_of_date_until_they_are_counted_again(client: httpx.Client) -> None:
    counted(client)

    def reviewed(first: int, last: int, **more: Any) -> httpx.Response:
        span = {"start_time": TIMES[first], "end_time": TIMES[last], **more}
        return client.post(f"/series/{SERIES}/reviewed", json=span)

    def changed(change: Callable[[], httpx.Response], bars: int) -> httpx.Response:
        answer = change()
        assert answer.is_success, answer.text
        assert listed(client)["current"] is False
        assert counted(client)["reviewed_bars"] == bars
        return answer

    first = changed(lambda: reviewed(100, 199), 100).json()["id"]
    changed(lambda: reviewed(150, 249), 150)
    changed(lambda: reviewed(900, 999, labels=["bullish_harami"]), 150)
    changed(lambda: client.delete(f"/series/{SERIES}/reviewed/{first}"), 100)
    span = {"label": "bullish_harami", "start_time": TIMES[300], "end_time": TIMES[301]}
    made = changed(lambda: client.post(f"/series/{SERIES}/annotations", json=span), 100).json()
    assert counted(client)["annotations"]["human"] == 1
    path = f"/series/{SERIES}/annotations/{made['id']}"
    changed(lambda: client.patch(path, json={"label": "bearish_harami"}, headers={"If-Match": "*"}), 100)
    changed(lambda: client.delete(path, headers={"If-Match": "*"}), 100)
    assert "human" not in counted(client)["annotations"]


def test_disagreements_are_as_many_as_their_list_has(client: httpx.Client, trained: Settings) -> None:
    assert counted(client)["disagreements"] is None
    scored(client, trained)
    found = counted(client)["disagreements"]
    by_kind = {
        kind.value: len(
            client.get(f"/series/{SERIES}/disagreements", params={"kind": kind, "limit": 1_000}).json()["items"]
        )
        for kind in Kind
    }
    assert found == by_kind
    assert sum(by_kind.values()) > 0


def test_counts_belong_to_one_label_set(client: httpx.Client) -> None:
    labels = [{"name": "gap", "code": "GAP", "colour": "#112233"}]
    assert client.post("/label-sets", json={"name": "gaps", "labels": labels}).status_code == 201
    assert counted(client, label_set="gaps")["annotations"] == {}
    assert client.get("/series", params={"label_set": "none"}).json()["code"] == "unknown_label_set"


def test_what_was_counted_is_there_after_a_restart_and_nothing_is_read_for_it(
    trained: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with client_of(create_app(trained)) as client:
        before = counted(client)
    with client_of(create_app(trained)) as client:
        monkeypatch.setattr(CandleStore, "read", None)
        assert listed(client) == before


def test_a_longer_list_takes_no_more_queries(cold: httpx.Client) -> None:
    small = csv_of(random_candles(40, seed=3))

    def queries() -> int:
        asked: list[str] = []

        def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
            if "series" in statement:  # not what polls the champion meanwhile
                asked.append(statement)

        event.listen(Engine, "before_cursor_execute", note)
        cold.get("/series")
        event.remove(Engine, "before_cursor_execute", note)
        return len(asked)

    def add(symbol: str) -> None:
        assert cold.post("/series", params={"name": "x.csv", "symbol": symbol}, content=small).status_code == 201

    add("A1")
    counted(cold, "A1-1h")
    one = min(queries() for _ in range(3))  # what looks after the counts in the background may ask meanwhile
    for number in range(2, 8):
        add(f"A{number}")
    for number in range(2, 8):
        counted(cold, f"A{number}-1h")
    assert min(queries() for _ in range(3)) == one
