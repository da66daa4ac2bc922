"""The doctor on a user's own series: clean where all is well, and what it says where it is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from candleloop import pipeline
from candleloop.context import Context
from candleloop.doctor import Check, DoctorReport, Verdict, examine
from candleloop.errors import NotFound
from candleloop.pipeline_config import FeaturesConfig
from candleloop.store.tables import ModelRow
from config.context import open_context
from tests.support.candles import random_candles
from tests.support.service import csv_of, prepared


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Context:
    """Two series, not labelled yet; the second is shorter than the warm-up."""
    context = open_context(prepared(tmp_path_factory.mktemp("doctor")))
    for symbol, n_bars in (("ONE", 4_000), ("TINY", 30)):
        pipeline.import_file(context, csv_of(random_candles(n_bars, seed=5)), name=f"{symbol}_1h.csv")
    return context


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Context:
    """One labelled series and a model that is served."""
    context = open_context(prepared(tmp_path_factory.mktemp("doctor")))
    pipeline.import_file(context, csv_of(random_candles(4_000, seed=5)), name="ONE_1h.csv")
    pipeline.auto_label_series(context, "ONE-1h", "default")
    assert pipeline.run_training(context, "default").promoted
    return context


def checks(report: DoctorReport) -> dict[str, Check]:
    return {check.name: check for check in report.checks}


def test_a_sound_series_is_clean_in_every_check(trained: Context) -> None:
    report = examine(trained, "default")
    assert report.clean
    assert {name: check.verdict for name, check in checks(report).items()} == dict.fromkeys(
        (
            "parity_features",
            "future",
            "promises",
            "parity_predictions",
            "future_predictions",
            "permuted_labels",
            "split_gap",
        ),
        Verdict.CLEAN,
    )
    numbers = checks(report)["parity_predictions"].numbers
    assert numbers is not None
    assert numbers["predictions"] > 100
    assert report.lines()[-1] == "Nothing was found."


def with_features(context: Context, *added: str) -> Context:
    config = context.config.model_copy(update={"features": FeaturesConfig(add=added)})
    return replace(context, config=config)


def test_a_feature_that_peeks_is_caught_with_its_name_and_place(bare: Context) -> None:
    report = examine(with_features(bare, "tests.support.own_features:peeking"), "default", quick=True)
    found = checks(report)["future"]
    assert found.verdict is Verdict.FOUND
    assert [one.split(" ")[:3] for one in found.findings] == [["next_return", "at", "ONE-1h"]]
    assert checks(report)["promises"].verdict is Verdict.FOUND
    assert not report.clean
    assert report.as_json()["clean"] is False


def test_a_feature_with_too_short_a_warm_up_is_caught(bare: Context) -> None:
    report = examine(with_features(bare, "tests.support.own_features:hasty"), "default", quick=True)
    found = checks(report)
    assert found["parity_features"].verdict is Verdict.FOUND
    assert all(one.startswith(("above_average at ONE-1h", "and ")) for one in found["parity_features"].findings)
    assert found["future"].verdict is Verdict.CLEAN


def test_an_honest_feature_of_the_user_is_clean(bare: Context) -> None:
    assert examine(with_features(bare, "tests.support.own_features:honest"), "default", quick=True).clean


def test_what_cannot_be_checked_says_why(bare: Context) -> None:
    report = examine(bare, "default")
    assert report.clean
    skipped = {name: check.answer for name, check in checks(report).items() if check.verdict is Verdict.SKIPPED}
    assert set(skipped) == {"served_model", "permuted_labels", "split_gap"}
    assert "candleloop train" in skipped["served_model"]
    assert "label" in skipped["split_gap"]


def test_a_series_too_short_for_anything_is_no_finding(bare: Context) -> None:
    report = examine(bare, "default", ["TINY-1h"])
    assert report.series == ("TINY-1h",)
    assert {check.verdict for check in report.checks} == {Verdict.SKIPPED}


def test_quick_fits_nothing(trained: Context) -> None:
    told: list[str] = []
    report = examine(trained, "default", quick=True, progress=lambda stage, *_: told.append(stage))
    assert "fitting" not in told
    assert checks(report)["split_gap"].verdict is Verdict.SKIPPED
    assert checks(report)["parity_predictions"].verdict is Verdict.CLEAN


def test_a_damaged_champion_is_a_finding(trained: Context) -> None:
    with trained.database.read() as session:
        version = session.query(ModelRow).one().version
    name = f"models/{version}.zip"
    content = trained.storage.read(name)
    trained.storage.write(name, content[:-100])
    try:
        found = checks(examine(trained, "default", quick=True))["served_model"]
    finally:
        trained.storage.write(name, content)
    assert found.verdict is Verdict.FOUND


def test_an_unknown_series_is_named(bare: Context) -> None:
    with pytest.raises(NotFound, match="'TWO-1h'; there are ONE-1h, TINY-1h"):
        examine(bare, "default", ["TWO-1h"])


def test_nothing_imported_says_how(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="candleloop import"):
        examine(open_context(prepared(tmp_path)), "default")


def test_the_same_examination_twice_says_the_same(bare: Context) -> None:
    first, second = (examine(bare, "default", quick=True).as_json() for _ in range(2))
    assert first == second
