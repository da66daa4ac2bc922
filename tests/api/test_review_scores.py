"""What the scoring job keeps of windows: the same however the series is cut into pieces, and out of fold."""

from __future__ import annotations

import numpy as np
import pytest

from candleloop import pipeline
from candleloop.batch import plan
from candleloop.context import Context
from candleloop.inference.bundle import ModelBundle
from candleloop.inference.predictor import Predictor
from candleloop.loop.window_files import SeriesWindows, read_windows
from candleloop.loop.windows import score_windows, series_windows
from candleloop.pipeline_config import OutOfFoldConfig, RandomForestConfig
from candleloop.promotion import promote_model
from candleloop.store import review
from config.context import open_context
from config.settings import Settings
from tests.api.test_review import score
from tests.support.service import CANDLES, SERIES


@pytest.fixture
def context(trained: Settings) -> Context:
    return open_context(trained)


def scored(context: Context) -> tuple[SeriesWindows, str]:
    """Score, and return the windows of the series and the model version."""
    score(context)
    with context.database.read() as session:
        (one,) = review.queued_series(session, "default")
    assert one.windows is not None
    assert one.model_version is not None
    windows = read_windows(context.storage, one.windows)
    assert windows is not None
    return windows, one.model_version


@pytest.mark.parametrize("most", [plan.SHARD_BARS, 700])
def test_windows_are_those_of_the_whole_series_however_it_is_cut(context, monkeypatch, most):
    monkeypatch.setattr(plan.pieces_of, "__kwdefaults__", {**plan.pieces_of.__kwdefaults__, "most": most})
    monkeypatch.setattr(plan.shards_of, "__kwdefaults__", {"most": most})
    found, version = scored(context)
    bundle = ModelBundle.load(context.storage, version)
    with context.database.read() as session:
        (one,) = review.queued_series(session, "default")
    start, end, test = series_windows(
        CANDLES.time, max_gap=bundle.max_gap(CANDLES.time), test_bars=one.test_bars, window_bars=60
    )
    np.testing.assert_array_equal(found.start, start)
    np.testing.assert_array_equal(found.end, end)
    np.testing.assert_array_equal(found.test, test)
    np.testing.assert_array_equal(found.start_time, CANDLES.time[start])
    np.testing.assert_array_equal(found.context_start_time, CANDLES.time[np.maximum(start - 60, 0)])
    np.testing.assert_array_equal(found.context_end_time, CANDLES.time[np.minimum(end + 60, len(CANDLES) - 1)])
    examined = Predictor(bundle).examine(CANDLES, for_windows=True)
    expected = score_windows(
        examined.probabilities,
        examined.rows,
        examined.features,
        bundle.encoding,
        start,
        end,
        n_labels=len(bundle.label_set),
        top_share=context.config.review.top_share,
    )
    for name in ("margin", "entropy", "least_confidence", "expected", "torn_bar"):
        np.testing.assert_allclose(getattr(found.scores, name), getattr(expected, name), atol=1e-5, err_msg=name)
    np.testing.assert_allclose(found.scores.margin_by_label, expected.margin_by_label, atol=1e-3)
    np.testing.assert_allclose(found.scores.embedding, expected.embedding, rtol=1e-2, atol=1e-2)


def test_windows_that_taught_are_scored_by_models_that_did_not_learn_from_them(context):
    with_folds = Context(
        context.database,
        context.storage,
        context.config.model_copy(update={"out_of_fold": OutOfFoldConfig(folds=2)}),
        context.tracking_url,
    )
    own, version = scored(context)
    with context.database.begin() as session:
        session.query(review.ScoringRow).update({"folds": None})
    out_of_fold, same = scored(with_folds)
    assert same == version
    np.testing.assert_array_equal(out_of_fold.start, own.start)
    differ = ~np.isclose(out_of_fold.scores.margin, own.scores.margin, equal_nan=True)
    assert differ[~own.test].mean() > 0.9
    assert not differ[own.test].any()
    # Who has not seen the answers doubts more.
    assert out_of_fold.scores.entropy[~own.test].mean() > own.scores.entropy[~own.test].mean()
    files = context.storage.filesystem.ls(context.storage.path(f"review/default/{SERIES}"), detail=False)
    assert len(files) == 1


def test_the_trees_of_a_forest_are_a_committee(context):
    config = context.config.model_copy(
        update={
            "training": context.config.training.model_copy(
                update={"family": "random_forest", "random_forest": RandomForestConfig(trees=8)}
            )
        }
    )
    forest = Context(context.database, context.storage, config, context.tracking_url)
    outcome = pipeline.run_training(forest, "default")
    if not outcome.promoted:
        promote_model(forest, outcome.version, override=True, reason="a test")
    windows, version = scored(forest)
    assert version == outcome.version
    disputed = windows.scores.vote_entropy
    assert np.isfinite(disputed).mean() > 0.9
    assert np.unique(disputed[np.isfinite(disputed)]).size > 10
