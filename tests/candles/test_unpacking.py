"""Packed files that would fill memory or take for ever are refused while they are unpacked."""

from __future__ import annotations

import gzip
import io
import tracemalloc
import zipfile
from collections.abc import Callable

import pytest

from candleloop.candles.readers import read_candles
from candleloop.candles.readers.unpacked import MAX_RATIO, SMALL_BYTES
from candleloop.errors import NotACandleFile

LINE = b"2020-01-01 00:00:00,1,1,1,1,1\n"


def zipped(content: bytes, name: str = "TEST_1h.csv") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr(name, content)
    return file.getvalue()


BOMB = LINE * (4 * SMALL_BYTES // len(LINE))
BOMBS = {
    "gzip": gzip.compress(BOMB, 9),
    "zip": zipped(BOMB),
    "gzip in zip": zipped(gzip.compress(BOMB, 9)),
    "zip in gzip": gzip.compress(zipped(BOMB)),
    "one endless line": gzip.compress(b"1," * (2 * SMALL_BYTES), 9),
    "json": gzip.compress(b"[" + b"[1,1,1,1,1,1]," * (SMALL_BYTES // 4), 9),
}


@pytest.mark.parametrize("packed", BOMBS.values(), ids=BOMBS.keys())
def test_what_is_packed_too_tightly_is_refused_early(packed: bytes) -> None:
    assert len(packed) < SMALL_BYTES // MAX_RATIO
    tracemalloc.start()
    with pytest.raises(NotACandleFile, match="Send it unpacked") as caught:
        read_candles(packed, name="TEST_1h.csv")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert caught.value.code == "packed_too_tightly"
    assert f"{SMALL_BYTES:,} bytes" in caught.value.message
    assert peak < 12 * SMALL_BYTES


@pytest.mark.parametrize("pack", [bytes, zipped, gzip.compress])
def test_a_gzip_file_of_too_many_parts_is_refused(pack: Callable[[bytes], bytes]) -> None:
    with pytest.raises(NotACandleFile, match="more parts than its size explains") as caught:
        read_candles(pack(gzip.compress(b"") * 100_000), name="TEST_1h.csv")
    assert caught.value.code == "bad_archive"


def test_a_gzip_file_of_many_parts_with_something_in_them_is_read() -> None:
    lines = [f"2020-01-{1 + hour // 24:02} {hour % 24:02}:00:00,1,1,1,1,0\n".encode() for hour in range(600)]
    parts = [gzip.compress(part) for part in (b"time,open,high,low,close,volume\n", *lines)]
    assert len(read_candles(b"".join(parts) + b"\0" * 1_000, name="TEST_1h.csv").candles) == 600


def test_a_zip_archive_with_an_endless_table_of_contents_is_refused() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number in range(20_000):
            archive.writestr(f"{number}.txt", b"")
    with pytest.raises(NotACandleFile, match="table of contents") as caught:
        read_candles(file.getvalue(), name="TEST_1h.csv")
    assert caught.value.code == "bad_archive"


def test_a_flat_series_packs_tightly_and_is_read() -> None:
    lines = (
        f"2020-01-{1 + minute // 1440:02} {minute // 60 % 24:02}:{minute % 60:02}:00,1,1,1,1,0\n"
        for minute in range(40_000)
    )
    text = b"time,open,high,low,close,volume\n" + "".join(lines).encode()
    for packed in (gzip.compress(text, 9), zipped(text)):
        assert len(read_candles(packed, name="TEST_1m.csv").candles) > 30_000
