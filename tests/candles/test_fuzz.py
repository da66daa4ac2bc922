"""Damaged files of every layout: a clear error or right candles, never a traceback, never a candle nobody wrote."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

import numpy as np
import pytest

from candleloop.candles.frame import Candles
from candleloop.candles.readers import read_candles
from candleloop.errors import CandleloopError
from tests.support.candles import random_candles
from tests.support.vendor_files import VENDOR_FILES, VendorFile, candles_for

BYTES_PER_LAYOUT = 36_000
HEADER = b"time,open,high,low,close,volume\n"
TELLING = np.frombuffer(b"0123456789.,;:-+/ eE\"'\n\r\tTZKMNaninf\x00\xff\xef$", dtype=np.uint8)
"""Bytes that mean something to a reader."""


def mutations(data: bytes, seed: int, budget: int) -> Iterator[bytes]:
    """Yield damaged copies until ``budget`` bytes are changed in all."""
    rng = np.random.default_rng(seed)
    while budget > 0:
        changed = bytearray(data)
        for _ in range(int(rng.integers(1, 4))):
            place = int(rng.integers(0, len(changed)))
            size = min(int(rng.choice([1, 2, 8, 200, 2_000])), len(changed) - place)
            block = changed[place : place + size]
            match int(rng.integers(0, 6)):
                case 0:
                    changed[place : place + size] = rng.integers(0, 256, size, dtype=np.uint8).tobytes()
                case 1:
                    changed[place : place + size] = rng.choice(TELLING, size).tobytes()
                case 2:
                    del changed[place : place + size]
                case 3:
                    other = int(rng.integers(0, len(changed)))
                    changed[other:other] = block
                case 4:
                    lines = bytes(changed).split(b"\n")
                    first, second = rng.integers(0, len(lines), 2).tolist()
                    lines[first], lines[second] = lines[second], lines[first]
                    changed = bytearray(b"\n".join(lines))
                    size = len(lines[first]) + len(lines[second])
                case _:
                    del changed[max(place, 1) :]
                    size = 1
            budget -= size
            if not changed:
                break
        yield bytes(changed)


def read_or_refuse(data: bytes, name: str) -> Candles | None:
    """Return what a file holds, None when it is refused in a sentence."""
    try:
        imported = read_candles(data, name=name)
    except CandleloopError:
        return None
    candles, report = imported.candles, imported.report
    Candles.checked(time=candles.time, **candles.columns())
    quarantined = sum(defect.count for defect in report.defects if defect.action == "quarantined")
    assert report.rows_kept == len(candles) == report.rows_in - quarantined
    return candles


@pytest.mark.parametrize("file", VENDOR_FILES, ids=lambda file: file.write.__name__)
def test_a_damaged_file_is_read_or_refused_but_never_fails(file: VendorFile) -> None:
    seed = sum(file.write.__name__.encode())
    for damaged in mutations(file.write(candles_for(file, 60)), seed, BYTES_PER_LAYOUT):
        read_or_refuse(damaged, file.name)


def number(text: str) -> Decimal | None:
    """Read a number as a person would, without any help from the readers."""
    text = re.sub(r"^([+-]?)[$€£¥]", r"\1", text.strip()).strip()
    if re.fullmatch(r"[+-]?\d{1,3}([, ']\d{3})+(\.\d*)?[KMBTkmbt]?", text):
        text = re.sub(r"[, ']", "", text)
    factor = {"K": 1_000, "M": 1_000_000, "B": 10**9, "T": 10**12}.get(text[-1:].upper(), 1)
    try:
        return Decimal(text[:-1].strip() if factor > 1 else text) * factor
    except ArithmeticError:
        return None


def written(data: bytes) -> set[tuple[int, ...]]:
    """Return what each line of a damaged file says, by a parser of its own: time and rounded values."""
    found = set()
    for line in re.split(r"[\r\n]+", data.decode("utf-8" if _is_utf8(data) else "latin-1")):
        fields = [field.strip().strip('"') for field in line.split(",")]
        values = [number(field) for field in fields]
        if len(values) != 6 or any(value is None or not value.is_finite() for value in values):
            continue
        time, *rest = (value for value in values if value is not None)
        size = abs(time)
        scale = 10**6 if size < 10**11 else 10**3 if size < 10**14 else 1 if size < 10**17 else Decimal("0.001")
        found.add((int((time * scale).to_integral_value("ROUND_FLOOR")), *map(float, rest)))
    return found


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def test_every_candle_of_a_damaged_file_stands_on_one_of_its_lines() -> None:
    candles = random_candles(60, seed=2)
    columns = zip((candles.time // 1_000_000).tolist(), *(v.tolist() for v in candles.columns().values()), strict=True)
    body = "".join(",".join(map(repr, row)) + "\n" for row in columns).encode()
    kept = 0
    for damaged in mutations(body, 7, 120_000):
        found = read_or_refuse(HEADER + damaged, "x.csv")
        if found is None:
            continue
        volume = np.zeros(len(found)) if found.volume is None else found.volume
        rows = {
            *zip(
                found.time.tolist(),
                *(found.columns()[n].tolist() for n in ("open", "high", "low", "close")),
                volume.tolist(),
                strict=True,
            )
        }
        says = written(HEADER + damaged)
        if found.volume is None:
            says = {(*row[:5], 0.0) for row in says}  # type: ignore[misc]
        assert rows <= says, (sorted(rows - says)[:2], damaged)
        kept += len(rows)
    assert kept > 5_000
