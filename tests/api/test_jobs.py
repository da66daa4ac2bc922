"""Jobs over HTTP: asked for, watched, cancelled. Redis is away in these tests, which changes no answer."""

from __future__ import annotations

import httpx
import pytest

from candleloop.store import jobs
from config.context import open_context
from config.settings import Settings
from tests.support.service import SERIES


def test_autolabel_is_accepted_and_can_be_watched(client: httpx.Client) -> None:
    answer = client.post("/autolabel", json={"series": [SERIES]})
    job = answer.json()["job"]
    assert answer.status_code == 202
    assert answer.headers["location"] == f"/jobs/{job['id']}"
    assert (job["kind"], job["status"], job["label_set"]) == ("autolabel", "queued", "default")
    assert {"done", "total", "unit"} <= set(job["progress"])
    assert client.get(f"/jobs/{job['id']}").json() == job


def test_jobs_can_be_asked_for_without_a_body(client: httpx.Client) -> None:
    assert client.post("/autolabel").status_code == 202
    assert client.post("/train").json()["job"]["label_set"] == "default"


def test_an_unknown_series_is_named_by_its_place(client: httpx.Client) -> None:
    answer = client.post("/autolabel", json={"series": [SERIES, "NONE-1d"]})
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_series")
    assert answer.json()["field"] == "series.1"
    assert client.get("/jobs").json()["items"] == []


@pytest.mark.parametrize("path", ["/autolabel", "/train"])
def test_an_unknown_label_set_is_refused(client: httpx.Client, path: str) -> None:
    answer = client.post(path, json={"label_set": "other"})
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_label_set")


def test_too_few_labels_are_refused_with_counts_before_anything_is_enqueued(cold: httpx.Client) -> None:
    answer = cold.post("/train", json={})
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (409, "too_few_labels")
    assert problem["counts"]["morning_star"] == 0
    assert cold.get("/jobs").json()["items"] == []


def test_the_same_idempotency_key_gives_the_first_job(client: httpx.Client) -> None:
    first, again = (
        client.post("/autolabel", json={"series": [SERIES]}, headers={"Idempotency-Key": "once"}) for _ in range(2)
    )
    assert first.json()["job"]["id"] == again.json()["job"]["id"]
    other = client.post("/autolabel", json={}, headers={"Idempotency-Key": "once"})
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")


def test_a_waiting_job_is_cancelled_at_once(client: httpx.Client) -> None:
    job = client.post("/autolabel").json()["job"]
    assert client.delete(f"/jobs/{job['id']}").json()["job"]["status"] == "cancelled"
    assert client.get(f"/jobs/{job['id']}").json()["status"] == "cancelled"


def test_a_finished_job_shows_its_result_and_cannot_be_cancelled(client: httpx.Client, trained: Settings) -> None:
    job_id = client.post("/autolabel").json()["job"]["id"]
    early = client.get(f"/jobs/{job_id}/result")
    assert (early.status_code, early.json()["code"]) == (409, "no_result")
    with open_context(trained).database.begin() as session:
        row = jobs.claim(session, job_id)
        assert row is not None
        jobs.set_progress(session, job_id, row.attempts, stage="labelling", done=1, total=2, unit="series")
        jobs.succeed(session, job_id, row.attempts, {"spans": 7})
    job = client.get(f"/jobs/{job_id}").json()
    assert (job["status"], job["result_url"]) == ("succeeded", f"/jobs/{job_id}/result")
    assert job["progress"] == {"done": 1, "total": 2, "unit": "series", "stage": "labelling"}
    assert client.get(job["result_url"]).json() == {"spans": 7}
    late = client.delete(f"/jobs/{job_id}")
    assert (late.status_code, late.json()["code"]) == (409, "job_ended")


def test_a_failed_job_says_why(client: httpx.Client, trained: Settings) -> None:
    job_id = client.post("/autolabel").json()["job"]["id"]
    with open_context(trained).database.begin() as session:
        row = jobs.claim(session, job_id)
        assert row is not None
        jobs.fail(session, job_id, row.attempts, "timed_out", "It took too long.")
    job = client.get(f"/jobs/{job_id}").json()
    assert (job["status"], job["error"]["code"], job["result_url"]) == ("failed", "timed_out", None)


