"""Fold models know nothing of the bars that they decide on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from candleloop.annotations.marks import TimeSpans
from candleloop.candles.frame import Candles
from candleloop.errors import BundleRefused
from candleloop.pipeline_config import OutOfFoldConfig
from candleloop.storage import Storage
from candleloop.training.folds import FoldModels, fit_folds, folds_name, touched
from candleloop.training.snapshot import Snapshot
from candleloop.training.train import learn
from tests.support.candles import random_candles
from tests.support.snapshots import quick_config, snapshot_of

PARTS = {"A": random_candles(2_400, seed=1), "B": random_candles(1_800, seed=2)}
SNAPSHOT = snapshot_of(*PARTS.items())
CONFIG = quick_config()
FOLDS = OutOfFoldConfig(folds=3)


def candles_of(series_id: str, _: str) -> Candles:
    return PARTS[series_id]


BUNDLE = learn(SNAPSHOT, candles_of, CONFIG).bundle


def folds(snapshot: Snapshot = SNAPSHOT, parts: dict[str, Candles] = PARTS) -> FoldModels:
    found = fit_folds(BUNDLE, snapshot, lambda series_id, _: parts[series_id], FOLDS)
    assert found is not None
    return found


def files_of(models: FoldModels) -> list[dict[str, bytes]]:
    return [{} if one is None else dict(one.files) for one in models.bundles]


def test_each_block_has_a_model_of_its_own_and_the_same_again_the_next_time() -> None:
    first, second = folds(), folds()
    assert len({one["model.ubj"] if "model.ubj" in one else str(one) for one in files_of(first)}) == 3
    assert files_of(first) == files_of(second)
    assert (first.cuts == second.cuts).all()


def test_no_bar_that_taught_the_version_is_decided_by_a_model_that_learned_from_it() -> None:
    models = folds()
    for series_id, candles in PARTS.items():
        number = models.number_for(series_id, candles.time)
        assert set(number.tolist()) == {0, 1, 2, 3}
        for k in range(4):
            mine = candles.time[number == k]
            assert not touched(models.taught[k][series_id], mine, mine).any()


@pytest.mark.parametrize("block", [0, 1, 2])
def test_a_model_is_the_same_whatever_was_marked_or_traded_in_its_block(block: int) -> None:
    whole = folds()
    edges = [-(2**62), *whole.cuts.tolist(), 2**62]
    parts, series = {}, []
    for one in SNAPSHOT.series:
        candles = PARTS[one.series_id]
        inside = (candles.time >= edges[block]) & (candles.time < edges[block + 1])
        spans = one.marks.annotations
        outside = (spans.end_time < edges[block]) | (spans.start_time >= edges[block + 1])
        kept = TimeSpans(spans.label[outside], spans.start_time[outside], spans.end_time[outside])
        series.append(replace(one, marks=replace(one.marks, annotations=kept, by_human=one.marks.by_human[outside])))
        prices = {name: np.where(inside, values * 1.7, values) for name, values in candles.columns().items()}
        parts[one.series_id] = Candles.checked(time=candles.time, **prices)
    changed = folds(replace(SNAPSHOT, series=tuple(series)), parts)
    assert (changed.cuts == whole.cuts).all()
    assert files_of(changed)[block] == files_of(whole)[block]
    others = [k for k in range(3) if k != block]
    assert all(files_of(changed)[k] != files_of(whole)[k] for k in others)


def test_it_stops_before_the_next_fit_when_it_is_not_to_go_on() -> None:
    assert fit_folds(BUNDLE, SNAPSHOT, candles_of, FOLDS, go_on=lambda: False) is None


def test_more_samples_than_allowed_cost_background_only(monkeypatch: pytest.MonkeyPatch) -> None:
    from candleloop.training import folds as module

    seen = []

    class Watching:
        def __init__(self, family) -> None:  # type: ignore[no-untyped-def]
            self.family = family

        def settled(self, fitted):  # type: ignore[no-untyped-def]
            return Watching(self.family.settled(fitted))

        def fit(self, bars, **others):  # type: ignore[no-untyped-def]
            seen.append(bars)
            return self.family.fit(bars, **others)

    family_for = module.family_for
    monkeypatch.setattr(module, "family_for", lambda training: Watching(family_for(training)))
    fit_folds(BUNDLE, SNAPSHOT, candles_of, FOLDS)
    fit_folds(BUNDLE, SNAPSHOT, candles_of, OutOfFoldConfig(folds=3, max_samples=1_000))
    for all_bars, few in zip(seen[:3], seen[3:], strict=True):
        assert len(few) == max(1_000, (all_bars.target > 0).sum() + 1) < len(all_bars)
        assert (few.target > 0).sum() == (all_bars.target > 0).sum()
        assert few.weight.sum() == pytest.approx(all_bars.weight.sum())


def test_they_come_back_from_the_storage_or_are_refused() -> None:
    storage, models = Storage("memory://folds"), folds()
    name = folds_name(BUNDLE.version, FOLDS)
    models.save(storage, name)
    again = FoldModels.load(storage, name)
    assert files_of(again) == files_of(models)
    for series_id, candles in PARTS.items():
        assert (again.number_for(series_id, candles.time) == models.number_for(series_id, candles.time)).all()
    storage.write(name, storage.read(name).replace(BUNDLE.family.encode(), BUNDLE.family.upper().encode()))
    with pytest.raises(BundleRefused):
        FoldModels.load(storage, name)
