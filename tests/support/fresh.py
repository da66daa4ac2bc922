"""Environments of their own, for counterparts that must not share candleloop's packages."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def fresh_environment(folder: Path, *packages: str) -> Path:
    """Make a virtual environment, install packages from the package index in it, and return its interpreter.

    Fails, saying why, where the index does not answer: who asks for these tests wants to know.
    """
    uv, python = Path(sys.executable).with_name("uv"), folder / "bin" / "python"
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, "--clear", folder], check=True, timeout=60)
    install = [uv, "pip", "install", "--quiet", "--python", python, *packages]
    installed = subprocess.run(install, capture_output=True, text=True, timeout=900)
    assert installed.returncode == 0, installed.stderr
    return python
