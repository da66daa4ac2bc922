from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from candleloop.candles import store
from candleloop.candles.frame import Candles
from candleloop.candles.store import CandleStore
from candleloop.errors import BadRequest, NotFound
from candleloop.storage import Storage
from tests.support.candles import random_candles


def same(a: Candles, b: Candles) -> bool:
    return a.version() == b.version() if len(a) and len(b) else len(a) == len(b)


@pytest.fixture
def small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_ROW_GROUP", 100)


@pytest.fixture
def candle_store(tmp_path: Path) -> CandleStore:
    return CandleStore(Storage(tmp_path.as_uri()))


def test_what_is_written_comes_back_bit_for_bit(candle_store: CandleStore) -> None:
    candles = random_candles(500)
    version = candle_store.write("AAPL-1d", candles)
    assert version == candles.version()
    assert same(candle_store.read("AAPL-1d", version), candles)


def test_a_series_without_volume_stays_without(candle_store: CandleStore) -> None:
    candles = random_candles(50)
    bare = Candles(candles.time, candles.open, candles.high, candles.low, candles.close)
    back = candle_store.read("x", candle_store.write("x", bare))
    assert back.volume is None
    assert same(back, bare)


def test_the_same_content_again_is_the_same_version_and_no_second_file(
    candle_store: CandleStore, tmp_path: Path
) -> None:
    versions = {candle_store.write("x", random_candles(50)) for _ in range(2)}
    files = list((tmp_path / "candles" / "x").iterdir())
    assert len(versions) == len(files) == 1
    assert candle_store.write("x", random_candles(51)) not in versions
    assert len(list((tmp_path / "candles" / "x").iterdir())) == 2


def test_a_damaged_file_is_refused_and_made_whole_by_the_same_content(
    candle_store: CandleStore, tmp_path: Path
) -> None:
    version = candle_store.write("x", random_candles(5_000))
    path = tmp_path / "candles" / "x" / f"{version}.parquet"
    whole = path.read_bytes()
    for damaged in (whole[:-200], whole[:2_000] + bytes([whole[2_000] ^ 1]) + whole[2_001:], b""):
        path.write_bytes(damaged)
        with pytest.raises(NotFound, match="of series x") as refused:
            candle_store.read("x", version)
        assert refused.value.code == "candles_damaged"
    candle_store.write("x", random_candles(5_000))
    assert path.read_bytes() == whole


@settings(max_examples=40, deadline=None)
@given(first=st.integers(-5, 1005), last=st.integers(-5, 1005), shift=st.sampled_from([-1, 0, 1]))
def test_a_range_holds_both_its_ends(
    tmp_path_factory: pytest.TempPathFactory, first: int, last: int, shift: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "_ROW_GROUP", 100)
        candles = random_candles(1000)
        candle_store = CandleStore(Storage(tmp_path_factory.mktemp("candles").as_uri()))
        version = candle_store.write("x", candles)
    start, end = (int(candles.time[0]) + 3_600_000_000 * place + shift for place in (first, last))
    inside = (candles.time >= start) & (candles.time <= end)
    np.testing.assert_array_equal(
        candle_store.read("x", version, start_time=start, end_time=end).time, candles.time[inside]
    )
    np.testing.assert_array_equal(candle_store.read("x", version, end_time=end).time, candles.time[candles.time <= end])
    before = candles.time[candles.time < end][-150:]
    np.testing.assert_array_equal(candle_store.read_before("x", version, end, 150).time, before)


@pytest.mark.usefixtures("small_groups")
def test_reading_a_range_does_not_read_the_file(candle_store: CandleStore, tmp_path: Path) -> None:
    candles = random_candles(100_000)
    version = candle_store.write("x", candles)
    path = tmp_path / "candles" / "x" / f"{version}.parquet"
    data = bytearray(path.read_bytes())
    # Overwrite the second half of the data, but not the footer: a range of the first half must not notice.
    footer = int.from_bytes(data[-8:-4], "little") + 8
    middle = (len(data) - footer) // 2
    data[middle + 50_000 : -footer] = bytes(len(data) - footer - middle - 50_000)
    path.write_bytes(data)
    some = candle_store.read("x", version, start_time=int(candles.time[1000]), end_time=int(candles.time[1500]))
    np.testing.assert_array_equal(some.close, candles.close[1000:1501])
    assert len(candle_store.read_before("x", version, int(candles.time[2000]), 60)) == 60


def test_what_is_not_there_is_named(candle_store: CandleStore) -> None:
    with pytest.raises(NotFound) as caught:
        candle_store.read("x", "0123456789abcdef")
    assert caught.value.code == "candles_missing"
    with pytest.raises(NotFound):
        candle_store.read("x", "../../etc/passwd")


@pytest.mark.parametrize("series_id", ["", "a/b", "..", ".hidden", "ä", "x" * 81, "a b"])
def test_a_series_id_that_is_no_file_name_is_refused(candle_store: CandleStore, series_id: str) -> None:
    with pytest.raises(BadRequest) as caught:
        candle_store.write(series_id, random_candles(5))
    assert caught.value.details["field"] == "series_id"


def test_rows_and_times_come_without_the_rest_of_the_file(candle_store: CandleStore, small_groups: None) -> None:
    candles = random_candles(450)
    version = candle_store.write("A-1h", candles)
    assert np.array_equal(np.concatenate(list(candle_store.times("A-1h", version))), candles.time)
    assert np.array_equal(candle_store.all_times("A-1h", version), candles.time)
    for first, stop in ((0, 450), (0, 1), (99, 101), (100, 200), (250, 999), (449, 450), (200, 200)):
        found = candle_store.read_rows("A-1h", version, first, stop)
        assert np.array_equal(found.time, candles.time[first:stop])
        assert np.array_equal(found.close, candles.close[first:stop])
