"""The feature matrix: shape, warm-up, segments, chunks, and the specification of its columns."""

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from candleloop.candles.frame import MICROSECONDS, Candles
from candleloop.errors import BadConfiguration
from candleloop.features import matrix
from candleloop.features.catalogue import CATALOGUE, DEFAULT_NAMES, FORMULAS, GROUPS
from candleloop.features.matrix import LIMIT, FeatureSpec, feature_chunks, feature_matrix, usable_bars
from candleloop.pipeline_config import FeaturesConfig
from tests.support.candles import random_candles

HOUR = 3600 * MICROSECONDS
DEFAULT = FeatureSpec.from_config(FeaturesConfig())


def with_gaps(candles: Candles, *bars: int) -> Candles:
    time = candles.time.copy()
    for bar in bars:
        time[bar:] += 1000 * HOUR
    return dataclasses.replace(candles, time=time)


def test_the_matrix_is_float32_rows_of_bars() -> None:
    found = feature_matrix(random_candles(300), DEFAULT)
    assert found.shape == (300, len(DEFAULT.names))
    assert found.dtype == np.float32
    assert found.flags.c_contiguous


@given(
    n_bars=st.integers(1, 400),
    gaps=st.lists(st.integers(1, 399), max_size=4),
    names=st.lists(st.sampled_from(list(CATALOGUE)), min_size=1, max_size=6, unique=True),
    seed=st.integers(0, 5),
)
@settings(max_examples=60, deadline=None)
def test_exactly_the_warm_up_of_every_segment_is_nan(n_bars: int, gaps: list[int], names: list[str], seed: int) -> None:
    candles = with_gaps(random_candles(n_bars, seed=seed), *(bar for bar in gaps if bar < n_bars))
    spec = FeatureSpec(tuple(names))
    found = feature_matrix(candles, spec, max_gap=HOUR)
    usable = usable_bars(candles.time, spec, max_gap=HOUR)
    assert np.isnan(found[~usable]).all()
    assert np.isfinite(found[usable]).all()
    starts = sorted({0, *(bar for bar in gaps if bar < n_bars)})
    for start, stop in zip(starts, [*starts[1:], n_bars], strict=True):
        assert usable[start:stop].tolist() == [bar >= spec.warmup for bar in range(stop - start)]


def test_a_segment_has_the_features_it_would_have_alone() -> None:
    candles = with_gaps(random_candles(400), 150)
    together = feature_matrix(candles, DEFAULT, max_gap=HOUR)
    assert np.array_equal(together[150:], feature_matrix(candles[150:], DEFAULT, max_gap=HOUR), equal_nan=True)


def test_the_default_gap_is_that_of_the_series() -> None:
    candles = with_gaps(random_candles(400), 150)
    assert np.array_equal(
        feature_matrix(candles, DEFAULT), feature_matrix(candles, DEFAULT, max_gap=60 * HOUR), equal_nan=True
    )


def test_long_series_come_in_chunks_with_the_same_values(monkeypatch: pytest.MonkeyPatch) -> None:
    candles = random_candles(3000)
    whole = feature_matrix(candles, DEFAULT)
    monkeypatch.setattr(matrix, "CHUNK", 257)
    assert np.allclose(feature_matrix(candles, DEFAULT), whole, rtol=1e-6, atol=1e-7, equal_nan=True)


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_segment_of_one_bar_more_than_the_warm_up_has_that_bar(name: str) -> None:
    spec = FeatureSpec((name,))
    candles = random_candles(spec.warmup + 100, seed=4)
    short = feature_matrix(candles[-spec.warmup - 1 :], spec, max_gap=HOUR)
    assert short[-1, 0] == pytest.approx(feature_matrix(candles, spec, max_gap=HOUR)[-1, 0], rel=1e-5, abs=1e-6)


def test_the_order_of_names_is_the_order_of_columns() -> None:
    candles = random_candles(200)
    whole = feature_matrix(candles, DEFAULT)
    names = ("cci_20", "body_0", "gap_up_1", "body_1")
    chosen = feature_matrix(candles, FeatureSpec(names))
    for column, name in enumerate(names):
        assert np.array_equal(chosen[39:, column], whole[39:, DEFAULT.names.index(name)])


def test_a_move_after_a_flat_stretch_is_clipped() -> None:
    flat = np.full(100, 10.0)
    flat[-1] = 11.0
    candles = Candles(np.arange(100) * HOUR, flat, flat, flat, flat, np.zeros(100))
    found = feature_matrix(candles, DEFAULT)
    assert found[-1, DEFAULT.names.index("top_step_0")] == LIMIT
    assert np.isfinite(found[DEFAULT.warmup :]).all()


def test_the_smallest_and_largest_prices_and_volumes_give_numbers() -> None:
    rng = np.random.default_rng(1)
    n_bars = 300
    price = np.where(rng.random(n_bars) < 0.5, 1e-12, 1e12)
    volume = np.where(rng.random(n_bars) < 0.5, 5e-324, 1e30)
    candles = Candles.checked(
        time=np.arange(n_bars) * HOUR, open=price, high=np.full(n_bars, 1e12), low=price, close=price, volume=volume
    )
    found = feature_matrix(candles, DEFAULT)
    assert np.isfinite(found[DEFAULT.warmup :]).all()


