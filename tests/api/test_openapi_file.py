"""The committed description of the API, from which the web client's types are generated."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from config.settings import ROOT

COMMITTED = ROOT / "web" / "openapi.json"


def test_the_committed_description_is_that_of_the_code_on_any_machine(tmp_path: Path) -> None:
    written = tmp_path / "openapi.json"
    elsewhere = {"CANDLELOOP_HOME": str(tmp_path), "CANDLELOOP_API_PORT": "20201", "PYTHONHASHSEED": "7"}
    command = [sys.executable, "-m", "api.openapi_file", str(written)]
    subprocess.run(command, check=True, cwd=ROOT, env={**os.environ, **elsewhere})
    assert written.read_bytes() == COMMITTED.read_bytes(), "run `make openapi`"
