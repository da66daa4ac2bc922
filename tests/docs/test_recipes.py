"""What CONTRIBUTING shows in Python can be put into the file that it names: it keeps the contract and the style."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from decimal import Decimal
from types import ModuleType

import numpy as np
import pytest

from candleloop.candles import readers
from candleloop.candles.frame import Candles
from candleloop.features.contract import breaches as feature_breaches
from candleloop.loop.strategies.contract import breaches as strategy_breaches
from config.settings import ROOT
from tests.support.candles import random_candles
from tests.support.reader_fuzz import LAYOUTS, Layout, fuzz, fuzz_anywhere
from tests.support.vendor_files import NEW_YORK, VENDOR_FILES, VendorFile, bars, candles_for

FILES = {
    "Add a reader": "candleloop/candles/readers/tickhouse.py",
    "Add a feature": "candleloop/features/tails.py",
    "Add a query strategy": "candleloop/loop/strategies/expected_spans.py",
}
"""The recipes that show a whole module, and where it goes."""


def shown(recipe: str) -> str:
    """Return the one Python block of a recipe; it is indented as part of a numbered step."""
    _, _, text = (ROOT / "CONTRIBUTING.md").read_text().partition(f"\n## {recipe}\n")
    found = re.findall(r"^ *```python\n(.*?)^ *```$", text.partition("\n## ")[0], flags=re.MULTILINE | re.DOTALL)
    assert len(found) == 1, f"{recipe!r} shows {len(found)} blocks"
    return textwrap.dedent(found[0])


def module(recipe: str) -> ModuleType:
    """Run the block of a recipe as the module that it would be."""
    made = ModuleType(FILES[recipe].removesuffix(".py").replace("/", "."))
    exec(compile(shown(recipe), f"CONTRIBUTING.md, {recipe}", "exec"), made.__dict__)
    return made


def tickhouse(candles: Candles) -> bytes:
    """Write candles as the vendor of the recipe does."""
    lines = ["pair;opened;first;top;bottom;final;traded"]
    for moment, *prices, volume in bars(candles):
        opened = moment.astimezone(NEW_YORK).strftime("%Y-%m-%d %H:%M:%S")
        cents = (str(Decimal(price) * 100) for price in prices)
        lines.append(";".join(("AAPL", opened, *cents, volume)))
    return "\n".join(lines).encode()


def test_the_reader_reads_its_files_damaged_ones_too_and_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = VendorFile("tickhouse", tickhouse)
    monkeypatch.setattr(readers, "READERS", (module("Add a reader").TickhouseReader(), *readers.READERS))
    monkeypatch.setitem(
        LAYOUTS, tickhouse, Layout((1,), (2, 3, 4, 5), (6,), delimiter=";", zone="America/New_York", scale=100)
    )
    for file in (*VENDOR_FILES, ours):
        candles = candles_for(file)
        read = readers.read_candles(file.write(candles), name=file.name)
        assert read.source == file.family
        assert np.array_equal(read.candles.close, candles.close)
    assert read.symbol == "AAPL"
    assert np.array_equal(read.candles.time, candles.time)
    assert fuzz(ours, budget=20_000, seed=5).problems == []
    for file in (*VENDOR_FILES, ours):
        assert fuzz_anywhere(file, budget=3_000, seed=5).problems == []


def test_the_feature_keeps_the_contract() -> None:
    assert feature_breaches(module("Add a feature").tails, random_candles(500, seed=3), seed=5) == []


def test_the_strategy_keeps_the_contract() -> None:
    assert strategy_breaches(module("Add a query strategy").ExpectedSpans()) == []


@pytest.mark.parametrize("recipe", FILES)
@pytest.mark.parametrize("check", [["check"], ["format", "--check"]], ids=" ".join)
def test_a_block_is_in_the_style_of_the_file_that_it_goes_into(recipe: str, check: list[str]) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "ruff", *check, "--stdin-filename", FILES[recipe], "-"],
        input=shown(recipe),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
