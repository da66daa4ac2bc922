"""The README's table of what plugs in names tests that are there, and the versions that they try."""

from __future__ import annotations

import re
from importlib.metadata import version

from config.settings import ROOT
from tests.integration.test_freqtrade_data import FREQTRADE
from tests.integration.test_label_studio_sdk import SDK
from tests.integration.test_label_studio_server import LABEL_STUDIO

TRIED = {
    **dict(one.split("==") for one in (SDK, LABEL_STUDIO, FREQTRADE)),
    **{name: version(name) for name in ("dvc", "mlflow", "pandas", "pyarrow")},
}


def proofs() -> list[str]:
    """Return what the rows of the table say in their last column."""
    table = (ROOT / "README.md").read_text().partition("| road | how | proven with |\n|---|---|---|\n")[2]
    return [line.split("|")[-2] for line in table.partition("\n\n")[0].splitlines()]


def test_each_version_is_the_one_that_its_test_tries() -> None:
    named = {found for proof in proofs() for found in re.findall(r"\b([a-z-]+) (\d+(?:\.\d+)+)", proof)}
    assert named == set(TRIED.items())


def test_each_road_names_a_test_that_is_there() -> None:
    there = {path.name for path in (ROOT / "tests").rglob("test_*.py")}
    for proof in proofs():
        tests = re.findall(r"`(test_\w+\.py)`", proof)
        assert tests
        assert set(tests) <= there
