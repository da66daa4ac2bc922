"""What the guides show in Python runs as it stands there, against a real service."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from candleloop.candles.demo import demo_files
from client import Client
from config.settings import ROOT
from tests.client.conftest import KEY, RunningService, running
from tests.support.guides import blocks

NAMED = '"http://127.0.0.1:8001"'


@pytest.fixture(scope="module")
def own_service(trained_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service with the series that the guides name; what a guide decides and trains stays in it."""
    with running(trained_home, tmp_path_factory.mktemp("guides") / "home") as service:
        with Client(service.url, api_key=KEY) as client:
            for symbol, file in demo_files():
                if symbol in ("AAPL", "GOOG"):
                    client.import_file(file, symbol=symbol, series_id=f"{symbol}-1d")
        yield service


@pytest.mark.parametrize("guide", ["README.md", "docs/python-client.md"])
def test_the_python_of_a_guide_runs(
    guide: str, own_service: RunningService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = blocks((ROOT / guide).read_text(), "python")
    assert any(NAMED in block for block in shown)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    with own_service.working("batch"), own_service.working("train"):
        for number, block in enumerate(shown, start=1):
            source = block.replace(NAMED, f'"{own_service.url}", api_key="{KEY}"')
            exec(compile(source, f"{guide}, Python block {number}", "exec"), names)
    service = names["service"]
    assert isinstance(service, Client)
    service.close()
    assert len(names["everything"]) > 0  # type: ignore[arg-type]
