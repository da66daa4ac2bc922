"""Planted shapes: real-looking candles, decoys, difficulty, and nothing of the test in the pool."""

from __future__ import annotations

import numpy as np
import pytest

from candleloop.annotations.spans import Spans
from candleloop.loop.simulation.planting import DECOYS, Moves, pieced_together, plant
from candleloop.loop.simulation.shapes import LONGEST, SHAPES, SHORTEST, STRENGTHS
from tests.loop.simulation.worlds import small_planted_world
from tests.support.candles import random_candles

SOURCES = [random_candles(900, seed=seed) for seed in (1, 2)]


def test_moves_are_the_candles_again() -> None:
    candles = SOURCES[0]
    again = Moves.of(candles).candles(start=float(candles.close[0]))
    assert again.close == pytest.approx(candles.close[1:])
    assert again.high == pytest.approx(candles.high[1:])
    assert again.low == pytest.approx(candles.low[1:])


def test_pieces_are_candles_of_the_sources() -> None:
    bodies = {round(float(body), 12) for one in SOURCES for body in Moves.of(one).body}
    made = pieced_together(SOURCES, 500, np.random.default_rng(0))
    assert len(made.body) == 500
    assert {round(float(body), 12) for body in made.body} <= bodies


def test_the_same_seed_plants_the_same_and_shapes_have_every_kind_length_and_strength() -> None:
    def planted() -> tuple[np.ndarray, Spans, np.ndarray]:
        rng = np.random.default_rng(5)
        candles, spans, strength = plant(pieced_together(SOURCES, 20_000, rng), rng, every=30)
        return candles.close, spans, strength

    close, spans, strength = planted()
    assert np.array_equal(close, planted()[0])
    length = spans.end - spans.start + 1
    assert (length.min(), length.max()) == (SHORTEST, LONGEST)
    assert set(strength) == set(STRENGTHS)
    share = np.bincount(spans.label) / len(spans)
    assert share == pytest.approx([shape.share for shape in SHAPES], abs=0.08)
    assert (spans.start[1:] > spans.end[:-1]).all()
    assert len(spans) == pytest.approx((1 - DECOYS) * 20_000 / (30 + (SHORTEST + LONGEST) / 2), rel=0.15)


def test_a_strong_shape_stands_out_and_a_decoy_is_not_its_shape() -> None:
    rng = np.random.default_rng(0)
    for shape in SHAPES:
        paths = [shape.path(20, rng) for _ in range(50)]
        decoys = [shape.decoy(20, rng) for _ in range(50)]
        level, other = (np.mean([np.abs(np.cumsum(one.step)) for one in side], axis=0) for side in (paths, decoys))
        assert level.max() > 1
        assert np.abs(level - other).max() > 0.5


def test_no_piece_of_a_test_candle_is_in_the_pool() -> None:
    world = small_planted_world()
    assert not set(world.pool.instruments) & set(world.test.instruments)
    usable = world.pool.features[world.pool.usable], world.test.features[world.test.usable]
    first, second = ({tuple(row) for row in part[:, :4].round(6).tolist()} for part in usable)
    assert len(first) > 1000
    assert not first & second
