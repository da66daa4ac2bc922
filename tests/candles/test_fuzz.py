"""Damaged files of every layout: a clear error or right candles, never a failure, never a candle nobody wrote.

A small share of what ``make fuzz`` does, with fixed seeds.
"""

from __future__ import annotations

import pytest

from candleloop.candles.readers import read_candles
from tests.support.reader_fuzz import fuzz, fuzz_anywhere
from tests.support.vendor_files import VENDOR_FILES, VendorFile, candles_for, generic

BYTES_PER_LAYOUT = 12_000

each_layout = pytest.mark.parametrize("file", VENDOR_FILES, ids=lambda file: file.write.__name__)


@each_layout
def test_a_damaged_file_is_read_or_refused_but_never_fails(file: VendorFile) -> None:
    found = fuzz_anywhere(file, budget=BYTES_PER_LAYOUT, seed=sum(file.write.__name__.encode()))
    assert found.problems == []


@each_layout
def test_every_candle_of_a_damaged_file_stands_in_it(file: VendorFile) -> None:
    found = fuzz(file, budget=BYTES_PER_LAYOUT, seed=sum(file.write.__name__.encode()))
    assert found.problems == []
    # A damaged page of a Parquet or Feather file is noticed or cannot be unpacked; JSON is torn at once.
    assert found.candles > 0 or not file.lines


def test_a_wrong_candle_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def swapped(data: bytes, *, name: str) -> object:
        imported = read_candles(data, name=name)
        imported.candles.close[-1] = imported.candles.open[-1]
        return imported

    monkeypatch.setattr("tests.support.reader_fuzz.read_candles", swapped)
    found = fuzz(VendorFile("generic", generic), budget=2_000, seed=1)
    assert any("nobody wrote" in problem for problem in found.problems)


def test_one_damaged_line_does_not_make_a_file_another_vendors() -> None:
    """Whose times are in another zone: no row would be missed, and all of them would be wrong."""
    for file in VENDOR_FILES:
        if file.family not in {"histdata", "alphavantage"} or not file.lines:
            continue
        lines = file.write(candles_for(file, 60)).decode().splitlines()
        volume = lines[3].rpartition(";" if ";" in lines[3] else ",")
        lines[3] = f"{volume[0]}{volume[1]}7"
        lines[file.header + 4] = lines[file.header + 4].replace("20", "2x", 1)
        assert read_candles("\n".join(lines).encode(), name="x.csv").source == file.family
        lines[file.header] = lines[file.header].replace("20", "2x", 1)
        if file.family == "alphavantage":
            assert read_candles("\n".join(lines).encode(), name="x.csv").source == file.family
