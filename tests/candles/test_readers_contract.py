"""What every reader promises, held against each vendor's layout."""

from __future__ import annotations

import gzip
import io
import zipfile

import numpy as np
import pytest

from candleloop.candles.readers import READERS, read_candles
from candleloop.candles.readers.content import open_content
from candleloop.errors import BadCandles, NotACandleFile
from tests.support.vendor_files import VENDOR_FILES, VendorFile, candles_for

every_layout = pytest.mark.parametrize("file", VENDOR_FILES, ids=lambda file: file.write.__name__)
line_layouts = pytest.mark.parametrize(
    "file", [file for file in VENDOR_FILES if file.lines], ids=lambda file: file.write.__name__
)


def test_every_reader_has_a_layout_here_and_a_name_of_its_own() -> None:
    families = [reader.family for reader in READERS]
    assert len(set(families)) == len(families)
    assert {file.family for file in VENDOR_FILES} == set(families)


@every_layout
def test_a_file_is_recognised_by_its_content_and_its_values_arrive_exactly(file: VendorFile) -> None:
    candles = candles_for(file)
    imported = read_candles(file.write(candles), name=file.name)
    assert imported.source == imported.report.family == file.family
    np.testing.assert_array_equal(imported.candles.time, candles.time)
    for name, values in candles.columns().items():
        if name == "volume" and not file.volume:
            assert imported.candles.volume is None
        else:
            np.testing.assert_array_equal(imported.candles.columns()[name], values)
    assert imported.timeframe_seconds == (86_400 if file.daily else 3_600)
    assert imported.report.rows_in == imported.report.rows_kept == len(candles)
    kinds = {defect.kind for defect in imported.report.defects}
    assert kinds == ({"newest_first"} if file.newest_first else set())


@every_layout
def test_strict_accepts_a_clean_file(file: VendorFile) -> None:
    candles = candles_for(file)
    imported = read_candles(file.write(candles), name=file.name, strict=True)
    assert len(imported.candles) == len(candles)


@every_layout
def test_gzip_and_zip_around_a_file_change_nothing(file: VendorFile) -> None:
    data = file.write(candles_for(file))
    plain = read_candles(data, name=file.name)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(file.name, data)
    for packed, name in ((gzip.compress(data), f"{file.name}.gz"), (buffer.getvalue(), "x.zip")):
        imported = read_candles(packed, name=name)
        assert imported.candles.version() == plain.candles.version()
        assert imported.report == plain.report


def _is_number(value: str) -> bool:
    return value.replace(".", "", 1).isdigit()


@line_layouts
def test_a_row_of_text_is_quarantined_under_its_line_in_the_file(file: VendorFile) -> None:
    data = file.write(candles_for(file))
    encoding = "utf-16" if data[:2] == b"\xff\xfe" else "utf-8"
    lines = data.decode(encoding).splitlines()
    place = file.header + 12
    delimiter = next(mark for mark in (";", "\t", ",") if lines[place].count(mark) >= 4)
    values = lines[place].split(delimiter)
    lines[place] = delimiter.join([values[0], *("oops" if _is_number(value) else value for value in values[1:])])
    imported = read_candles("\n".join(lines).encode(encoding), name=file.name)
    defects = [defect for defect in imported.report.defects if defect.action == "quarantined"]
    assert sum(defect.count for defect in defects) == 1
    assert defects[0].rows == (place + 1,)
    assert imported.report.rows_kept == 59


@line_layouts
def test_a_torn_line_is_quarantined_and_blank_lines_are_told(file: VendorFile) -> None:
    data = file.write(candles_for(file))
    encoding = "utf-16" if data[:2] == b"\xff\xfe" else "utf-8"
    lines = data.decode(encoding).splitlines()
    place = file.header + 20
    lines[place] = lines[place][:12]
    lines.insert(file.header + 10, "")
    imported = read_candles("\n".join(lines).encode(encoding), name=file.name)
    torn = next(defect for defect in imported.report.defects if defect.kind == "malformed")
    assert torn.rows == (place + 2,)
    assert imported.report.rows_kept == 59


@every_layout
def test_cut_and_changed_files_never_end_in_another_error(file: VendorFile) -> None:
    data = file.write(candles_for(file, 30))
    rng = np.random.default_rng(5)
    for _ in range(60):
        changed = bytearray(data[: rng.integers(1, len(data) + 1)])
        for place in rng.integers(0, len(changed), rng.integers(0, 6)):
            changed[place] = rng.integers(0, 256)
        try:
            imported = read_candles(bytes(changed), name=file.name)
        except (BadCandles, NotACandleFile):
            continue
        assert np.all(np.diff(imported.candles.time) > 0)
        assert np.all(imported.candles.high >= imported.candles.low)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"  \n\n",
        b"hello world",
        b"a,b,c\n1,2,3\n",
        b"{}",
        b"[]",
        b"[[1,2],[3,4]]",
        b'{"open": 1}',
        b"PAR1",
        b"ARROW1 and nothing more",
        b"\x1f\x8bbroken",
        b"PK\x03\x04broken",
        b"\x00\x01\x02\x03" * 50,
        b"date,open,high,low,close\n",
        b"date,open,high,low,close\nx,y,z,a,b\nx,y,z,a,b\n",
        "naïve,café\n1,2\n".encode("latin-1"),
    ],
    ids=lambda data: repr(data[:16]),
)
def test_a_file_that_is_no_candle_file_is_refused_in_one_line(data: bytes) -> None:
    with pytest.raises(NotACandleFile) as caught:
        read_candles(data, name="some.csv")
    assert "\n" not in caught.value.message


@every_layout
def test_no_reader_takes_another_familys_file_before_its_own(file: VendorFile) -> None:
    content = open_content(file.write(candles_for(file)), file.name)
    first = next(reader for reader in READERS if reader.recognises(content))
    assert first.family == file.family


def test_alpha_vantage_is_known_where_half_of_its_times_are_damaged() -> None:
    file = next(file for file in VENDOR_FILES if file.write.__name__ == "alphavantage")
    candles = candles_for(file)
    header, *lines = file.write(candles).decode().splitlines()
    damaged = [line if place % 2 else f"?{line}" for place, line in enumerate(lines)]
    imported = read_candles("\n".join([header, *damaged]).encode(), name=file.name)
    assert imported.source == "alphavantage"
    np.testing.assert_array_equal(imported.candles.time, candles.time[::2])
    assert imported.report.rows_in - imported.report.rows_kept == 30


@pytest.mark.parametrize("damaged", [b"v\xe0lume", b"\xe0TC"])
def test_a_damaged_name_in_a_feather_file_is_refused_in_one_line(damaged: bytes) -> None:
    file = next(file for file in VENDOR_FILES if file.write.__name__ == "freqtrade_feather")
    data = file.write(candles_for(file))
    name = b"volume" if len(damaged) > 3 else b"UTC"
    assert name in data
    with pytest.raises((NotACandleFile, BadCandles)) as refusal:
        read_candles(data.replace(name, damaged), name=file.name)
    assert "\n" not in refusal.value.message
