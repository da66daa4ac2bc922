"""The command line as a user types it, on a data folder of its own."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from candleloop.annotations.label_set import LabelSet
from cli.main import app
from config.settings import ROOT, settings
from tests.support.candles import random_candles
from tests.support.service import CONFIG, csv_of


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty data folder that the commands work on, with MLflow away."""
    (tmp_path / "pipeline.yaml").write_text(yaml.safe_dump(CONFIG))
    monkeypatch.setenv("CANDLELOOP_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CANDLELOOP_CONFIG", str(tmp_path / "pipeline.yaml"))
    monkeypatch.setenv("CANDLELOOP_MLFLOW_URL", "http://127.0.0.1:9")
    settings.cache_clear()
    yield tmp_path
    settings.cache_clear()


def run(*arguments: str) -> Result:
    """Type a command."""
    return CliRunner().invoke(app, arguments)


def test_help_names_every_command_without_loading_a_heavy_library() -> None:
    code = (
        "import sys; sys.argv = ['candleloop', '--help']\n"
        "from cli.main import app\n"
        "try: app()\n"
        "except SystemExit: pass\n"
        "print(sorted({'numpy', 'pandas', 'sklearn', 'xgboost', 'mlflow', 'sqlalchemy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in ("up", "import", "label", "train", "evaluate", "predict", "models"):
        assert f"  {name} " in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(("arguments", "code"), [(["--help"], 0), (["import", "no-such-file.csv"], 2)])
def test_a_command_ends_with_its_code_whatever_thread_a_library_left_behind(arguments: list[str], code: int) -> None:
    left = "import sys, threading; threading.Thread(target=threading.Event().wait).start()\n"
    program = f"{left}sys.argv = ['candleloop', *{arguments}]\nfrom cli.main import main\nmain()"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == code, done.stderr
    assert done.stdout if code == 0 else done.stderr


def test_features_are_listed_with_what_they_are_and_whether_they_are_used(home: Path) -> None:
    listed = run("features", "--list", "--json")
    found = {one["name"]: one for one in json.loads(listed.stdout)["features"]}
    assert found["ema_distance_200"] == {
        "name": "ema_distance_200",
        "unit": "share of close",
        "lookback": 199,
        "warmup": 2000,
        "source": "close minus TA-Lib EMA(timeperiod=200)",
        "needs_volume": False,
        "used": False,
    }
    assert found["cci_20"]["used"]
    lines = run("features", "--list").stdout.splitlines()
    assert len(lines) == len(found) + 1
    assert any(line.split()[:4] == ["cci_20", "yes", "19", "19"] for line in lines)
    for wrong in (["--list", "-o", "x.csv"], ["x.csv"]):
        assert run("features", *wrong).exit_code == 2


def test_a_label_set_of_groups_and_functions_is_written_as_a_file_that_is_read(home: Path) -> None:
    output = home / "small.yaml"
    assert run("label-set", "small", "CDLHAMMER", "four-candles", "-o", str(output)).exit_code == 0
    names = ("hammer", "bullish_three_line_strike", "bearish_three_line_strike", "concealing_baby_swallow")
    made = LabelSet.load(output)
    assert (made.name, made.names, made.fixed_length) == ("small", names, True)
    for wrong in (("small", "CDLNOTHING"), ("Small!", "CDLHAMMER")):
        refused = run("label-set", *wrong)
        assert (refused.exit_code, len(refused.stderr.splitlines())) == (2, 1)


def test_the_loop_turns_by_commands_alone(home: Path) -> None:
    file = home / "ONE_1h.csv"
    file.write_bytes(csv_of(random_candles(3_000, seed=5)))

    imported = run("import", str(file), "--json")
    assert imported.exit_code == 0
    assert json.loads(imported.stdout)["imported"][0]["series_id"] == "ONE-1h"

    labelled = run("label", "--json")
    assert json.loads(labelled.stdout)["labelled"][0]["spans"] > 100

    trained = run("train", "--json")
    assert trained.exit_code == 0
    outcome = json.loads(trained.stdout)
    assert outcome["promoted"]

    evaluated = json.loads(run("evaluate", "--json").stdout)
    assert evaluated["version"] == outcome["version"]

    listed = json.loads(run("models", "--json").stdout)["models"]
    assert [(row["version"], row["champion"]) for row in listed] == [(outcome["version"], True)]

    sure = json.loads(run("predict", str(file), "--last", "500", "--json").stdout)
    every = json.loads(run("predict", str(file), "--last", "500", "--min-confidence", "0", "--json").stdout)
    thresholds = sure["model"]["thresholds"]
    assert len(every["predictions"]) > len(sure["predictions"]) > 0
    assert all(row["confidence"] >= thresholds[row["label"]] for row in sure["predictions"])

    for name in ("found.csv", "found.json", "found.jsonl", "found.parquet"):
        assert run("predict", str(file), "--last", "500", "-o", str(home / name)).exit_code == 0
        refused = run("annotations", "import", str(home / name), "--series", "ONE-1h", "--as", "human")
        assert (refused.exit_code, refused.stdout) == (2, "")
        assert "what a model proposed" in refused.stderr
    header, *rows = (home / "found.csv").read_text().splitlines()
    assert header == (
        "series_id,series_version,label_set,label,start_time,end_time,origin,confidence,provisional,out_of_fold,model_version"
    )
    assert len(rows) == len(sure["predictions"])
    for place in ("found.txt", "nowhere/found.csv"):
        failed = run("predict", str(file), "--last", "500", "-o", str(home / place))
        assert (failed.exit_code, failed.stdout, "--format" in failed.stderr) == (2, "", False)


def test_people_read_lines_and_tables(home: Path) -> None:
    file = home / "ONE_1h.csv"
    file.write_bytes(csv_of(random_candles(3_000, seed=5)))
    assert "ONE-1h: imported" in run("import", str(file)).stdout
    assert "ONE-1h: was there already" in run("import", str(file)).stdout
    assert "ONE-1h: " in run("label").stdout
    assert "is live now" in run("train").stdout
    assert "is served already" in run("train").stdout
    assert "morning_star" in run("evaluate").stdout
    assert "* " in run("models").stdout
    assert "spans by model" in run("predict", str(file)).stdout


def test_that_flat_bars_are_not_searched_is_said(home: Path) -> None:
    file = home / "FLAT_1h.csv"
    flat = [f"2024-01-{1 + hour // 24:02}T{hour % 24:02}:00:00Z,5,5,5,5" for hour in range(300)]
    file.write_text("\n".join(["time,open,high,low,close", *flat]))
    assert "there are no patterns to find" in run("import", str(file)).stdout
    said = "FLAT-1h: 0 spans in 0 of 300 bars: flat bars and those of the warm-up are not searched"
    assert run("label").stdout.splitlines() == [said]


def test_a_file_that_is_no_candle_file_is_one_line_and_exit_code_2(home: Path) -> None:
    file = home / "letter.csv"
    file.write_text("Dear Sir,\nI saw your advertisement.\n")
    result = run("import", str(file))
    assert result.exit_code == 2
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    assert "letter.csv" in result.stderr


def test_a_missing_file_is_one_line_and_exit_code_2(home: Path) -> None:
    result = run("import", str(home / "nowhere.csv"))
    assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1)
    assert "nowhere.csv" in result.stderr


