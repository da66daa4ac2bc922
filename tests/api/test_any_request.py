"""Whatever is sent, fitting the description or not: the service answers, and never with a failure of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from config.settings import Settings
from tests.support.served import served
from tests.support.service import SERIES

BUDGET_SECONDS = 30
CONFIGURATION = f"""
[parameters]
series_id = "{SERIES}"
label_set = "default"
"""
"""Things that are there, so that requests reach what is behind the look-up; schemathesis also tries others."""


@pytest.mark.slow
def test_no_request_makes_the_service_fail(trained: Settings, tmp_path: Path) -> None:
    (tmp_path / "schemathesis.toml").write_text(CONFIGURATION)
    log = tmp_path / "api.log"
    with served(trained, log, more={"CANDLELOOP_API_KEY": "of-the-test"}) as url:
        ended = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "--config-file", tmp_path / "schemathesis.toml"),
                *("run", f"{url}/openapi.json", "--header", "X-API-Key: of-the-test"),
                *("--checks", "not_a_server_error", "--phases", "examples,coverage,fuzzing", "--max-examples", "2"),
                *("--max-time", str(BUDGET_SECONDS), "--generation-deterministic", "--no-shrink"),
                *("--continue-on-failure", "--request-timeout", "60", "--warnings", "off", "--no-color"),
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=280,
        )
    assert ended.returncode == 0, f"{ended.stdout}\n{ended.stderr}"
    said = log.read_text()
    assert "failed unexpectedly" not in said
    assert said.count("of-the-test") == 0
    assert said.count(" in ") > 200, "schemathesis asked for hardly anything"
