"""The registered model in a fresh environment that holds what it asks for and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from client import Client
from tests.client.conftest import registry_of, same_spans
from tests.support.fresh import fresh_environment
from tests.support.service import CANDLES

MODEL = "models:/candleloop-default@champion"
REQUIREMENTS = f"""
import sys, mlflow
mlflow.set_tracking_uri(sys.argv[1])
print(mlflow.pyfunc.get_model_dependencies({MODEL!r}))
"""
PREDICT = f"""
import importlib.util, json, sys
import mlflow, pandas
for absent in ("candleloop", "rq", "redis", "pydantic_settings"):
    assert importlib.util.find_spec(absent) is None, absent
mlflow.set_tracking_uri(sys.argv[1])
model = mlflow.pyfunc.load_model({MODEL!r})
records = json.load(open(sys.argv[2]))
model.predict(pandas.DataFrame(records)).to_json(sys.argv[3], orient="records", double_precision=15)
"""


def said_by(python: Path | str, script: str, *arguments: object, folder: Path) -> str:
    """Run a script that sees its own environment's packages alone, and return what it printed."""
    command = [str(python), "-I", "-c", script, *map(str, arguments)]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.mark.installs
@pytest.mark.timeout(1200)
def test_the_model_loads_where_only_its_own_requirements_are_and_finds_what_the_service_finds(
    client: Client, trained_home: Path, tmp_path: Path
) -> None:
    registry = registry_of(trained_home)
    requirements = said_by(sys.executable, REQUIREMENTS, registry, folder=tmp_path).split()[-1]
    python = fresh_environment(tmp_path / "clean", "-r", requirements)
    candles = CANDLES[-500:]
    frame = pd.DataFrame({"time": candles.time, **candles.columns()})
    records, spans = tmp_path / "candles.json", tmp_path / "spans.json"
    records.write_text(json.dumps(frame.to_dict("records")))
    said_by(python, PREDICT, registry, records, spans, folder=tmp_path)

    found = pd.DataFrame(json.loads(spans.read_text()))
    expected = client.predict(frame.assign(time=pd.to_datetime(frame["time"], unit="us", utc=True))).spans
    same_spans(found, expected)