def test_jobs_are_listed_newest_first_page_by_page(client: httpx.Client) -> None:
    made = [client.post("/autolabel").json()["job"]["id"] for _ in range(3)]
    first = client.get("/jobs", params={"limit": 2, "kind": "autolabel", "status": "queued"}).json()
    second = client.get("/jobs", params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert [job["id"] for job in first["items"] + second["items"]] == made[::-1]
    assert second["next_cursor"] is None
    assert client.get("/jobs", params={"cursor": "nonsense"}).json()["code"] == "bad_cursor"


@pytest.mark.parametrize("method", ["get", "delete"])
def test_an_unknown_job_is_a_404(client: httpx.Client, method: str) -> None:
    answer = getattr(client, method)("/jobs/none")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_job")


def failed_job(client: httpx.Client, settings: Settings) -> str:
    job_id: str = client.post("/autolabel", json={"series": [SERIES]}).json()["job"]["id"]
    with open_context(settings).database.begin() as session:
        row = jobs.claim(session, job_id)
        assert row is not None
        jobs.fail(session, job_id, row.attempts, "timed_out", "It took too long.")
    return job_id


def test_a_failed_job_is_tried_again_as_a_new_one_that_asks_for_the_same(
    client: httpx.Client, trained: Settings
) -> None:
    failed = failed_job(client, trained)
    answer = client.post(f"/jobs/{failed}/retry")
    job = answer.json()["job"]
    assert (answer.status_code, job["status"], job["kind"]) == (202, "queued", "autolabel")
    assert answer.headers["location"] == f"/jobs/{job['id']}" != f"/jobs/{failed}"
    assert client.get(f"/jobs/{failed}").json()["error"]["code"] == "timed_out"
    with open_context(trained).database.read() as session:
        assert jobs.get(session, job["id"]).arguments == jobs.get(session, failed).arguments
    assert client.post(f"/jobs/{failed}/retry").json()["job"]["id"] == job["id"]


def test_a_cancelled_job_can_be_tried_again_but_none_that_may_still_succeed_or_has(
    client: httpx.Client, trained: Settings
) -> None:
    job_id = client.post("/autolabel").json()["job"]["id"]
    waiting = client.post(f"/jobs/{job_id}/retry")
    assert (waiting.status_code, waiting.json()["code"]) == (409, "job_not_over")
    client.delete(f"/jobs/{job_id}")
    again = client.post(f"/jobs/{job_id}/retry").json()["job"]["id"]
    with open_context(trained).database.begin() as session:
        row = jobs.claim(session, again)
        assert row is not None
        jobs.succeed(session, again, row.attempts, {"series": 1, "spans": 7, "by_label": {}})
    assert client.post(f"/jobs/{again}/retry").json()["code"] == "job_succeeded"
    assert client.post("/jobs/none/retry").json()["code"] == "unknown_job"


def test_a_job_shows_in_numbers_what_it_found_and_when_it_came_further_last(
    client: httpx.Client, trained: Settings
) -> None:
    job_id = client.post("/autolabel").json()["job"]["id"]
    job = client.get(f"/jobs/{job_id}").json()
    assert (job["progressed_at"], job["result"], job["requested_by"]) == (None, None, "api")
    database = open_context(trained).database
    with database.begin() as session:
        row = jobs.claim(session, job_id)
        assert row is not None
    started = client.get(f"/jobs/{job_id}").json()["progressed_at"]
    with database.begin() as session:
        jobs.heartbeat(session, job_id, row.attempts)
    assert client.get(f"/jobs/{job_id}").json()["progressed_at"] == started
    result = {"series": 1, "spans": 7, "by_label": {"morning_star": 7}}
    with database.begin() as session:
        jobs.set_progress(session, job_id, row.attempts, stage="auto-labelling", done=1, total=1, unit="series")
        jobs.succeed(session, job_id, row.attempts, result)
    job = client.get(f"/jobs/{job_id}").json()
    assert job["progressed_at"] > started
    assert job["result"] == result
