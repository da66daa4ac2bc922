"""A service in a folder of its own: settings, a prepared database, candles as clients send them."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import yaml

from candleloop import pipeline
from candleloop.candles.frame import Candles
from candleloop.store.database import migrate
from candleloop.times import iso_times
from config.context import label_sets_on_disk, open_context
from config.settings import Settings
from tests.support.candles import random_candles

CONFIG: dict[str, Any] = {
    "training": {"threads": 1, "xgboost": {"rounds": 15, "max_depth": 4}},
    "evaluation": {"bootstrap_samples": 20},
    "out_of_fold": {"folds": 0},
    "prediction": {"max_candles": 3_000, "max_body_bytes": 400_000},
}
SERIES = "TEST-1h"
CANDLES = random_candles(4_000, seed=11)


def csv_of(candles: Candles) -> bytes:
    """Return candles as the text of a generic CSV file."""
    text = io.StringIO()
    writer = csv.writer(text)
    columns = candles.columns()
    writer.writerow(["time", *columns])
    writer.writerows(zip(iso_times(candles.time), *(values.tolist() for values in columns.values()), strict=True))
    return text.getvalue().encode()


def columns_of(candles: Candles) -> dict[str, list[Any]]:
    """Return candles as the columns of a prediction request."""
    return {"time": iso_times(candles.time), **{field: values.tolist() for field, values in candles.columns().items()}}


def settings_in(home: Path, **others: Any) -> Settings:
    """Return settings whose every part lies in a folder; Redis and MLflow are away."""
    return Settings(
        _env_file=None,
        home=home,
        config=home / "pipeline.yaml",
        redis_url=f"unix://{home}/no-redis.sock",
        mlflow_url="http://127.0.0.1:9",
        model_poll_seconds=0.02,
        **others,
    )


def prepared(home: Path) -> Settings:
    """Make a data folder with a database and the label sets in it, and nothing else."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "pipeline.yaml").write_text(yaml.safe_dump(CONFIG))
    chosen = settings_in(home)
    migrate(chosen.database)
    pipeline.prepare(open_context(chosen), label_sets_on_disk(chosen))
    return chosen
