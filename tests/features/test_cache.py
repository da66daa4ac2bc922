"""Features that were computed before are not computed again, and are never those of other candles."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from candleloop.candles.frame import Candles
from candleloop.features import matrix
from candleloop.features.cache import FOLDER, FeatureCache
from candleloop.features.catalogue import DEFAULT_NAMES
from candleloop.features.matrix import CHUNK, FeatureSpec, feature_matrix
from candleloop.storage import Storage
from tests.support.candles import random_candles

SPEC = FeatureSpec(DEFAULT_NAMES)
WHOLE = random_candles(3 * CHUNK + 500, seed=5)
BEFORE = WHOLE[: 3 * CHUNK]
PLENTY = 10**9


@pytest.fixture
def storage(tmp_path_factory: pytest.TempPathFactory) -> Storage:
    return Storage(f"file://{tmp_path_factory.mktemp('features')}")


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Tell how many bars were computed since the last time."""
    count, compute = [0], matrix._Plan.compute

    def counting(plan, bars):  # type: ignore[no-untyped-def]
        count[0] += len(bars)
        return compute(plan, bars)

    def read() -> int:
        found, count[0] = count[0], 0
        return found

    monkeypatch.setattr(matrix._Plan, "compute", counting)
    return read


def revised(candles: Candles, bar: int) -> Candles:
    close = candles.close.copy()
    close[bar] = (candles.low[bar] + candles.high[bar]) / 2 + 0.001
    columns = {**candles.columns(), "close": close, "high": np.maximum(candles.high, close)}
    return Candles.checked(time=candles.time, **columns)


def test_the_same_candles_are_computed_once(storage: Storage, computed: Callable[[], int]) -> None:
    first = FeatureCache(storage, PLENTY).matrix(BEFORE, SPEC)
    assert computed() >= len(BEFORE)
    second = FeatureCache(storage, PLENTY).matrix(BEFORE, SPEC)
    assert computed() == 0
    assert first.tobytes() == second.tobytes() == feature_matrix(BEFORE, SPEC).tobytes()


def test_appended_candles_cost_the_last_chunk_only(storage: Storage, computed: Callable[[], int]) -> None:
    FeatureCache(storage, PLENTY).matrix(BEFORE, SPEC)
    computed()
    found = FeatureCache(storage, PLENTY).matrix(WHOLE, SPEC)
    assert computed() <= len(WHOLE) - 2 * CHUNK + SPEC.warmup
    assert found.tobytes() == feature_matrix(WHOLE, SPEC).tobytes()


@pytest.mark.parametrize("bar", [0, 100, CHUNK + 30, 2 * CHUNK])
def test_a_revised_candle_costs_the_chunks_that_read_it(
    storage: Storage, computed: Callable[[], int], bar: int
) -> None:
    FeatureCache(storage, PLENTY).matrix(BEFORE, SPEC)
    computed()
    changed = revised(BEFORE, bar)
    found = FeatureCache(storage, PLENTY).matrix(changed, SPEC)
    assert 0 < computed() <= 2 * (CHUNK + SPEC.warmup)
    assert found.tobytes() == feature_matrix(changed, SPEC).tobytes()


def test_other_columns_and_volume_that_is_not_there_are_no_hit(storage: Storage) -> None:
    cache = FeatureCache(storage, PLENTY)
    cache.matrix(BEFORE, SPEC)
    fewer = FeatureSpec(DEFAULT_NAMES[::-1])
    assert cache.matrix(BEFORE, fewer).tobytes() == feature_matrix(BEFORE, fewer).tobytes()
    prices = {name: values for name, values in BEFORE.columns().items() if name != "volume"}
    bare = Candles.checked(time=BEFORE.time, **prices)
    assert cache.matrix(bare, SPEC).tobytes() == feature_matrix(bare, SPEC).tobytes()


def test_a_damaged_file_is_computed_again(storage: Storage, computed: Callable[[], int]) -> None:
    FeatureCache(storage, PLENTY).matrix(BEFORE, SPEC)
    names = [str(path).rpartition("/")[2] for path in storage.filesystem.ls(storage.path(FOLDER), detail=False)]
    content = bytearray(storage.read(f"{FOLDER}/{names[0]}"))
    content[len(content) // 2] ^= 1
    storage.write(f"{FOLDER}/{names[0]}", bytes(content))
    storage.write(f"{FOLDER}/{names[1]}", b"short")
    computed()
    found = FeatureCache(storage, PLENTY).matrix(BEFORE, SPEC)
    assert computed() > 0
    assert found.tobytes() == feature_matrix(BEFORE, SPEC).tobytes()


def test_it_stays_within_its_size_and_keeps_what_was_used_last(storage: Storage, computed: Callable[[], int]) -> None:
    one_chunk = 4 * CHUNK * len(SPEC.names)
    FeatureCache(storage, PLENTY).matrix(random_candles(2 * CHUNK, seed=9), SPEC)
    small = FeatureCache(storage, 4 * one_chunk)
    small.matrix(BEFORE, SPEC)
    assert small.shrink() <= 4 * one_chunk
    computed()
    FeatureCache(storage, PLENTY).matrix(BEFORE, SPEC)
    assert computed() == 0
    none = FeatureCache(storage, 0)
    none.matrix(BEFORE, SPEC)
    assert none.shrink() == 0
    assert storage.filesystem.ls(storage.path(FOLDER)) == []


def test_several_at_once_with_somebody_who_removes_get_the_right_features(storage: Storage) -> None:
    expected = feature_matrix(BEFORE, SPEC).tobytes()

    def compute(number: int) -> bool:
        cache = FeatureCache(storage, PLENTY)
        right = cache.matrix(BEFORE, SPEC).tobytes() == expected
        FeatureCache(storage, 0 if number % 2 else PLENTY).shrink()
        return right

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(compute, range(12)))
