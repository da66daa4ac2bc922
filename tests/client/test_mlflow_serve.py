"""The champion behind the real ``mlflow models serve`` finds what the service finds."""

from __future__ import annotations

from pathlib import Path

import httpx
import pandas as pd
import pytest

from benchmarks.predict_clients import served_by_mlflow
from client import Client
from tests.client.conftest import registry_of
from tests.support.service import CANDLES


@pytest.mark.slow
def test_candles_as_records_give_the_spans_of_the_service(client: Client, trained_home: Path) -> None:
    candles = CANDLES[-500:]
    columns = {"time": candles.time, **candles.columns()}
    frame = pd.DataFrame(columns)
    with served_by_mlflow(registry_of(trained_home)) as (port, _):
        body = {"dataframe_records": frame.to_dict("records")}
        answer = httpx.post(f"http://127.0.0.1:{port}/invocations", json=body, timeout=60)
        refused = httpx.post(
            f"http://127.0.0.1:{port}/invocations",
            json={"dataframe_records": frame.drop(columns="close").to_dict("records")},
            timeout=60,
        )
    assert answer.status_code == 200, answer.text
    found = pd.DataFrame(answer.json()["predictions"])
    expected = client.predict(frame.assign(time=pd.to_datetime(frame["time"], unit="us", utc=True))).spans
    assert len(found) == len(expected) > 5
    assert found["label"].tolist() == expected["label"].tolist()
    for name in ("start_time", "end_time"):
        assert pd.to_datetime(found[name], unit="us", utc=True).tolist() == expected[name].tolist()
    for name in ("confidence", "uncertainty"):
        assert found[name].tolist() == pytest.approx(expected[name].tolist(), abs=1e-6)
    assert found["provisional"].tolist() == expected["provisional"].tolist()
    assert refused.status_code == 400
    assert "close" in refused.text
