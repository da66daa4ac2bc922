from __future__ import annotations

import io
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from candleloop.batch.row_groups import join_row_groups
from candleloop.batch.shards import parquet_schema

SCHEMA = parquet_schema(["doji", "hammer"])


def table(rows: int, seed: int) -> pa.Table:
    """Return rows with everything a result has: nulls, texts that come again, times, float32."""
    rng = np.random.default_rng(seed)
    of_type: dict[Any, Any] = {
        pa.int32(): lambda: rng.integers(0, 5, rows),
        pa.int64(): lambda: rng.integers(0, 10**12, rows),
        pa.string(): lambda: [None if one == 0 else f"name-{one}" for one in rng.integers(0, 4, rows)],
        pa.float64(): lambda: rng.random(rows),
        pa.float32(): lambda: rng.random(rows).astype(np.float32),
        pa.bool_(): lambda: rng.random(rows) > 0.5,
        pa.timestamp("us", "UTC"): lambda: rng.integers(0, 10**15, rows),
    }
    return pa.table([pa.array(of_type[field.type](), type=field.type) for field in SCHEMA], schema=SCHEMA)


def file_of(content: pa.Table, **how: Any) -> io.BytesIO:
    stream = io.BytesIO()
    pq.write_table(content, stream, **how)
    return stream


def joined(schema: pa.Schema, parts: list[io.BytesIO]) -> io.BytesIO:
    stream = io.BytesIO()
    join_row_groups(stream, schema, parts)
    return stream


@pytest.mark.parametrize(
    "how",
    [
        {"compression": "zstd"},
        {"compression": "none", "use_dictionary": False},
        {"row_group_size": 7, "data_page_size": 64, "write_page_index": True},
        {"version": "1.0", "write_statistics": False},
    ],
    ids=["as_written", "plain", "many_groups_and_page_indexes", "old"],
)
def test_the_joined_file_is_the_rows_of_its_parts_in_order(how: dict[str, Any]):
    tables = [table(rows, seed) for seed, rows in enumerate([30, 1, 0, 200])]
    whole = joined(SCHEMA, [file_of(one, **how) for one in tables])
    expected = pa.concat_tables(tables)
    # Each way of reading goes by other places of the footer.
    assert pq.read_table(whole, pre_buffer=False).equals(expected)
    assert pq.read_table(whole, pre_buffer=True, columns=["label", "probability_hammer"]).equals(
        expected.select(["label", "probability_hammer"])
    )
    file = pq.ParquetFile(whole)
    assert file.metadata.num_rows == len(expected)
    by_group = [file.read_row_group(number) for number in range(file.num_row_groups)]
    assert pa.concat_tables(by_group).equals(expected)


def test_what_is_said_of_columns_stays_with_its_row_group():
    tables = [table(50, 1), table(60, 2)]
    file = pq.ParquetFile(joined(SCHEMA, [file_of(one, compression="zstd") for one in tables]))
    confidence = SCHEMA.names.index("confidence")
    for number, one in enumerate(tables):
        column = file.metadata.row_group(number).column(confidence)
        assert column.statistics.max == max(one["confidence"].to_pylist())
        assert column.compression == "ZSTD"


def test_the_file_has_the_metadata_it_was_given_and_none_of_its_parts():
    part = file_of(table(3, 1).replace_schema_metadata({"of": "the part"}))
    facts = pq.read_schema(joined(SCHEMA.with_metadata({"candleloop": '{"model": 1}'}), [part])).metadata
    assert facts == {b"candleloop": b'{"model": 1}'}


def test_no_parts_are_a_file_without_rows():
    assert pq.read_table(joined(SCHEMA, [])).equals(table(0, 0))


def test_a_part_that_is_no_whole_parquet_file_is_refused():
    content = file_of(table(3, 1)).getvalue()
    for cut in (0, 3, len(content) // 2, len(content) - 1):
        with pytest.raises(ValueError, match="no whole Parquet file"):
            joined(SCHEMA, [io.BytesIO(content[:cut])])


def test_a_part_with_a_damaged_footer_is_refused():
    content = file_of(table(3, 1)).getvalue()
    size = int.from_bytes(content[-8:-4], "little")
    for kept in (1, size // 2, size - 1):
        cut = content[: len(content) - 8 - size + kept] + kept.to_bytes(4, "little") + content[-4:]
        with pytest.raises(ValueError, match="no whole Parquet file"):
            joined(SCHEMA, [io.BytesIO(cut)])


def test_a_part_with_other_columns_is_refused():
    with pytest.raises(ValueError, match="has the columns"):
        joined(SCHEMA, [file_of(table(3, 1).drop_columns(["id"]))])
