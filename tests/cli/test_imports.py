"""What a person reads and is asked when candle files are imported."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner, Result

from cli.main import app
from config.settings import ROOT, settings
from tests.support.candles import random_candles
from tests.support.service import CONFIG, csv_of
from tests.support.vendor_files import metatrader4


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "pipeline.yaml").write_text(yaml.safe_dump(CONFIG))
    monkeypatch.setenv("CANDLELOOP_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CANDLELOOP_CONFIG", str(tmp_path / "pipeline.yaml"))
    settings.cache_clear()
    yield tmp_path
    settings.cache_clear()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def test_what_a_person_can_say_about_a_problem_is_named_as_an_option(home: Path) -> None:
    candles = random_candles(300, seed=5)
    (home / "1h.csv").write_bytes(csv_of(candles))
    assert "Option: --symbol NAME." in run("import", str(home / "1h.csv")).stderr
    (home / "ONE_1h.csv").write_bytes(csv_of(candles))
    assert run("import", str(home / "ONE_1h.csv")).exit_code == 0
    (home / "ONE_1h.csv").write_bytes(csv_of(random_candles(300, seed=6)))
    exists = run("import", str(home / "ONE_1h.csv"))
    assert (exists.exit_code, "Option: --append, or --series ID." in exists.stderr) == (1, True)
    differs = run("import", str(home / "ONE_1h.csv"), "--append")
    assert "Option: --revise." in differs.stderr


def test_the_report_can_be_printed_again_and_written_down_row_by_row(home: Path) -> None:
    lines = csv_of(random_candles(600, seed=5)).decode().splitlines()
    del lines[100:110:2]
    (home / "ONE_1h.csv").write_text("\n".join(lines) + "\n")
    first = run("import", str(home / "ONE_1h.csv")).stdout
    again = run("report", "ONE-1h", "--rows", str(home / "rows.csv")).stdout
    assert first.splitlines()[1:] == again.splitlines()
    assert len((home / "rows.csv").read_text().splitlines()) == 2
    assert '"gap","reported",101,105,' in (home / "rows.csv").read_text()
    assert json.loads(run("report", "ONE-1h", "--json").stdout)["report"]["rows_file"].startswith("reports/")
    assert run("report", "TWO-1h").exit_code == 1


def test_a_time_zone_that_nothing_tells_is_stated_where_nobody_can_be_asked(home: Path) -> None:
    (home / "EURUSD60.csv").write_bytes(metatrader4(random_candles(300, seed=5)))
    assumed = run("import", str(home / "EURUSD60.csv")).stdout
    assert "time zone: assumed UTC" in assumed
    assert "--timezone ZONE" in assumed
    stated = run("import", str(home / "EURUSD60.csv"), "--timezone", "Europe/Athens", "--series", "two").stdout
    assert "time zone: Europe/Athens (stated)" in stated
    assert "--timezone" not in stated


def test_a_person_at_a_terminal_is_asked_for_the_time_zone_until_there_is_one(home: Path) -> None:
    candles = random_candles(300, seed=5, start=1_592_956_800)
    (home / "EURUSD60.csv").write_bytes(metatrader4(candles))
    said = at_a_terminal(["import", str(home / "EURUSD60.csv")], [b"Athens\n", b"Europe/Athens\n"])
    assert "does not say in which time zone its times are" in said
    assert "'Athens' is not a time zone" in said
    assert "time zone: Europe/Athens (stated)" in said
    first = json.loads(run("report", "EURUSD-1h", "--json").stdout)["report"]["first_time"]
    assert np.isin(candles.time[0] - first, [2 * 3_600_000_000, 3 * 3_600_000_000])


def at_a_terminal(arguments: list[str], answers: list[bytes], seconds: float = 60) -> str:
    """Run the command on a terminal of its own, type each answer at the next prompt, and return what it wrote."""
    ours, theirs = pty.openpty()
    command = subprocess.Popen(
        [sys.executable, "-m", "cli.main", *arguments], cwd=ROOT, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    written, deadline, seen = b"", time.monotonic() + seconds, 0
    try:
        while time.monotonic() < deadline:
            if not select.select([ours], [], [], 1)[0]:
                continue
            try:
                new = os.read(ours, 4_096)
            except OSError:
                break
            if not new:
                break
            written += new
            if answers and b"[UTC]: " in written[seen:]:
                seen = len(written)
                os.write(ours, answers.pop(0))
        assert command.wait(timeout=max(1.0, deadline - time.monotonic())) == 0, written.decode()
    finally:
        command.kill()
        command.wait()
        os.close(ours)
    return written.decode()
