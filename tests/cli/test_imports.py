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
from typer.testing import CliRunner, Result

from cli.main import app
from config.settings import ROOT
from tests.support.candles import random_candles
from tests.support.commands import command_home
from tests.support.service import csv_of
from tests.support.vendor_files import freqtrade_feather, freqtrade_json, metatrader4


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    yield from command_home(tmp_path, monkeypatch)


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


def freqtrade_folder(home: Path) -> Path:
    """Make a data folder as Freqtrade keeps it, with a broken file in it and one of funding rates."""
    folder = home / "binance"
    (folder / "futures").mkdir(parents=True)
    candles = random_candles(300, seed=5, step_seconds=300)
    (folder / "ADA_BTC-5m.feather").write_bytes(freqtrade_feather(candles)[:3_000])
    (folder / "ETH_BTC-5m.feather").write_bytes(freqtrade_feather(candles))
    (folder / "ETH_BTC-1h.json").write_bytes(freqtrade_json(random_candles(300, seed=6)))
    # Three candles with a gap between them: the name knows their timeframe better than the steps do.
    (folder / "XRP_BTC-1h.json").write_bytes(freqtrade_json(random_candles(3, seed=6, step_seconds=7_200)))
    for kind in ("futures", "funding_rate"):
        (folder / "futures" / f"ETH_BTC_BTC-5m-{kind}.feather").write_bytes(freqtrade_feather(candles))
    return folder


def test_progress_at_a_terminal_is_wiped_before_the_report(home: Path) -> None:
    (home / "ONE_1h.csv").write_bytes(csv_of(random_candles(300, seed=5)))
    written = at_a_terminal(["import", str(home / "ONE_1h.csv")], [])
    assert "\r\033[Kreading" in written
    assert "\r\033[KONE-1h: imported\r\n" in written


def test_every_file_of_a_freqtrade_folder_becomes_a_series_and_a_broken_one_stops_no_other(home: Path) -> None:
    folder = freqtrade_folder(home)
    done = run("import", str(folder))
    assert done.exit_code == 2
    assert done.stdout.count("rows kept") == 4
    assert f"left out: {folder}/futures/ETH_BTC_BTC-5m-funding_rate.feather: funding rates" in done.stdout
    refused, count = done.stderr.splitlines()
    assert "ADA_BTC-5m.feather: " in refused
    assert "broken" in refused
    assert count == "candleloop: 1 of 5 files were refused."
    again = run("import", str(folder), "--json")
    assert again.exit_code == 2
    shown = json.loads(again.stdout)
    assert [(one["series_id"], one["symbol"], one["timeframe_seconds"]) for one in shown["imported"]] == [
        ("ETH-BTC-1h", "ETH/BTC", 3_600),
        ("ETH-BTC-5m", "ETH/BTC", 300),
        ("XRP-BTC-1h", "XRP/BTC", 3_600),
        ("ETH-BTC-BTC-5m", "ETH/BTC:BTC", 300),
    ]
    assert [one["code"] for one in shown["refused"]] == ["not_a_candle_file"]
    assert len(shown["left_out"]) == 1


def test_a_freqtrade_folder_that_has_grown_is_appended(home: Path) -> None:
    folder = freqtrade_folder(home)
    grown = random_candles(305, seed=6)
    (folder / "ETH_BTC-1h.json").write_bytes(freqtrade_json(grown[:300]))
    run("import", str(folder))
    (folder / "ADA_BTC-5m.feather").unlink()
    (folder / "ETH_BTC-1h.json").write_bytes(freqtrade_json(grown))
    done = run("import", str(folder), "--append", "--json")
    assert done.exit_code == 0
    assert [(one["series_id"], one["appended"]) for one in json.loads(done.stdout)["appended"]] == [
        ("ETH-BTC-1h", 5),
        ("ETH-BTC-5m", 0),
        ("XRP-BTC-1h", 0),
        ("ETH-BTC-BTC-5m", 0),
    ]


def test_a_folder_says_symbols_and_timeframes_itself(home: Path) -> None:
    folder = freqtrade_folder(home)
    for option in ("--symbol", "--series", "--timeframe"):
        refused = run("import", str(folder), option, "1h")
        assert (refused.exit_code, refused.stdout) == (2, "")
        assert option.removeprefix("--") in refused.stderr


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
