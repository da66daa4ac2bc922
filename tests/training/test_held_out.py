"""Evaluation on bars held out in another way than the frozen test bars."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from candleloop.candles.frame import Candles
from candleloop.errors import BadRequest, TooFewLabels
from candleloop.training.corpus import build_corpus
from candleloop.training.held_out import Split, evaluate_held_out
from candleloop.training.snapshot import Snapshot, SnapshotSeries
from candleloop.training.splits import RANDOM_BLOCK, SeriesSplit, last_instant, random_split
from candleloop.training.train import learn, train
from tests.support.candles import random_candles
from tests.support.snapshots import quick_config, snapshot_of

PARTS = {"A": random_candles(1_500, seed=1), "B": random_candles(1_200, seed=2)}
SNAPSHOT = snapshot_of(*PARTS.items())
CONFIG = quick_config()


def candles_of(series_id: str, _: str) -> Candles:
    return PARTS[series_id]


def splits_seen(split: Split, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, tuple[Candles, SeriesSplit]]]:
    """Return, for each fold of a split, how the bars of each series were divided."""
    from candleloop.training import train as module

    seen = []
    build = build_corpus

    def watched(*arguments, **others):  # type: ignore[no-untyped-def]
        corpus = build(*arguments, **others)
        seen.append({one.series_id: (one.candles, one.split) for one in corpus.series})
        return corpus

    monkeypatch.setattr(module, "build_corpus", watched)
    evaluate_held_out(SNAPSHOT, candles_of, CONFIG, split)
    return seen


def test_the_test_bars_are_what_a_training_is_measured_on() -> None:
    found = evaluate_held_out(SNAPSHOT, candles_of, CONFIG, Split.TEST_BARS)
    assert found.evaluation == train(SNAPSHOT, candles_of, CONFIG).evaluation
    assert [fold.name for fold in found.folds] == ["test_bars"]


def test_one_instant_teaches_nothing_of_any_series_from_there_on(monkeypatch: pytest.MonkeyPatch) -> None:
    (fold,) = splits_seen(Split.ONE_INSTANT, monkeypatch)
    instant = last_instant([candles.time for candles in PARTS.values()])
    for candles, split in fold.values():
        assert (candles.time[split.test] >= instant).all()
        assert split.test.sum() == (candles.time >= instant).sum()
        assert candles.time[split.teaching].max() < instant
    shares = sum(int(split.test.sum()) for _, split in fold.values()) / 2_700
    assert 0.19 < shares <= 0.2


def test_a_series_that_is_left_out_teaches_nothing_and_measures_with_all_its_bars(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folds = splits_seen(Split.LEAVE_ONE_SERIES_OUT, monkeypatch)
    assert len(folds) == 2
    for left_out, fold in zip(("A", "B"), folds, strict=True):
        for name, (_, split) in fold.items():
            assert split.test.all() == (name == left_out)
            assert split.teaching.any() == (name != left_out)


def test_leaving_one_out_adds_the_series_up() -> None:
    found = evaluate_held_out(SNAPSHOT, candles_of, CONFIG, Split.LEAVE_ONE_SERIES_OUT)
    assert [fold.name for fold in found.folds] == ["A", "B"]
    assert found.evaluation.spans == sum(fold.evaluation.spans for fold in found.folds)
    for score in found.evaluation.labels:
        parts = [next(one for one in fold.evaluation.labels if one.label == score.label) for fold in found.folds]
        assert score.true_positives == sum(part.true_positives for part in parts)
        assert score.predicted == sum(part.predicted for part in parts)
    assert found.evaluation.macro_f1_interval is not None


def test_a_random_split_says_that_it_measures_nothing() -> None:
    found = evaluate_held_out(SNAPSHOT, candles_of, CONFIG, Split.RANDOM)
    assert found.is_diagnosis
    assert found.evaluation.spans > 20
    assert evaluate_held_out(SNAPSHOT, candles_of, CONFIG, Split.RANDOM) == found


def test_a_split_leaves_the_model_of_the_test_bars_alone() -> None:
    """The frozen test bars teach in another split; the snapshot itself stays as it is."""
    before = SNAPSHOT.content_hash()
    evaluate_held_out(SNAPSHOT, candles_of, CONFIG, Split.LEAVE_ONE_SERIES_OUT)
    assert SNAPSHOT.content_hash() == before


@pytest.mark.parametrize(
    ("split", "snapshot", "word"),
    [
        (Split.LEAVE_ONE_SERIES_OUT, snapshot_of(("A", PARTS["A"])), "two series"),
        (Split.LEAVE_ONE_SERIES_OUT, Snapshot(SNAPSHOT.label_set, ()), "two series"),
        (Split.ONE_INSTANT, Snapshot(SNAPSHOT.label_set, ()), "too few bars"),
    ],
)
def test_too_little_for_a_split_is_refused(split: Split, snapshot: Snapshot, word: str) -> None:
    with pytest.raises(BadRequest, match=word):
        evaluate_held_out(snapshot, candles_of, CONFIG, split)


def test_too_few_labels_name_the_fold() -> None:
    bare = replace(SNAPSHOT.series[1], marks=replace(SNAPSHOT.series[1].marks, coverage=()))
    spans = bare.marks.annotations
    nothing = replace(
        bare.marks,
        annotations=replace(spans, label=spans.label[:0], start_time=spans.start_time[:0], end_time=spans.end_time[:0]),
        by_human=bare.marks.by_human[:0],
    )
    snapshot = replace(SNAPSHOT, series=(SNAPSHOT.series[0], replace(bare, marks=nothing)))
    with pytest.raises(TooFewLabels, match="Held out A") as refusal:
        evaluate_held_out(snapshot, candles_of, CONFIG, Split.LEAVE_ONE_SERIES_OUT)
    assert "counts" in refusal.value.details


def test_a_caller_may_divide_the_bars_as_it_likes() -> None:
    def divide(_: SnapshotSeries, time: np.ndarray) -> SeriesSplit:
        bar = np.arange(len(time))
        return SeriesSplit(fit=bar < 900, calibration=bar < 0, test=bar >= 1_000)

    cases = learn(SNAPSHOT, candles_of, CONFIG, divide=divide).cases
    assert [int(case.bars.sum()) for case in cases] == [500, 200]


TIMES = st.lists(st.integers(0, 400), min_size=1, max_size=60, unique=True).map(
    lambda times: np.array(sorted(times), dtype=np.int64)
)


@given(st.lists(TIMES, min_size=1, max_size=4), st.floats(0.05, 0.9))
def test_the_instant_leaves_at_most_the_share_after_it_and_never_cuts_through_one(
    times: list[np.ndarray], share: float
) -> None:
    together = np.concatenate(times)
    try:
        instant = last_instant(times, share)
    except ValueError:
        assert (together == together.max()).sum() > int(len(together) * share)
        return
    later = int((together >= instant).sum())
    assert 0 < later <= int(len(together) * share)
    before = together[together < instant]
    assert later + int((together == before.max()).sum()) > int(len(together) * share)


@settings(max_examples=50)
@given(st.integers(0, 3_000), st.floats(0.05, 0.9), st.integers(0, 100))
def test_a_random_split_keeps_runs_whole_and_gives_every_bar_one_use(n_bars: int, share: float, seed: int) -> None:
    found = random_split(n_bars, calibration_share=share, seed=seed)
    assert (found.fit.astype(int) + found.calibration + found.test == 1).all()
    for mask in (found.fit, found.calibration, found.test):
        whole = mask[: n_bars // RANDOM_BLOCK * RANDOM_BLOCK].reshape(-1, RANDOM_BLOCK)
        assert (whole.all(axis=1) | ~whole.any(axis=1)).all()


def test_a_random_split_holds_out_a_fifth() -> None:
    found = random_split(100_000, calibration_share=0.25, seed=0)
    assert found.test.mean() == pytest.approx(0.2, abs=0.02)
    assert found.calibration.mean() == pytest.approx(0.2, abs=0.02)
    assert (random_split(100_000, calibration_share=0.25, seed=1).test != found.test).any()


def test_an_unknown_split_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(BadRequest, match="one_instant, leave_one_series_out"):
        Split.named("magic")
