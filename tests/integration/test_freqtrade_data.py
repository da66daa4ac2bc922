"""Freqtrade itself writes a data folder that candleloop imports, and merges the signals that candleloop writes."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from candleloop.candles.frame import Candles
from cli.main import app
from tests.support.candles import random_candles
from tests.support.commands import command_home
from tests.support.fresh import fresh_environment

FREQTRADE = "freqtrade==2026.9"
HANDLERS = ("feather", "parquet", "json", "jsongz")

STORE = """
import sys
from pathlib import Path
import pandas as pd
from freqtrade.data.history.datahandlers import get_datahandler
from freqtrade.enums import CandleType

folder, frames = map(Path, sys.argv[1:])
for number, name in enumerate(("feather", "parquet", "json", "jsongz")):
    frame = pd.read_parquet(frames / f"{number}.parquet")
    kept = get_datahandler(folder, name)
    kept.ohlcv_store(f"A{number}/USDT", "1h", frame, CandleType.SPOT)
    kept.ohlcv_store(f"A{number}/USDT:USDT", "1h", frame, CandleType.FUTURES)
    rates = frame.rename(columns={"open": "funding_rate"})[["date", "funding_rate"]]
    kept.ohlcv_store(f"A{number}/USDT:USDT", "8h", rates, CandleType.FUNDING_RATE)
"""
MERGE = """
import sys
from pathlib import Path
import pandas as pd
from freqtrade.data.history import load_pair_history

folder, signals = map(Path, sys.argv[1:])
dataframe = load_pair_history("A0/USDT", "1h", folder, data_format="feather", fill_up_missing=False)
merged = dataframe.merge(pd.read_feather(signals), on="date", how="left")
print(len(merged), int(merged["series_id"].notna().sum()), int((merged["bullish_harami"] > 0).sum()))
"""


@pytest.fixture(scope="module")
def freqtrade(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that has Freqtrade."""
    return fresh_environment(tmp_path_factory.mktemp("freqtrade"), FREQTRADE)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    yield from command_home(tmp_path, monkeypatch)


def run(*arguments: str) -> str:
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    return done.stdout


def ask(python: Path, script: str, *arguments: Path) -> str:
    done = subprocess.run(
        [python, "-c", script, *arguments], env=os.environ, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def frame_of(candles: Candles) -> pd.DataFrame:
    """Return candles as Freqtrade holds them."""
    return pd.DataFrame({"date": pd.to_datetime(candles.time, unit="us", utc=True), **candles.columns()})


@pytest.mark.installs
@pytest.mark.timeout(900)
def test_what_freqtrade_stores_becomes_series_and_it_merges_their_signals(freqtrade: Path, home: Path) -> None:
    data, frames = home / "user_data" / "data" / "binance", home / "frames"
    (data / "futures").mkdir(parents=True)
    frames.mkdir()
    shown = [random_candles(400, seed=seed) for seed in range(len(HANDLERS))]

    def store(bars: int) -> None:
        for number, candles in enumerate(shown):
            frame_of(candles[:bars]).to_parquet(frames / f"{number}.parquet")
        ask(freqtrade, STORE, data, frames)

    store(300)
    imported: dict[str, Any] = json.loads(run("import", str(data), "--json"))
    versions = {one["series_id"]: one["series_version"] for one in imported["imported"]}
    assert versions == {
        series_id: candles[:300].version()
        for number, candles in enumerate(shown)
        for series_id in (f"A{number}-USDT-1h", f"A{number}-USDT-USDT-1h")
    }
    assert {one["reason"] for one in imported["left_out"]} == {"funding rates, no candles"}
    assert len(imported["left_out"]) == len(HANDLERS)

    store(400)
    grown = json.loads(run("import", str(data), "--append", "--json"))
    assert {one["appended"] for one in grown["appended"]} == {100}
    run("label", "A0-USDT-1h")
    signals = home / "signals.feather"
    run("signals", "A0-USDT-1h", "--of", "annotations", "-o", str(signals))
    known = int(np.count_nonzero(pd.read_feather(signals)["bullish_harami"]))
    assert known > 5
    assert ask(freqtrade, MERGE, data, signals).split() == ["400", "400", str(known)]
