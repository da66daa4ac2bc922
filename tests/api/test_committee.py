"""A forest and boosted trees vote about windows, once both are there and the configuration asks for it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from redis import Redis

from candleloop import pipeline
from candleloop.context import Context
from candleloop.errors import Conflict
from candleloop.inference.bundle import ModelBundle
from candleloop.inference.predictor import Predictor
from candleloop.loop.queue import QueuePage, ReviewQueue
from candleloop.loop.window_files import SeriesWindows, read_windows
from candleloop.pipeline_config import OutOfFoldConfig, RandomForestConfig, RetrainConfig
from candleloop.store import jobs, label_sets, models, review
from candleloop.store.tables import now
from config.context import open_context
from config.settings import Settings
from jobs.relay import Relay
from tests.api.test_out_of_fold import work_off
from tests.support.service import CANDLES


@pytest.fixture
def plain(trained: Settings) -> Context:
    opened = open_context(trained)
    return replace(opened, config=opened.config.model_copy(update={"out_of_fold": OutOfFoldConfig(folds=0)}))


@pytest.fixture
def voting(plain: Context) -> Context:
    asked = plain.config.review.model_copy(update={"strategy": "committee"})
    return replace(plain, config=plain.config.model_copy(update={"review": asked}))


def train_forest(context: Context) -> None:
    forest = {"family": "random_forest", "random_forest": RandomForestConfig(trees=8)}
    training = context.config.training.model_copy(update=forest)
    pipeline.run_training(replace(context, config=context.config.model_copy(update={"training": training})), "default")


def renewed(context: Context) -> int:
    """Do what the relay finds to be made again; return how many jobs that were."""
    away = Redis.from_url("unix:///nowhere.sock")
    committee = context.config.review.asks_committee
    Relay(context.database, away, RetrainConfig(), now() - now(), committee=committee).step(now())
    with context.database.read() as session:
        found = [row.id for row in jobs.jobs_of(session, "batch", "default", ("queued",))]
    for job_id in found:
        work_off(context, job_id)
    return len(found)


def windows_of(context: Context) -> SeriesWindows:
    with context.database.read() as session:
        (one,) = review.queued_series(session, "default")
    assert one.windows is not None
    windows = read_windows(context.storage, one.windows)
    assert windows is not None
    return windows


def page(context: Context, strategy: str | None = None) -> QueuePage:
    queue = ReviewQueue(context, lambda _session, _series: CANDLES.time)
    with context.database.read() as session:
        return queue.page(session, label_sets.get(session, "default"), limit=20, strategy=strategy)


def refusal(context: Context) -> str:
    with pytest.raises(Conflict) as error:
        page(context, "committee")
    assert error.value.code == "no_committee"
    return error.value.message


def test_what_a_committee_lacks_is_named_until_it_has_voted(plain: Context, voting: Context) -> None:
    assert renewed(voting) == 1
    assert np.isnan(windows_of(voting).scores.vote_entropy).all()
    assert "training.family: random_forest" in refusal(voting)
    train_forest(plain)
    assert renewed(plain) <= 1  # a forest that was promoted scores by itself
    assert "review.strategy is committee" in refusal(plain)
    assert "has not voted yet" in refusal(voting)
    assert renewed(voting) == 1
    assert page(voting).strategy == "committee"
    assert renewed(voting) == 0


def test_windows_where_a_forest_and_boosted_trees_disagree_come_first(plain: Context, voting: Context) -> None:
    train_forest(plain)
    assert renewed(voting) == 1
    with voting.database.read() as session:
        champion = models.champion(session, "default")
        assert champion is not None
        other = models.of_other_family(session, champion.version)
        assert other is not None
        versions = champion.version, other.version
        assert {models.get(session, one).family for one in versions} == {"xgboost", "random_forest"}
    first, second = (Predictor(ModelBundle.load(voting.storage, one)).examine(CANDLES) for one in versions)
    np.testing.assert_array_equal(first.rows, second.rows)
    apart = np.zeros(len(CANDLES), dtype=np.bool_)
    apart[first.rows] = first.probabilities.argmax(axis=1) != second.probabilities.argmax(axis=1)
    windows = windows_of(voting)
    known = np.isfinite(windows.scores.vote_entropy)
    there = [bool(apart[start : end + 1].any()) for start, end in zip(windows.start, windows.end, strict=True)]
    assert 0 < sum(there) < len(there)
    np.testing.assert_array_equal(windows.scores.vote_entropy[known] > 0, np.array(there)[known])
    shown = [one for one in page(voting).items if not one.blind]
    values = [one.reason.value or 0.0 for one in shown]
    assert values[0] > 0
    assert values == sorted(values, reverse=True)
    assert [one.reason.code for one in shown] == ["disputed" if value else "torn" for value in values]
