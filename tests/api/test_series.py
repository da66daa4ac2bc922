"""Series over HTTP: upload, describe, page through candles and annotations; and the label sets."""

from __future__ import annotations

import csv
import gzip
import io

import httpx
import pytest

from tests.support.candles import random_candles
from tests.support.service import CANDLES, SERIES, columns_of, csv_of

SMALL = random_candles(300, seed=21)


def test_an_uploaded_file_becomes_a_series_once(cold: httpx.Client) -> None:
    parameters = {"name": "ABC_1h.csv", "symbol": "ABC"}
    answer = cold.post("/series", params=parameters, content=csv_of(SMALL))
    imported = answer.json()
    assert (answer.status_code, imported["series_id"], imported["created"]) == (201, "ABC-1h", True)
    assert answer.headers["location"] == "/series/ABC-1h"
    assert (imported["series_version"], imported["report"]["rows_kept"]) == (SMALL.version(), 300)
    again = cold.post("/series", params=parameters, content=csv_of(SMALL))
    assert (again.status_code, again.json()["created"]) == (200, False)


def test_other_candles_under_the_same_id_are_a_conflict(cold: httpx.Client) -> None:
    parameters = {"name": "ABC_1h.csv", "symbol": "ABC"}
    cold.post("/series", params=parameters, content=csv_of(SMALL))
    answer = cold.post("/series", params=parameters, content=csv_of(SMALL[:200]))
    assert (answer.status_code, answer.json()["code"]) == (409, "series_exists")
    assert answer.json()["series_id"] == "ABC-1h"


def test_a_file_that_holds_no_candles_is_refused_in_one_line(cold: httpx.Client) -> None:
    answer = cold.post("/series", params={"name": "notes.txt"}, content=b"dear diary,\nnothing happened\n")
    assert (answer.status_code, answer.json()["code"]) == (422, "not_a_candle_file")


def test_an_upload_that_would_unpack_to_far_more_than_it_is_becomes_nothing(cold: httpx.Client) -> None:
    bomb = gzip.compress(b"2020-01-01 00:00:00,1,1,1,1,1\n" * 1_000_000, 9)
    assert len(bomb) < 200_000
    answer = cold.post("/series", params={"name": "ABC_1h.csv.gz", "symbol": "ABC"}, content=bomb)
    assert (answer.status_code, answer.json()["code"]) == (422, "packed_too_tightly")
    assert cold.get("/series").json()["items"] == []


def test_an_empty_upload_is_refused(cold: httpx.Client) -> None:
    assert cold.post("/series", params={"name": "a.csv"}).json()["code"] == "empty_file"


@pytest.mark.parametrize("series_id", ["../up", "a/b", ".hidden", "x" * 81])
def test_a_series_id_that_is_a_path_is_refused(cold: httpx.Client, series_id: str) -> None:
    answer = cold.post("/series", params={"name": "a.csv", "series_id": series_id}, content=csv_of(SMALL))
    assert (answer.status_code, answer.json()["field"]) == (422, "series_id")


