"""Under which names the RQ dashboard answers; its pages are tested with a Redis in tests/integration."""

from __future__ import annotations

import pytest

from workers.dashboard import make_app

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
