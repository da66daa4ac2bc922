"""``/healthz`` and ``/readyz``."""

from __future__ import annotations

import httpx

from api.main import create_app
from config.settings import Settings
from tests.support.http import client_of


def test_alive_whatever_is_away(cold: httpx.Client) -> None:
    answer = cold.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_ready_when_the_database_answers_with_what_is_missing_said(cold: httpx.Client) -> None:
    answer = cold.get("/readyz")
    found = answer.json()
    assert (answer.status_code, found["status"], found["database"]) == (200, "ready", "ok")
    assert "no model yet" in found["model"]
    assert all("cannot be reached" in found[part] for part in ("redis", "mlflow", "workers"))


def test_model_is_ok_when_one_is_served(client: httpx.Client) -> None:
    assert client.get("/readyz").json()["model"] == "ok"


def test_not_ready_without_a_database(empty: Settings) -> None:
    elsewhere = empty.model_copy(update={"database_url": f"sqlite:///{empty.home}/missing/none.db"})
    with client_of(create_app(elsewhere)) as client:
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json()["status"]) == (503, "not_ready")
        assert answer.json()["database"] != "ok"
        refused = client.get("/series")
        assert (refused.status_code, refused.json()["code"]) == (503, "database_unavailable")
        assert client.get("/healthz").status_code == 200
