"""Tables of stored series by HTTP: predictions, signals, features."""

from __future__ import annotations

import io
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pytest

from candleloop.pipeline import read_series
from candleloop.pipeline.tables import _known_from
from config.context import open_context
from config.settings import Settings
from tests.support.annotations import bar_times
from tests.support.scoring import score
from tests.support.service import CANDLES, SERIES


def table(client: httpx.Client, name: str, **query: Any) -> pd.DataFrame:
    answer = client.get(f"/series/{SERIES}/{name}", params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/vnd.apache.parquet"
    return pd.read_parquet(io.BytesIO(answer.content))


def test_predictions_leave_with_their_model_and_the_version_of_their_series(
    client: httpx.Client, trained: Settings
) -> None:
    version = score(trained)
    found = table(client, "predictions/export")
    stored = pd.DataFrame(client.get(f"/series/{SERIES}/predictions", params={"limit": 1_000}).json()["items"])
    assert len(found) >= len(stored) > 0
    assert found["confidence"].tolist()[: len(stored)] == stored["confidence"].tolist()
    assert set(found["series_id"]) == {SERIES}
    assert set(found["series_version"]) == {CANDLES.version()}
    assert set(found["model_version"]) == {version}
    assert str(found["start_time"].dt.tz) == "UTC"
    for form, read in (("csv", pd.read_csv), ("jsonl", lambda text: pd.read_json(text, lines=True))):
        answer = client.get(f"/series/{SERIES}/predictions/export", params={"format": form})
        same = read(io.StringIO(answer.text))
        assert same["confidence"].tolist() == pytest.approx(found["confidence"].tolist())
        assert set(same["series_version"]) == {CANDLES.version()}
        query = {"series_id": SERIES, "as": "human", "format": form}
        refused = client.post("/annotations/import", params=query, content=answer.content)
        assert refused.json()["code"] == "predictions_are_no_annotations"


def test_signals_merge_with_candles_on_date(client: httpx.Client, trained: Settings) -> None:
    score(trained)
    found = table(client, "predictions/export")
    given = table(client, "signals")
    candles = read_series(open_context(trained), SERIES)
    # As Freqtrade hands candles to a strategy.
    frame = pd.DataFrame({"date": pd.to_datetime(candles.time, unit="us", utc=True).as_unit("ms"), "close": 1.0})
    later = frame["date"].iloc[[-1]] + pd.Timedelta(hours=1)
    frame = pd.concat([frame, pd.DataFrame({"date": later, "close": 1.0})], ignore_index=True)
    merged = frame.merge(given, on="date", how="left", validate="one_to_one")
    assert len(merged) == len(frame)
    assert merged["model_version"].iloc[:-1].unique().tolist() == found["model_version"].unique().tolist()
    for label, spans in found.groupby("label"):
        best = spans.groupby("end_time")["confidence"].max()
        at = merged.set_index("date")[label]
        assert at[at > 0].tolist() == best.tolist()
        assert [moment.timestamp() for moment in at[at > 0].index] == [moment.timestamp() for moment in best.index]
        assert np.isnan(at.iloc[-1])


def test_annotations_are_signals_on_their_last_bar(client: httpx.Client) -> None:
    given = table(client, "signals", of="annotations")
    rows = client.get(f"/series/{SERIES}/annotations", params={"limit": 1_000}).json()["items"]
    marked = {(row["label"], pd.Timestamp(row["end_time"])) for row in rows}
    labels = {label for label, _ in marked}
    told = {(label, date) for label in labels for date in given.loc[given[label] > 0, "date"]}
    assert marked <= told
    assert given["model_version"].isna().all()


def test_a_span_is_known_when_the_bars_that_the_model_reads_after_it_are_there() -> None:
    time = bar_times(10)
    spans = [("a", int(time[3]), 0.5), ("a", int(time[3]), 0.9), ("b", int(time[8]), 0.7)]
    known = _known_from(spans, time, ("a", "b"), ahead=2)
    assert np.flatnonzero(known["a"]).tolist() == [5]
    assert known["a"][5] == 0.9
    assert not known["b"].any()


def test_features_come_with_the_candles_of_the_series(client: httpx.Client) -> None:
    found = table(client, "features")
    assert len(found) == len(CANDLES)
    assert found["close"].tolist() == CANDLES.close.tolist()
    assert set(found["series_id"]) == {SERIES}
    assert set(found["series_version"]) == {CANDLES.version()}
    assert found["body_0"].notna().sum() > 0


def test_what_is_not_there_is_said(client: httpx.Client) -> None:
    for name in ("predictions/export", "signals", "features"):
        assert client.get(f"/series/NONE/{name}").status_code == 404
