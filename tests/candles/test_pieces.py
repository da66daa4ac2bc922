"""A large file is read in pieces; how it is cut must never show."""

from __future__ import annotations

import gzip
import io
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from candleloop.candles import readers
from candleloop.candles.frame import Candles
from candleloop.candles.readers import ImportedCandles, content, read_candles
from candleloop.candles.store import CandleStore
from candleloop.errors import CandleloopError
from candleloop.storage import Storage
from tests.support.candles import random_candles
from tests.support.vendor_files import VENDOR_FILES, VendorFile, candles_for

HEAD_BYTES = 1_400
HEAD = "time,open,high,low,close,volume"


def rows(n: int = 400, first: int = 1_700_000_000) -> list[str]:
    return [f"{first + 60 * bar},{10 + bar % 3},15,5,{11 + bar % 2},{100 + bar}" for bar in range(n)]


def text(lines: list[str], end: str = "\n") -> bytes:
    return (end.join([HEAD, *lines]) + end).encode()


def outcome(data: bytes, piece: int | None, name: str = "x.csv") -> tuple[object, ...]:
    """Return what comes of a file read in pieces of some bytes: version and report, or the error."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(readers, "PIECE", piece)
        patch.setattr(content, "_HEAD", HEAD_BYTES)
        try:
            imported = read_candles(data, name=name)
        except CandleloopError as error:
            return error.code, error.message, error.details
    return facts(imported)


def facts(imported: ImportedCandles) -> tuple[object, ...]:
    notes = tuple(note for note in imported.report.notes if not note.startswith("read as a whole"))
    report = imported.report.model_copy(update={"notes": notes})
    return imported.candles.version(), report, imported.symbol, imported.timeframe_seconds, imported.session


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "PIECE", 2_000)
    monkeypatch.setattr(content, "_HEAD", HEAD_BYTES)


@pytest.mark.parametrize("file", VENDOR_FILES, ids=lambda file: file.write.__name__)
def test_every_layout_reads_the_same_in_pieces(file: VendorFile) -> None:
    data = file.write(candles_for(file, 200))
    assert outcome(data, 1_500, file.name) == outcome(data, None, file.name)


mistakes = st.lists(
    st.tuples(
        st.integers(0, 399),
        st.sampled_from(
            [
                "",
                "torn,line",
                "again",
                "x,1,2,3,4,5",
                "1700000000,1,5,2,4,7",
                "swap",
                "ms",
                "nan",
                "flat",
                "zero",
                "jump",
            ]
        ),
    ),
    max_size=12,
)


def damaged(found: list[tuple[int, str]]) -> list[str]:
    lines = rows()
    for place, what in found:
        place = min(place, len(lines) - 2)
        time, *values = lines[place].split(",")
        match what:
            case "again":
                lines.insert(place, lines[place])
            case "swap":
                lines[place], lines[place + 1] = lines[place + 1], lines[place]
            case "ms":
                lines[place] = ",".join([time + "000", *values])
            case "nan":
                lines[place] = ",".join([time, "", *values[1:]])
            case "flat":
                lines[place] = ",".join([time, "11", "11", "11", "11", "5"])
            case "zero":
                lines[place] = ",".join([time, *values[:-1], "0"])
            case "jump":
                lines[place] = ",".join([time, "1000", "1500", "500", "1100", "5"])
            case _:
                lines.insert(place, what)
    return lines


@settings(max_examples=150, deadline=None)
@given(found=mistakes, piece=st.integers(1_500, 6_000), end=st.sampled_from(["\n", "\r\n", "\r"]))
def test_candles_and_report_do_not_depend_on_the_cut(found: list[tuple[int, str]], piece: int, end: str) -> None:
    data = text(damaged(found), end)
    assert outcome(data, piece) == outcome(data, None)


@pytest.mark.usefixtures("small_pieces")
def test_a_file_in_order_is_not_read_as_a_whole() -> None:
    lines = damaged([(50, "again"), (120, "torn,line"), (121, ""), (200, "nan"), (250, "ms"), (300, "jump")])
    imported = read_candles(text(lines), name="x.csv")
    assert imported.report.notes == ()
    kinds = {defect.kind for defect in imported.report.defects}
    assert {"duplicate", "malformed", "missing_open", "unit_switch", "jump"} <= kinds


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (rows()[::-1], "order of time"),
        ([*rows()[:300], *rows(2, first=1_600_000_000), *rows()[300:]], "order of time"),
        ([*(line.rpartition(",")[0] + "," for line in rows()[:100]), *rows()[100:]], "volume"),
    ],
    ids=["newest first", "a stray", "volume begins late"],
)
def test_what_shows_late_is_read_as_a_whole_and_the_report_says_so(lines: list[str], why: str) -> None:
    imported = read_candles(text(lines), name="x.csv")
    assert any(note.startswith("read as a whole") and why in note for note in imported.report.notes)
    assert facts(imported) == outcome(text(lines), None)


def test_dates_whose_order_shows_late_are_still_told() -> None:
    days = np.arange(np.datetime64("2020-01-01"), np.datetime64("2021-06-01"))
    lines = [f"{day.item():%m/%d/%Y},10,15,5,11,100" for day in days]
    assert outcome(text(lines), 800) == outcome(text(lines), None)


@pytest.mark.usefixtures("small_pieces")
def test_archives_are_read_in_pieces_too() -> None:
    data, packed = text(rows()), io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.csv", data)
    for archived, name in ((gzip.compress(data), "x.csv.gz"), (packed.getvalue(), "x.zip")):
        imported = read_candles(archived, name=name)
        assert facts(imported) == outcome(data, None)
        assert imported.report.notes == ()


def test_a_broken_end_of_an_archive_is_told_whichever_piece_it_is_in() -> None:
    assert outcome(gzip.compress(text(rows()))[:-20], 2_000)[0] == "bad_archive"


@pytest.mark.usefixtures("small_pieces")
def test_progress_counts_the_bytes_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(text(rows()))
    told: list[tuple[int, int | None]] = []

    def progress(stage: str, done: int, total: int | None = None, unit: str = "steps") -> None:
        assert (stage, unit) == ("reading", "bytes")
        told.append((done, total))

    read_candles(path, progress=progress)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert len(told) > 4
    assert told[-1] == (path.stat().st_size, path.stat().st_size)


@settings(max_examples=30, deadline=None)
@given(cuts=st.lists(st.integers(1, 299), unique=True).map(sorted))
def test_candles_written_in_parts_are_one_version(tmp_path_factory: pytest.TempPathFactory, cuts: list[int]) -> None:
    candles = random_candles(300)
    store = CandleStore(Storage(tmp_path_factory.mktemp("candles").as_uri()))
    with store.writer() as writer:
        writer.write(replace(candles, volume=None))
        writer.clear()
        for start, end in zip([0, *cuts], [*cuts, 300], strict=True):
            writer.write(candles[start:end])
        version = writer.finish("x")
    assert version == candles.version()
    assert store.read("x", version).version() == version
    assert [store.time_at("x", version, place) for place in (0, 150, 299)] == candles.time[[0, 150, 299]].tolist()
    with pytest.raises(IndexError):
        store.time_at("x", version, 300)


def test_a_writer_that_does_not_finish_leaves_nothing(tmp_path: Path) -> None:
    store = CandleStore(Storage(tmp_path.as_uri()))
    with store.writer() as writer:
        writer.write(random_candles(10))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_candles_of_another_number_are_another_version() -> None:
    candles = random_candles(10)
    shifted = Candles(candles.time, candles.high, candles.open, candles.low, candles.close, candles.volume)
    assert (
        len({candles.version(), shifted.version(), candles[:9].version(), replace(candles, volume=None).version()}) == 4
    )
