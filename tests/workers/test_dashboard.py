"""Under which names the RQ dashboard answers; its pages are tested with a Redis in tests/integration."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from config.settings import ROOT
from workers.dashboard import make_app
from workers.passwords import basic_authorization

NOWHERE = "redis://127.0.0.1:9/0"
REFUSED_CHANGE = 403
"""Answered before Redis is asked, by whatever name is let through."""


@pytest.mark.parametrize("bound", ["127.0.0.1", "localhost", "::1"])
@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:9181", "127.0.0.1:3000", "[::1]:9181"])
def test_loopback_names_are_answered(bound: str, host: str) -> None:
    answer = make_app(NOWHERE, bound).test_client().post("/requeue/batch", headers={"Host": host})
    assert answer.status_code == REFUSED_CHANGE


@pytest.mark.parametrize("path", ["/", "/0/data/jobs/batch/queued/8/desc/1.json", "/requeue/batch", "/nowhere"])
@pytest.mark.parametrize("host", ["evil.example", "evil.example:9181", "localhost.evil.example", "127.0.0.1.nip.io"])
def test_other_names_are_refused_on_loopback(path: str, host: str) -> None:
    answer = make_app(NOWHERE).test_client().get(path, headers={"Host": host})
    assert answer.status_code == 421
    assert "localhost" in answer.get_json()["status"]


def test_any_name_is_answered_elsewhere() -> None:
    client = make_app(NOWHERE, "0.0.0.0").test_client()
    assert client.post("/requeue/batch", headers={"Host": "candles.example"}).status_code == REFUSED_CHANGE


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_with_a_password_every_page_asks_for_it(host: str) -> None:
    client = make_app(NOWHERE, host, "p:ss wört").test_client()
    for authorization in (
        None,
        "Basic",
        "Basic !",
        "Bearer p:ss wört",
        basic_authorization("p:ss"),
        basic_authorization(""),
    ):
        headers = {"Host": "localhost"} | ({} if authorization is None else {"Authorization": authorization})
        for path in ("/", "/0/data/queues.json", "/static/css/main.css", "/requeue/batch"):
            answer = client.get(path, headers=headers)
            assert answer.status_code == 401, (authorization, path)
            assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    right = {"Host": "localhost", "Authorization": basic_authorization("p:ss wört")}
    assert client.post("/requeue/batch", headers=right).status_code == REFUSED_CHANGE


def test_every_answer_has_the_headers_that_protect() -> None:
    answer = make_app(NOWHERE).test_client().get("/requeue/batch", headers={"Host": "localhost"})
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("module", "name"), [("workers.dashboard", "RQ dashboard"), ("workers.mlflow_server", "MLflow")]
)
def test_no_dashboard_starts_where_others_reach_it_without_a_password(module: str, name: str, tmp_path: Path) -> None:
    environment = os.environ | {"CANDLELOOP_HOST": "0.0.0.0", "CANDLELOOP_HOME": str(tmp_path)}
    ended = subprocess.run(
        [sys.executable, "-m", module], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"The {name} does not start." if name != "MLflow" else "MLflow does not start.")
    assert "CANDLELOOP_DASHBOARD_PASSWORD" in ended.stderr
    assert "Traceback" not in ended.stderr
