"""The champion behind the real ``mlflow models serve`` finds what the service finds."""

from __future__ import annotations

import shutil
from pathlib import Path

import httpx
import pandas as pd
import pytest

from benchmarks.predict_clients import served_by_mlflow
from client import Client
from tests.client.conftest import registry_of, same_spans
from tests.support.service import CANDLES

FRAME = pd.DataFrame({"time": CANDLES.time, **CANDLES.columns()})[-500:]


def ask(port: int, frame: pd.DataFrame) -> httpx.Response:
    body = {"dataframe_records": frame.to_dict("records")}
    return httpx.post(f"http://127.0.0.1:{port}/invocations", json=body, timeout=60, trust_env=False)


def spans_of(answer: httpx.Response) -> pd.DataFrame:
    assert answer.status_code == 200, answer.text
    return pd.DataFrame(answer.json()["predictions"])


def expected(client: Client) -> pd.DataFrame:
    return client.predict(FRAME.assign(time=pd.to_datetime(FRAME["time"], unit="us", utc=True))).spans


@pytest.mark.slow
def test_candles_as_records_give_the_spans_of_the_service(client: Client, trained_home: Path) -> None:
    with served_by_mlflow(registry_of(trained_home)) as (port, _):
        found = spans_of(ask(port, FRAME))
        whole = spans_of(ask(port, FRAME.astype({"volume": int})))
        refused = ask(port, FRAME.drop(columns="close"))
    same_spans(found, expected(client))
    assert len(whole) > 5  # numbers without a fraction are numbers
    assert refused.status_code == 400
    assert "close" in refused.text


@pytest.mark.installs
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("manager", ["uv", "virtualenv"])
def test_mlflow_makes_the_environment_of_the_model_itself(
    manager: str, client: Client, trained_home: Path, tmp_path: Path
) -> None:
    if manager == "virtualenv" and shutil.which("pyenv") is None:
        pytest.skip("MLflow's virtualenv manager takes its Python from pyenv, which is not here")
    more = {"MLFLOW_ENV_ROOT": str(tmp_path)}
    with served_by_mlflow(registry_of(trained_home), manager=manager, more=more, seconds=900) as (port, _):
        found = spans_of(ask(port, FRAME))
    same_spans(found, expected(client))
    (made,) = tmp_path.iterdir()
    assert list(made.rglob("site-packages/mlflow"))
    assert not list(made.rglob("site-packages/*candleloop*"))
