"""A data folder of a test's own that commands in this process work on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from config.settings import settings
from tests.support.service import CONFIG


def command_home(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Yield the folder once the commands work in it, with small models."""
    (folder / "pipeline.yaml").write_text(yaml.safe_dump(CONFIG))
    monkeypatch.setenv("CANDLELOOP_HOME", str(folder / "home"))
    monkeypatch.setenv("CANDLELOOP_CONFIG", str(folder / "pipeline.yaml"))
    settings.cache_clear()
    yield folder
    settings.cache_clear()
