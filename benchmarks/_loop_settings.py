"""What ``benchmarks/bench_loop.py`` runs: regimes, models, strategies, people. Everything assumed stands here."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from candleloop.annotations.label_set import LabelSet
from candleloop.candles.demo import demo_files
from candleloop.candles.frame import MICROSECONDS, Candles
from candleloop.candles.readers import read_candles
from candleloop.loop.simulation.campaign import Plan
from candleloop.loop.simulation.learner import Learner
from candleloop.loop.simulation.regimes import RARE, REVERSALS, RuleBars, Size, labels_of, planted_world, rule_bars
from candleloop.pipeline_config import PipelineConfig

ROOT = Path(__file__).parents[1]
MINUTES = 15
"""Bars of the large file are put together to this many minutes."""
LARGE_BARS = 220_000
"""So many of its latest bars are used: the first half is asked about, the second measures."""
BETWEEN = 100
"""Bars left out between the two: more than features look back and spans are long."""
TARGETS = (0.9, 0.95)
BASELINE = "random"


@dataclass(frozen=True, slots=True)
class Regime:
    """One world to compare strategies in.

    Parameters
    ----------
    name, title
        In records, and for people.
    size, plan
        Windows, and how a campaign goes.
    threshold
        Confidence from which a span counts as found.
    xgboost
        What differs from XGBoost's section of ``config/pipeline.yaml``.
    """

    name: str
    title: str
    size: Size
    plan: Plan
    threshold: float
    xgboost: dict[str, Any] = field(default_factory=dict)


RULES = {"rounds": 40, "max_depth": 6, "learning_rate": 0.25, "max_bin": 64, "column_share": 0.5}
SHAPES = {"rounds": 40, "max_depth": 6, "learning_rate": 0.2, "max_bin": 32, "column_share": 0.1}
CONFIG = PipelineConfig.load(ROOT / "config/pipeline.yaml")
"""What a person who installs candleloop has: the benchmark asks about the same windows, scored the same way."""
PLAN = Plan(most_windows=1200, target=0.97)


def _size(pool_windows: int, test_windows: int) -> Size:
    return Size(pool_windows, test_windows, CONFIG.review.window_bars)


REGIMES = {
    one.name: one
    for one in (
        Regime("dense", "rule labels on real candles, eight reversals", _size(1600, 1800), PLAN, 0.4, RULES),
        Regime("rare", "rule labels on real candles, the four rare ones", _size(1600, 1800), PLAN, 0.4, RULES),
        Regime("planted", "shapes planted among decoys", _size(1000, 1150), PLAN, 0.25, SHAPES),
        Regime("crowded", "rule labels on real candles, the default set", _size(1000, 500), PLAN, 0.4, RULES),
    )
}
LABELS = {"dense": REVERSALS, "rare": RARE}
"""Names of their labels, of the set of all functions; the default label set where none are named."""
BACKGROUND_KEPT = 1 / 3
"""See :class:`~candleloop.loop.simulation.learner.Learner`."""
DEMO_SIZE = _size(115, 35)
"""The demo series have no more windows than this; three of them are asked about, the fourth measures."""


@dataclass(frozen=True, slots=True)
class Settings:
    """One run of the benchmark.

    Parameters
    ----------
    regimes, strategies
        Names of both.
    seeds
        Number of paired seeds.
    noisy_seeds
        Number of them that are repeated with people who err.
    large
        A file of candles for the rule labels; the demo series when None.
    quick
        Whether everything is made small.
    first_seed
        The seeds are numbered from here on: several machines can share the work.
    other_seeds
        Number of them in which strategies beside the baseline and the default are run; all when None.
    """

    regimes: tuple[str, ...]
    strategies: tuple[str, ...]
    seeds: int
    noisy_seeds: int
    large: Path | None = None
    quick: bool = False
    first_seed: int = 0
    other_seeds: int | None = None

    def regime(self, name: str) -> Regime:
        """Return a regime in the size of this run."""
        one = REGIMES[name]
        size, plan = one.size, one.plan
        if name != "planted" and self.large is None:
            size = DEMO_SIZE
        if self.quick:
            size = Size(min(size.pool_windows, 200), min(size.test_windows, 150), size.window_bars)
            plan = Plan(most_windows=140, target=None)
        return Regime(one.name, one.title, size, plan, one.threshold, one.xgboost)

    def file(self, folder: Path, name: str) -> Path:
        """Return where the records of a regime are: results of other settings are never mixed with these."""
        source = self.large.name if self.large is not None and name != "planted" else "demo"
        text = json.dumps([asdict(self.regime(name)), BACKGROUND_KEPT, source, MINUTES, LARGE_BARS], sort_keys=True)
        return folder / f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:10]}.jsonl"


def learner_of(settings: Settings, name: str, seed: int) -> Learner:
    """Build the world of a regime for a seed, and the model in it."""
    regime = settings.regime(name)
    xgboost = CONFIG.training.xgboost.model_copy(update=regime.xgboost)
    training = CONFIG.training.model_copy(update={"threads": 1, "family": "xgboost", "xgboost": xgboost})
    if name == "planted":
        world = planted_world(_demo(), regime.size, seed=seed)
    else:
        world = _rule_bars(name, settings.large).world(regime.size, seed=seed)
    return Learner(world, CONFIG.model_copy(update={"training": training}), regime.threshold, BACKGROUND_KEPT)


@lru_cache(maxsize=1)
def _demo() -> list[tuple[str, Candles]]:
    """Return the demo series, those of one size on either side of the middle."""
    found = {symbol: read_candles(path, symbol=symbol).candles for symbol, path in demo_files()}
    return [(symbol, found[symbol]) for symbol in ("AAPL", "IBM", "MSFT", "GOOG")]


@lru_cache(maxsize=2)
def _rule_bars(name: str, large: Path | None) -> RuleBars:
    label_set = LabelSet.load(ROOT / "config/label_sets/default.yaml")
    if name in LABELS:
        label_set = labels_of(LabelSet.load(ROOT / "config/label_sets/all-61.yaml"), LABELS[name])
    if large is None:
        demo = _demo()
        return rule_bars(demo[:3], demo[3:], label_set)
    candles = _kept(large)
    half = len(candles) // 2
    symbol = large.name.split(".")[0]
    return rule_bars([(symbol, candles[:half])], [(symbol, candles[half + BETWEEN :])], label_set)


def _kept(path: Path) -> Candles:
    """Return :func:`read_large`, kept in a file for the next process: reading millions of minutes takes a while."""
    stamp = path.stat()
    name = f"{path.name}-{stamp.st_size}-{stamp.st_mtime_ns}-{MINUTES}-{LARGE_BARS}.npz"
    file = ROOT / ".candleloop/bench_loop" / name
    if not file.exists():
        candles = read_large(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(f".{os.getpid()}.npz")
        np.savez(part, time=candles.time, **candles.columns())
        part.replace(file)
    with np.load(file) as columns:
        return Candles.checked(**{name: columns[name] for name in columns.files})


def read_large(path: Path) -> Candles:
    """Read the latest bars of a file; minutes are put together to ``MINUTES`` minutes.

    The file is any that ``candleloop import`` reads, or a headless CSV in the order time in ms, open, close, high, low,
    volume (as Bitfinex gives it).
    """
    if path.name.startswith("bitfinex"):
        names = ["time", "open", "close", "high", "low", "volume"]
        table = pd.read_csv(path, header=None, names=names)
        table["time"] *= 1000
    else:
        read = read_candles(path).candles
        table = pd.DataFrame({"time": read.time, **read.columns()})
    place = table.groupby(table["time"] // (MINUTES * 60 * MICROSECONDS), sort=True)
    columns = {"open": place["open"].first(), "high": place["high"].max(), "low": place["low"].min()}
    columns["close"] = place["close"].last()
    if "volume" in table:
        columns["volume"] = place["volume"].sum()
    together = pd.DataFrame(columns).iloc[-LARGE_BARS:]
    time = together.index.to_numpy().astype(np.int64) * (MINUTES * 60 * MICROSECONDS)
    return Candles.checked(time=time, **{name: together[name].to_numpy() for name in columns})