def test_errors_as_json_carry_their_code(home: Path) -> None:
    result = run("evaluate", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stderr)["code"] == "no_model"


def test_training_on_nothing_says_what_is_missing(home: Path) -> None:
    result = run("train", "--json")
    problem = json.loads(result.stderr)
    assert (result.exit_code, problem["code"]) == (1, "too_few_labels")
    assert problem["counts"]["evening_star"] == 0


def test_a_wrong_key_in_the_configuration_is_named(home: Path) -> None:
    (home / "pipeline.yaml").write_text("training: {familly: xgboost}\n")
    result = run("train")
    assert result.exit_code == 2
    assert "training.familly" in result.stderr


def test_an_unknown_label_set_is_named(home: Path) -> None:
    result = run("models", "--label-set", "stars")
    assert result.exit_code == 1
    assert "stars" in result.stderr


def test_newer_candles_are_appended_and_changed_ones_only_when_told(home: Path) -> None:
    candles = random_candles(200, seed=5)
    file, newer = home / "ONE_1h.csv", home / "newer" / "ONE_1h.csv"
    newer.parent.mkdir()
    file.write_bytes(csv_of(candles[:150]))
    newer.write_bytes(csv_of(candles[140:]))
    assert run("import", str(file)).exit_code == 0
    added = run("import", str(newer), "--append")
    assert added.exit_code == 0
    assert "ONE-1h: 50 candles appended, 10 were there already; 200 candles now" in added.stdout
    newer.write_bytes(csv_of(random_candles(200, seed=6)))
    refused = run("import", str(newer), "--append", "--series", "ONE-1h", "--json")
    assert (refused.exit_code, json.loads(refused.stderr)["code"]) == (1, "candles_differ")
    revised = run("import", str(newer), "--append", "--revise", "--json")
    assert json.loads(revised.stdout)["appended"][0]["revised"] == 200
    assert run("import", str(newer), "--revise").exit_code == 2


def test_files_before_a_refused_one_are_imported_and_reported(home: Path) -> None:
    good, bad = home / "ONE_1h.csv", home / "TWO_1h.csv"
    good.write_bytes(csv_of(random_candles(100, seed=5)))
    bad.write_text("hello world")
    outcome = run("import", str(good), str(bad))
    assert outcome.exit_code == 2
    assert "ONE-1h: imported" in outcome.stdout
    assert "TWO_1h.csv" in outcome.stderr


def test_a_stack_that_cannot_start_says_so_as_json(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setenv("CANDLELOOP_API_PORT", str(taken.getsockname()[1]))
        settings.cache_clear()
        result = run("up", "--json")
    problem = json.loads(result.stderr)
    assert (result.exit_code, problem["code"], problem["field"]) == (1, "port_taken", "CANDLELOOP_API_PORT")


def test_a_setting_without_a_fitting_value_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANDLELOOP_API_PORT", "seventy")
    settings.cache_clear()
    result = run("models")
    assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1)
    assert "CANDLELOOP_API_PORT is 'seventy'" in result.stderr
