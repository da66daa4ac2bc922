"""The enriched data set: columns, values, formats, and a file that is whole or not there."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from candleloop.candles.frame import Candles
from candleloop.errors import BadRequest
from candleloop.features import export
from candleloop.features.export import export_features, save_features
from candleloop.features.matrix import FeatureSpec, feature_matrix
from tests.support.candles import random_candles

SPEC = FeatureSpec(("body_0", "cci_20", "volume_ratio_20"))
CANDLES = random_candles(500, seed=3)


@pytest.mark.parametrize("name", ["there.parquet", "there.csv"])
def test_features_that_were_sent_are_written_as_those_of_here(tmp_path: Path, name: str) -> None:
    sent = export_features(CANDLES, SPEC, tmp_path / "sent.parquet", series_id="S")
    here = export_features(CANDLES, SPEC, tmp_path / f"here-{name}", series_id="S")
    there = save_features(sent.path.read_bytes(), tmp_path / name)
    assert replace(there, path=here.path, bytes=here.bytes) == here
    assert here.complete == len(CANDLES) - SPEC.warmup
    if name.endswith(".csv"):
        assert there.path.read_bytes() == here.path.read_bytes()
    else:
        assert pq.read_schema(there.path).equals(pq.read_schema(here.path), check_metadata=True)
        pd.testing.assert_frame_equal(pd.read_parquet(there.path), pd.read_parquet(here.path))


def test_parquet_holds_candles_and_features_as_they_are(tmp_path: Path) -> None:
    done = export_features(CANDLES, SPEC, tmp_path / "x.parquet", series_id="S")
    table = pq.read_table(done.path)
    names = ["series_id", "series_version", "time", "open", "high", "low", "close", "volume", *SPEC.names]
    assert table.column_names == names == list(done.columns)
    assert table["series_id"].unique().to_pylist() == ["S"]
    assert table["series_version"].unique().to_pylist() == [CANDLES.version()]
    assert str(table.schema.field("time").type) == "timestamp[us, tz=UTC]"
    assert {str(table.schema.field(name).type) for name in SPEC.names} == {"float"}
    assert np.array_equal(table["time"].cast("int64").to_numpy(), CANDLES.time)
    assert np.array_equal(table["close"].to_numpy(), CANDLES.close)
    told = [table.schema.field(name).metadata for name in SPEC.names]
    assert [(one[b"unit"], one[b"lookback"], one[b"warmup"]) for one in told] == [
        (b"mean bodies", b"10", b"10"),
        (b"mean deviations / 0.015", b"19", b"19"),
        (b"mean volumes", b"20", b"20"),
    ]
    found = np.column_stack([table[name].to_numpy() for name in SPEC.names])
    assert np.array_equal(found, feature_matrix(CANDLES, SPEC), equal_nan=True)
    assert (done.bars, done.complete, done.warmup) == (500, 500 - SPEC.warmup, SPEC.warmup)
    assert done.bytes == done.path.stat().st_size


def test_csv_has_empty_fields_while_warming_up(tmp_path: Path) -> None:
    done = export_features(CANDLES, SPEC, tmp_path / "x.csv")
    frame = pd.read_csv(done.path, parse_dates=["time"])
    assert list(frame.columns) == list(done.columns)
    assert frame["cci_20"].isna().sum() == SPEC.warmup
    assert "nan" not in done.path.read_text()
    np.testing.assert_allclose(frame["cci_20"][20:], feature_matrix(CANDLES, SPEC)[20:, 1], rtol=1e-6)
    assert frame["time"].dt.tz is not None


def test_a_series_without_volume_has_no_such_column(tmp_path: Path) -> None:
    bare = Candles(CANDLES.time, CANDLES.open, CANDLES.high, CANDLES.low, CANDLES.close)
    assert "volume" not in export_features(bare, SPEC, tmp_path / "x.parquet").columns


def test_row_groups_hold_many_chunks_and_progress_ends_with_the_bars(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("candleloop.features.matrix.CHUNK", 50)
    monkeypatch.setattr(export, "ROW_GROUP", 200)
    told: list[int] = []
    done = export_features(CANDLES, SPEC, tmp_path / "x.parquet", progress=lambda _s, bars, *_: told.append(bars))
    assert pq.ParquetFile(done.path).metadata.num_row_groups == 3
    assert told == sorted(told)
    assert told[-1] == 500


def test_another_ending_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match=r"must end in .parquet or .csv"):
        export_features(CANDLES, SPEC, tmp_path / "x.xlsx")
    assert list(tmp_path.iterdir()) == []


def test_what_fails_half_way_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "x.parquet"
    target.write_text("old")

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_features(CANDLES, SPEC, target, progress=fail)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("x.parquet", "old")]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="nowhere"):
        export_features(CANDLES, SPEC, tmp_path / "nowhere" / "x.parquet")
