"""The client against a real service: API over a port, Redis, workers that fork."""

from __future__ import annotations

import pandas as pd
import pytest

from client import Client, JobFailed, ServiceProblem, WaitedTooLong
from tests.client.conftest import RunningService
from tests.support.service import CANDLES, SERIES, csv_of


def candles_of(client: Client, last: int = 500) -> pd.DataFrame:
    return client.candles(SERIES, last=last)


def test_candles_of_a_series_are_predicted_as_a_frame(client: Client) -> None:
    answer = client.predict(candles_of(client), series_id=SERIES)
    assert answer.warnings == []
    assert answer.model["label_set"] == "default"
    assert len(answer.spans) > len(answer.found) > 0
    first = answer.found.iloc[0]
    assert first["start_time"] == candles_of(client).index[first["start_index"]]
    assert first["model_version"] == answer.model["version"]


def test_all_candles_come_over_several_pages(client: Client) -> None:
    whole = client.candles(SERIES)
    assert len(whole) == len(CANDLES)
    assert whole["close"].tolist() == CANDLES.close.tolist()
    part = client.candles(SERIES, start=whole.index[10], end=whole.index[12])
    assert part.index.tolist() == whole.index[10:13].tolist()


def test_a_refusal_names_row_and_field(client: Client) -> None:
    wrong = candles_of(client)
    wrong.iloc[7, wrong.columns.get_loc("high")] = 0.01
    with pytest.raises(ServiceProblem) as refused:
        client.predict(wrong)
    assert refused.value.status == 422
    assert refused.value.more["row"] == 7


def test_a_wrong_key_is_a_problem(service: RunningService) -> None:
    with Client(service.url, api_key="no") as stranger, pytest.raises(ServiceProblem) as refused:
        stranger.series()
    assert refused.value.status == 401


def test_a_batch_is_waited_for_and_comes_back_as_a_frame(client: Client, service: RunningService) -> None:
    polled: list[str] = []
    job = client.start_batch(series=[SERIES], candles=[candles_of(client)])
    with service.working("batch"):
        done = client.wait(job["id"], progress=lambda seen: polled.append(seen["status"]), timeout=120)
    found = client.batch_result(done["id"])
    assert polled[-1] == "succeeded"
    assert set(found["input"]) == {0, 1}
    single = client.predict(candles_of(client)).spans
    assert (found["input"] == 1).sum() == len(single)


def test_waiting_ends_when_patience_does_and_when_the_job_is_stopped(client: Client, service: RunningService) -> None:
    job = client.train()
    with pytest.raises(WaitedTooLong, match="goes on"):
        client.wait(job["id"], timeout=0)
    client.cancel(job["id"])
    with service.working("train"), pytest.raises(JobFailed) as ended:
        client.wait(job["id"], timeout=120)
    assert ended.value.job["status"] == "cancelled"


def test_decisions_become_annotations_and_can_be_taken_back(client: Client) -> None:
    found = client.predict(candles_of(client), series_id=SERIES).found
    confirmed = client.confirm(SERIES, found.iloc[0].to_dict())
    assert confirmed["status"] == "accepted"
    assert client.annotations(SERIES, origin="confirmed")["id"].tolist() == [confirmed["annotation_id"]]
    corrected = client.correct(SERIES, found.iloc[1].to_dict(), label="shooting_star", start=found.iloc[1]["end_time"])
    assert corrected["status"] == "accepted"
    dismissed = client.dismiss(SERIES, found.iloc[2].to_dict(), reason="wrong_label")
    assert dismissed["status"] == "accepted"
    for result in (confirmed, corrected, dismissed):
        assert client.undo(SERIES, result["event_id"])["status"] == "accepted"
    assert client.annotations(SERIES, origin="confirmed").empty


def test_files_go_in_and_annotations_travel(client: Client) -> None:
    imported = client.import_file(csv_of(CANDLES[:600]), name="OTHER_1h.csv", symbol="OTHER")
    assert imported["created"]
    assert "OTHER-1h" in client.series()["series_id"].tolist()
    more = client.append_file("OTHER-1h", csv_of(CANDLES[500:700]), name="OTHER_1h.csv")
    assert (more["appended"], more["unchanged"]) == (100, 100)
    times = client.candles("OTHER-1h").index
    client.annotate("OTHER-1h", "bullish_harami", times[100], times[101])
    exported = client.export_annotations("OTHER-1h", format="csv")
    assert client.import_annotations("OTHER-1h", exported, as_="human", format="csv")["kept"] == {}


def test_tables_of_a_series_are_frames_that_name_it(client: Client) -> None:
    features, signals = client.features(SERIES), client.signals(SERIES, of="annotations")
    assert features["close"].tolist() == CANDLES.close.tolist()
    assert signals["date"].tolist() == features["time"].tolist()
    for frame in (features, signals):
        assert (set(frame["series_id"]), set(frame["series_version"])) == ({SERIES}, {CANDLES.version()})
    client.import_file(csv_of(CANDLES[:500]), name="UNSEEN_1h.csv", series_id="UNSEEN-1h")
    with pytest.raises(ServiceProblem) as refused:
        client.export_predictions("UNSEEN-1h")
    assert refused.value.code == "no_predictions"
