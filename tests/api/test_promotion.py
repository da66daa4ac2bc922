"""Promote, roll back, unpin, over HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from candleloop.context import Context
from candleloop.store import models
from config.context import open_context
from config.settings import Settings
from tests.support.versions import add_version, champion
from tests.support.waiting import wait_for

FAILED = {"promote": False, "reasons": ["Loses 0.2 of macro-F1."]}
PASSED = {"promote": True, "reasons": ["Better."]}


@pytest.fixture
def context(trained: Settings) -> Context:
    return open_context(trained)


def promote(client: httpx.Client, version: str, **body: Any) -> httpx.Response:
    return client.post(f"/models/{version}/promote", json=body)


def info(client: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/model/info").json()
    return found


def test_a_version_that_passed_the_gate_is_promoted_and_served(client: httpx.Client, context: Context) -> None:
    first, second = champion(context), add_version(context, gate=PASSED).version
    before = info(client)["revision"]
    answer = promote(client, second)
    assert answer.status_code == 200
    assert answer.json() == {
        "label_set": "default",
        "version": second,
        "previous": first,
        "revision": before + 1,
        "pinned": False,
        "how": "manual",
        "warnings": [],
    }
    wait_for(lambda: info(client)["model"]["version"] == second, "served version")


def test_a_version_that_failed_needs_override_and_a_reason(client: httpx.Client, context: Context) -> None:
    first, second = champion(context), add_version(context, gate=FAILED).version
    refused = promote(client, second)
    assert (refused.status_code, refused.json()["code"], refused.json()["field"]) == (409, "gate_failed", "override")
    assert refused.json()["reasons"] == FAILED["reasons"]
    for reason in (None, "  "):
        unexplained = promote(client, second, override=True, reason=reason)
        assert (unexplained.status_code, unexplained.json()["code"]) == (422, "missing_reason")
    assert champion(context) == first
    assert promote(client, second, override=True, reason="We need it").status_code == 200
    with context.database.read() as session:
        latest = models.promotions(session, "default")[0]
    assert (latest.version, latest.how, latest.reason) == (second, "manual", "We need it")


def test_a_version_served_before_is_rolled_back_to_and_pinned_until_unpinned(
    client: httpx.Client, context: Context
) -> None:
    first, second = champion(context), add_version(context, gate=PASSED).version
    promote(client, second)
    back = promote(client, first, reason="It was better").json()
    assert (back["version"], back["how"], back["pinned"]) == (first, "rollback", True)
    unpinned = client.delete("/models/pin")
    assert unpinned.status_code == 200
    assert (unpinned.json()["version"], unpinned.json()["pinned"]) == (first, False)


def test_who_saw_an_older_champion_is_refused(client: httpx.Client, context: Context) -> None:
    first, second = champion(context), add_version(context, gate=PASSED).version
    revision = info(client)["revision"]
    assert promote(client, second, expected_revision=revision).status_code == 200
    late = promote(client, first, expected_revision=revision)
    assert (late.status_code, late.json()["code"]) == (409, "champion_moved")
    assert champion(context) == second


def test_a_bundle_that_cannot_be_served_is_not_promoted(client: httpx.Client, context: Context) -> None:
    first, second = champion(context), add_version(context, damaged=True, gate=PASSED).version
    refused = promote(client, second)
    assert (refused.status_code, refused.json()["code"]) == (409, "bundle_refused")
    assert champion(context) == first


def test_unknown_versions_and_label_sets_are_404(cold: httpx.Client) -> None:
    assert promote(cold, "0" * 12).json()["code"] == "unknown_model"
    assert cold.delete("/models/pin", params={"label_set": "other"}).json()["code"] == "unknown_label_set"
    assert cold.delete("/models/pin").json()["code"] == "no_champion"
