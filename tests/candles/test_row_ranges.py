"""All rows of a defect as ranges, however they come."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from candleloop.candles import row_ranges
from candleloop.candles.readers import read_candles
from candleloop.candles.row_ranges import RowRanges, ranges_of
from candleloop.candles.rows_file import rows_as_csv, write_rows
from candleloop.storage import Storage


def listed(ranges: np.ndarray) -> list[int]:
    return [row for first, last in ranges.tolist() for row in range(first, last + 1)]


@given(st.lists(st.lists(st.integers(1, 60), max_size=30), max_size=6))
def test_pieces_in_any_order_give_each_row_once_in_the_fewest_ranges(pieces: list[list[int]]) -> None:
    places = RowRanges()
    for piece in pieces:
        places.add(ranges_of(np.array(piece, dtype=np.int64)))
    found = places.ranges()
    assert listed(found) == sorted({row for piece in pieces for row in piece})
    assert np.all(found[1:, 0] > found[:-1, 1] + 1)
    assert places.complete


def test_more_ranges_than_are_kept_leave_the_first_and_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_ranges, "MAX_RANGES", 10)
    places = RowRanges()
    for start in range(0, 100, 10):
        places.add(ranges_of(np.arange(start, start + 10, 2)))
    assert listed(places.ranges()) == list(range(0, 20, 2))
    assert not places.complete


def test_every_row_of_every_defect_is_in_the_file_beside_the_report() -> None:
    rows = [f"{1_700_000_000 + 3_600 * bar},10,15,5,11,{100 + bar}" for bar in range(2_000)]
    for bar in range(20, 1_900, 7):
        rows[bar] = f"{rows[bar].partition(',')[0]},10,4,5,11,100"
    for bar in range(100, 130):
        rows[bar] = f"{rows[bar].partition(',')[0]},10,10,10,10,0"
    imported = read_candles("\n".join(["time,open,high,low,close,volume", *rows]).encode())
    storage = Storage("memory://rows")
    name = write_rows(storage, imported.findings)
    header, *lines = csv.reader(rows_as_csv(storage, name).decode().splitlines())
    assert header == ["kind", "action", "first_row", "last_row", "message"]
    found: dict[str, list[int]] = {}
    for line in lines:
        kind, _, first, last, _ = line
        found.setdefault(kind, []).extend(range(int(first), int(last) + 1))
    bad = [bar + 2 for bar in range(20, 1_900, 7) if not 100 <= bar < 130]
    assert found["ohlc_violation"] == bad
    assert found["gap"] == [row + 1 for row in bad]
    assert found["flat"] == found["zero_volume"] == list(range(102, 132))
    counts = {defect.kind: defect.count for defect in imported.report.defects}
    assert {kind: len(rows) for kind, rows in found.items()} == counts
    assert "rows 102-131" in next(d for d in imported.report.defects if d.kind == "flat").line()


def test_a_file_without_defects_has_no_rows() -> None:
    storage = Storage("memory://rows")
    assert write_rows(storage, ()) is None
    assert rows_as_csv(storage, None).decode().splitlines() == ["kind,action,first_row,last_row,message"]