def test_series_are_listed_page_by_page(cold: httpx.Client) -> None:
    for symbol in ("B", "A", "C"):
        cold.post("/series", params={"name": "x.csv", "symbol": symbol}, content=csv_of(SMALL))
    first = cold.get("/series", params={"limit": 2}).json()
    second = cold.get("/series", params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert [item["series_id"] for item in first["items"] + second["items"]] == ["A-1h", "B-1h", "C-1h"]
    assert second["next_cursor"] is None


def test_a_series_is_described_with_test_bars_and_annotations(client: httpx.Client) -> None:
    found = client.get(f"/series/{SERIES}").json()
    times = columns_of(CANDLES)["time"]
    assert (found["bars"], found["timeframe_seconds"], found["first_time"]) == (4_000, 3_600, times[0])
    assert found["test_bars"] == {"start_time": times[3_200], "end_time": times[-1]}
    assert found["annotations"]["talib"] > 100
    assert found["report"]["rows_in"] == 4_000


def test_every_row_of_a_defect_can_be_had_where_the_report_names_the_first(cold: httpx.Client) -> None:
    lines = csv_of(SMALL).decode().splitlines()
    damaged = list(range(20, 280, 13))
    for place in damaged:
        lines[place] = lines[place].replace(",", ",-", 1)
    cold.post("/series", params={"name": "ABC_1h.csv", "symbol": "ABC"}, content="\n".join(lines).encode())
    defect = next(
        one for one in cold.get("/series/ABC-1h").json()["report"]["defects"] if one["kind"] == "non_positive_price"
    )
    assert (defect["count"], len(defect["rows"])) == (len(damaged), 5)
    answer = cold.get("/series/ABC-1h/report/rows")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/csv; charset=utf-8")
    assert '"ABC-1h-rows.csv"' in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    found = [(row["first_row"], row["last_row"]) for row in rows if row["kind"] == "non_positive_price"]
    assert found == [(str(place + 1), str(place + 1)) for place in damaged]


def test_a_report_without_defects_has_no_rows_and_a_series_that_is_not_there_has_none(cold: httpx.Client) -> None:
    cold.post("/series", params={"name": "ABC_1h.csv", "symbol": "ABC"}, content=csv_of(SMALL))
    assert cold.get("/series/ABC-1h/report/rows").text.splitlines() == ["kind,action,first_row,last_row,message"]
    unknown = cold.get("/series/NONE/report/rows")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_series")


def test_candles_are_paged_through_by_time(client: httpx.Client) -> None:
    collected: dict[str, list[object]] = {}
    cursor, pages = None, 0
    while pages == 0 or cursor:
        page = client.get(
            f"/series/{SERIES}/candles", params={"limit": 1_500, **({"cursor": cursor} if cursor else {})}
        )
        found = page.json()
        for field, values in found["candles"].items():
            collected.setdefault(field, []).extend(values)
        cursor, pages = found["next_cursor"], pages + 1
    assert pages == 3
    assert collected == columns_of(CANDLES)


def test_candles_of_a_range_include_both_ends(client: httpx.Client) -> None:
    times = columns_of(CANDLES)["time"]
    page = client.get(f"/series/{SERIES}/candles", params={"start_time": times[10], "end_time": times[12]}).json()
    assert page["candles"]["time"] == times[10:13]
    assert page["next_cursor"] is None


def test_the_latest_candles_come_with_before(client: httpx.Client) -> None:
    times = columns_of(CANDLES)["time"]
    page = client.get(f"/series/{SERIES}/candles", params={"before": "2199-01-01", "limit": 5}).json()
    assert page["candles"]["time"] == times[-5:]


@pytest.mark.parametrize("parameter", ["start_time", "end_time", "before", "cursor"])
def test_a_bad_time_names_its_parameter(client: httpx.Client, parameter: str) -> None:
    answer = client.get(f"/series/{SERIES}/candles", params={parameter: "soon"})
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (422, "not_a_time", parameter)


def test_annotations_are_listed_by_start_and_filtered(client: httpx.Client) -> None:
    times = columns_of(CANDLES)["time"]
    everything = client.get(f"/series/{SERIES}/annotations", params={"limit": 1_000}).json()["items"]
    assert {item["origin"] for item in everything} == {"talib"}
    assert [item["start_time"] for item in everything] == sorted(item["start_time"] for item in everything)
    part = client.get(
        f"/series/{SERIES}/annotations", params={"start_time": times[500], "end_time": times[700], "origin": "talib"}
    ).json()["items"]
    assert part == [item for item in everything if item["end_time"] >= times[500] and item["start_time"] <= times[700]]
    assert client.get(f"/series/{SERIES}/annotations", params={"origin": "human"}).json()["items"] == []


@pytest.mark.parametrize("path", ["", "/candles", "/annotations"])
def test_an_unknown_series_is_a_404(client: httpx.Client, path: str) -> None:
    answer = client.get(f"/series/NONE-1d{path}")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_series")


def test_label_sets_tell_their_labels_and_champion(client: httpx.Client) -> None:
    [label_set] = [item for item in client.get("/label-sets").json()["items"] if item["name"] == "default"]
    assert (label_set["name"], len(label_set["labels"]), label_set["labels"][0]["name"]) == (
        "default",
        8,
        "morning_star",
    )
    assert label_set["champion"] == client.get("/model/info").json()["model"]["version"]


def test_long_answers_are_compressed_and_predictions_are_not(client: httpx.Client) -> None:
    headers = {"accept-encoding": "gzip"}
    with client.stream("GET", f"/series/{SERIES}/candles", headers=headers) as answer:
        raw = b"".join(answer.iter_raw())
    assert answer.headers["content-encoding"] == "gzip"
    assert len(gzip.decompress(raw)) > 2 * len(raw)
    predicted = client.post("/predict", json={"candles": columns_of(CANDLES[-300:])}, headers=headers)
    assert "content-encoding" not in predicted.headers
    assert len(predicted.content) > 1_024


def test_newer_candles_are_appended_and_other_values_refused(client: httpx.Client) -> None:
    step = int(CANDLES.time[1] - CANDLES.time[0])
    more = random_candles(30, seed=9, start=int((CANDLES.time[-1] + step) // 1_000_000))
    answer = client.post(f"/series/{SERIES}/candles", params={"name": "TEST_1h.csv"}, content=csv_of(more))
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["bars"], found["appended"], found["revised"]) == (len(CANDLES) + 30, 30, 0)
    assert client.get(f"/series/{SERIES}").json()["series_version"] == found["series_version"]
    again = client.post(f"/series/{SERIES}/candles", params={"name": "TEST_1h.csv"}, content=csv_of(more)).json()
    assert (again["appended"], again["unchanged"], again["series_version"]) == (0, 30, found["series_version"])
    other = csv_of(random_candles(30, seed=10, start=int((CANDLES.time[-1] + step) // 1_000_000)))
    refused = client.post(f"/series/{SERIES}/candles", params={"name": "TEST_1h.csv"}, content=other)
    assert (refused.status_code, refused.json()["code"]) == (409, "candles_differ")
    revised = client.post(f"/series/{SERIES}/candles", params={"name": "TEST_1h.csv", "revise": True}, content=other)
    assert revised.json()["revised"] == 30
    assert (
        client.post("/series/NONE/candles", params={"name": "x.csv"}, content=other).json()["code"] == "unknown_series"
    )
    empty = client.post(f"/series/{SERIES}/candles", params={"name": "x.csv"})
    assert (empty.status_code, empty.json()["code"]) == (422, "empty_file")


def test_the_loop_of_a_label_set_is_described_before_there_is_a_model(cold: httpx.Client) -> None:
    found = cold.get("/label-sets/default/status").json()
    assert found == {
        "label_set": "default",
        "champion": None,
        "revision": None,
        "pinned": False,
        "feedback": {"waiting": 0, "next_retrain_at": None},
        "training": None,
    }
    assert cold.get("/label-sets/none/status").json()["code"] == "unknown_label_set"


def test_the_status_of_a_label_set_shows_feedback_that_waits_and_the_training_that_comes(client: httpx.Client) -> None:
    times = columns_of(CANDLES)["time"]
    span = {"label": "bullish_harami", "start_time": times[100], "end_time": times[101]}
    assert client.post(f"/series/{SERIES}/annotations", json=span).status_code == 201
    found = client.get("/label-sets/default/status").json()
    assert found["champion"] == client.get("/model/info").json()["model"]["version"]
    assert (found["feedback"]["waiting"], found["feedback"]["next_retrain_at"] is None) == (1, False)
    job = client.post("/train", json={}).json()["job"]
    assert client.get("/label-sets/default/status").json()["training"]["id"] == job["id"]


def test_an_import_report_names_each_defect_with_its_rows(cold: httpx.Client) -> None:
    lines = csv_of(SMALL).splitlines(keepends=True)
    lines[10] = lines[10].replace(b",", b";;", 1)
    content = b"".join([*lines[:20], lines[19], *lines[20:]])
    report = cold.post("/series", params={"name": "ABC_1h.csv", "symbol": "ABC"}, content=content).json()["report"]
    assert (report["rows_in"], report["rows_kept"], report["timeframe"]) == (301, 299, "1h")
    defects = {defect["kind"]: (defect["rows"], defect["action"]) for defect in report["defects"]}
    assert defects["malformed"] == ([11], "quarantined")
    assert defects["duplicate"] == ([21], "quarantined")
    assert report["first_time"] == columns_of(SMALL)["time"][0]
    assert cold.get("/series/ABC-1h").json()["report"] == report