def test_no_volume_and_volume_never_traded_look_the_same() -> None:
    candles = random_candles(200)
    without = feature_matrix(dataclasses.replace(candles, volume=None), DEFAULT)
    untraded = feature_matrix(dataclasses.replace(candles, volume=np.zeros(200)), DEFAULT)
    assert np.array_equal(without, untraded, equal_nan=True)
    assert not np.array_equal(without, feature_matrix(candles, DEFAULT), equal_nan=True)


def test_the_default_set_is_short_of_memory_and_holds_no_talib_pattern() -> None:
    assert DEFAULT.warmup <= 60
    assert 50 <= len(DEFAULT.names) <= 60
    assert not [name for name in CATALOGUE if name.lower().startswith("cdl")]
    assert [name for name in DEFAULT.names if CATALOGUE[name].needs_volume] == ["volume_ratio_20", "money_flow_14"]


def test_names_are_unique_in_the_catalogue() -> None:
    assert len(CATALOGUE) == sum(len(group.features) for group in GROUPS)


def test_the_configuration_adds_and_drops() -> None:
    spec = FeatureSpec.from_config(FeaturesConfig(add=("rsi_14",), drop=("body_4",)))
    assert spec.names == (*(name for name in DEFAULT_NAMES if name != "body_4"), "rsi_14")
    assert spec.warmup == CATALOGUE["rsi_14"].warmup == 310
    assert spec.lookback == DEFAULT.lookback == 39


@pytest.mark.parametrize(
    ("config", "field"),
    [
        (FeaturesConfig(add=("rsi_14", "no_such")), "features.add.1"),
        (FeaturesConfig(add=("body_0",)), "features.add.0"),
        (FeaturesConfig(add=("rsi_14", "rsi_14")), "features.add.1"),
        (FeaturesConfig(drop=("rsi_14",)), "features.drop.0"),
        (FeaturesConfig(drop=("no_such",)), "features.drop.0"),
        (FeaturesConfig(drop=DEFAULT_NAMES), "features"),
    ],
)
def test_a_name_that_does_not_fit_is_refused_with_its_key(config: FeaturesConfig, field: str) -> None:
    with pytest.raises(BadConfiguration) as caught:
        FeatureSpec.from_config(config)
    assert caught.value.details["field"] == field
    assert field in caught.value.message


def test_the_hash_is_that_of_columns_formulas_and_talib(monkeypatch: pytest.MonkeyPatch) -> None:
    first = DEFAULT.content_hash()
    assert len(first) == 16
    assert first == FeatureSpec(DEFAULT_NAMES).content_hash()
    assert first != FeatureSpec(DEFAULT_NAMES[::-1]).content_hash()
    monkeypatch.setattr(matrix, "FORMULAS", FORMULAS + 1)
    assert first != DEFAULT.content_hash()
    monkeypatch.undo()
    monkeypatch.setattr(matrix, "talib_version", lambda: "0.6.4")
    assert first != DEFAULT.content_hash()


def test_a_specification_survives_json() -> None:
    assert FeatureSpec.from_json(DEFAULT.to_json()) == DEFAULT


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"names": ["body_0"], "formulas": 0}),
        json.dumps({"names": ["gone"], "formulas": FORMULAS}),
        json.dumps({"names": [], "formulas": FORMULAS}),
        json.dumps(["body_0"]),
        "{",
    ],
)
def test_a_specification_that_cannot_be_computed_is_refused(text: str) -> None:
    with pytest.raises(BadConfiguration):
        FeatureSpec.from_json(text)


@given(n_bars=st.integers(1, 900), gaps=st.lists(st.integers(1, 899), max_size=4), chunk=st.integers(1, 400))
@settings(max_examples=30, deadline=None)
def test_chunks_one_after_another_are_the_matrix_bit_by_bit(n_bars: int, gaps: list[int], chunk: int) -> None:
    candles = with_gaps(random_candles(n_bars), *(bar for bar in gaps if bar < n_bars))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(matrix, "CHUNK", chunk)
        pieces = list(feature_chunks(candles, DEFAULT, max_gap=HOUR))
        whole = feature_matrix(candles, DEFAULT, max_gap=HOUR)
    assert [bar for rows, _ in pieces for bar in range(rows.start, rows.stop)] == list(range(n_bars))
    assert all(len(features) <= DEFAULT.warmup + chunk for _, features in pieces)
    assert {features.dtype for _, features in pieces} == {np.dtype(np.float32)}
    assert np.array_equal(np.concatenate([features for _, features in pieces]), whole, equal_nan=True)


def test_chunks_are_computed_one_at_a_time() -> None:
    candles = random_candles(40_000)
    rows, features = next(feature_chunks(candles, DEFAULT))
    assert len(features) == rows.stop < 20_000
