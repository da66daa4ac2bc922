"""Same inputs and seed: the same model version, in whatever process and on however many threads."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from candleloop.pipeline_config import XGBoostConfig
from candleloop.training.families import TrainingBars, xgboost_trees
from candleloop.training.families.xgboost_trees import XGBoostFamily
from candleloop.training.train import train
from config.settings import ROOT
from tests.support.snapshots import labelled_series, quick_config

TRAIN_ELSEWHERE = """
import sys
from candleloop.training.families import xgboost_trees
from candleloop.training.train import train
from tests.support.snapshots import labelled_series, quick_config

xgboost_trees.SAMPLES_PER_THREAD = 100
snapshot, _, candles_of = labelled_series()
for family in ("xgboost", "random_forest"):
    print(train(snapshot, candles_of, quick_config(family=family, threads=2)).bundle.version)
"""


def test_another_process_with_more_threads_makes_the_same_versions() -> None:
    snapshot, _, candles_of = labelled_series()
    here = [
        train(snapshot, candles_of, quick_config(family=family, threads=1)).bundle.version
        for family in ("xgboost", "random_forest")
    ]
    done = subprocess.run(
        [sys.executable, "-c", TRAIN_ELSEWHERE],
        cwd=ROOT,
        env=os.environ | {"PYTHONHASHSEED": "5", "PYTHONPATH": str(ROOT), "TZ": "Asia/Tokyo"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == here


@pytest.mark.parametrize("seed", [0, 1, 4])
def test_boosting_on_two_threads_gives_the_bytes_of_one_on_many_weighted_samples(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So many that the sum over all samples depends on the order in which threads add it up."""
    monkeypatch.setattr(xgboost_trees, "SAMPLES_PER_THREAD", 100)
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((60_000, 2)).astype(np.float32)
    noisy = features[:, 0] + 0.5 * rng.standard_normal(60_000)
    target = np.digitize(noisy, [-1, -0.3, 0.3, 1]).astype(np.int16)
    given = TrainingBars(
        features=features,
        group=np.zeros(60_000, dtype=np.int32),
        rows=np.arange(60_000),
        target=target,
        weight=np.where(rng.random(60_000) < 0.02, 31.7, 0.3) * (1 + target / 3),
        n_classes=5,
    )
    family = XGBoostFamily(XGBoostConfig(rounds=1))
    one, two = (family.fit(given, seed=3, threads=threads).to_files() for threads in (1, 2))
    assert one == two
