"""The commands about annotations."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner, Result

from candleloop.times import iso_times
from cli.main import app
from config.settings import settings
from tests.support.candles import random_candles
from tests.support.service import CONFIG, csv_of

CANDLES = random_candles(300, seed=5)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A data folder with one series, ``ONE-1h``."""
    (tmp_path / "pipeline.yaml").write_text(yaml.safe_dump(CONFIG))
    monkeypatch.setenv("CANDLELOOP_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CANDLELOOP_CONFIG", str(tmp_path / "pipeline.yaml"))
    monkeypatch.setenv("CANDLELOOP_MLFLOW_URL", "http://127.0.0.1:9")
    settings.cache_clear()
    (tmp_path / "ONE_1h.csv").write_bytes(csv_of(CANDLES))
    assert run("import", str(tmp_path / "ONE_1h.csv")).exit_code == 0
    yield tmp_path
    settings.cache_clear()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def spans_file(home: Path, *rows: tuple[str, int, int]) -> str:
    """Write spans by label, first and last bar as CSV."""
    seconds = CANDLES.time // 1_000_000
    lines = [f"{label},{seconds[start]},{seconds[end]},Ann" for label, start, end in rows]
    file = home / "spans.csv"
    file.write_text("\n".join(["label,start,end,source", *lines]) + "\n")
    return str(file)


def test_spans_go_in_with_a_report_and_come_out_with_their_origin(home: Path) -> None:
    file = spans_file(home, ("morning_star", 40, 42), ("tea", 50, 51), ("bullish_harami", 60, 61))
    done = run("annotations", "import", file, "--series", "ONE-1h", "--as", "human")
    assert done.exit_code == 0
    assert "ONE-1h: 2 of 3 spans kept: morning_star 1, bullish_harami 1" in done.stdout
    assert "ONE-1h: dropped: 1 x unknown_label (row 3)" in done.stdout
    again = json.loads(run("annotations", "import", file, "--series", "ONE-1h", "--as", "human", "--json").stdout)
    assert [one["reason"] for one in again["dropped"]] == ["already_there", "unknown_label", "already_there"]

    exported = json.loads(run("annotations", "export", "--series", "ONE-1h").stdout)
    assert [(row["label"], row["origin"], row["declared_source"]) for row in exported["annotations"]] == [
        ("morning_star", "imported", "Ann"),
        ("bullish_harami", "imported", "Ann"),
    ]


def test_each_exported_line_names_the_version_of_its_series_and_the_times_of_its_bars(home: Path) -> None:
    run("annotations", "import", spans_file(home, ("morning_star", 40, 42)), "--series", "ONE-1h", "--as", "human")
    line = json.loads(run("annotations", "export", "--series", "ONE-1h", "--format", "jsonl").stdout)
    assert (line["series_id"], line["series_version"]) == ("ONE-1h", CANDLES.version())
    assert (line["start_time"], line["end_time"]) == tuple(iso_times(CANDLES.time[[40, 42]]))


@pytest.mark.parametrize("format", ["json", "csv", "jsonl", "bars-csv", "parquet"])
def test_spans_marked_on_other_candles_are_refused_and_those_of_an_earlier_version_noted(
    home: Path, format: str
) -> None:
    run("annotations", "import", spans_file(home, ("morning_star", 40, 42)), "--series", "ONE-1h", "--as", "human")
    output = home / f"out.{format}"
    as_format = ("--format", format)
    run("annotations", "export", "--series", "ONE-1h", "-o", str(output), *as_format)
    (home / "OTHER_1h.csv").write_bytes(csv_of(random_candles(300, seed=6)))
    assert run("import", str(home / "OTHER_1h.csv"), "--series", "other").exit_code == 0
    (home / "ONE_1h.csv").write_bytes(csv_of(random_candles(310, seed=5)))
    assert run("import", str(home / "ONE_1h.csv"), "--append", "--revise").exit_code == 0
    noted = run("annotations", "import", str(output), "--series", "ONE-1h", "--as", "human", *as_format)
    assert f"marked on version {CANDLES.version()}, an earlier one of the series" in noted.stdout
    if format != "parquet":
        output.write_text(output.read_text().replace("ONE-1h", "other"))
        refused = run("annotations", "import", str(output), "--series", "other", "--as", "human", *as_format)
        assert (refused.exit_code, len(refused.stderr.splitlines())) == (2, 1)
        assert f"marked on other candles: the file names version {CANDLES.version()}" in refused.stderr


@pytest.mark.parametrize("format", ["json", "csv", "jsonl", "label-studio", "bars-csv", "parquet"])
def test_what_was_exported_can_be_imported_into_the_same_series(home: Path, format: str) -> None:
    assert run("label", "ONE-1h").exit_code == 0
    output = home / f"out.{format}"
    assert run("annotations", "export", "--series", "ONE-1h", "--format", format, "-o", str(output)).exit_code == 0
    as_format = ("--format", format)
    again = run("annotations", "import", str(output), "--series", "ONE-1h", "--as", "talib", "--json", *as_format)
    report = json.loads(again.stdout)
    assert report["rows"] > 10
    assert {one["reason"] for one in report["dropped"]} == {"already_there"}
    as_human = json.loads(
        run("annotations", "import", str(output), "--series", "ONE-1h", "--as", "human", "--json", *as_format).stdout
    )
    assert sum(as_human["kept"].values()) == as_human["claimed_otherwise"] == report["rows"]


def test_marks_of_talib_taken_as_a_persons_are_warned_about(home: Path) -> None:
    assert run("label", "ONE-1h").exit_code == 0
    output = home / "out.json"
    assert run("annotations", "export", "--series", "ONE-1h", "-o", str(output)).exit_code == 0
    done = run("annotations", "import", str(output), "--series", "ONE-1h", "--as", "human")
    assert "the file says that TA-Lib made them" in done.stdout
    mine = run(
        "annotations", "import", spans_file(home, ("morning_star", 40, 42)), "--series", "ONE-1h", "--as", "human"
    )
    assert "warning" not in mine.stdout


def test_whose_marks_they_are_must_be_said(home: Path) -> None:
    file = spans_file(home, ("morning_star", 40, 42))
    assert run("annotations", "import", file, "--series", "ONE-1h").exit_code == 2
    assert run("annotations", "import", file, "--series", "ONE-1h", "--as", "model").exit_code == 2


def test_the_bars_of_a_complete_file_are_reviewed(home: Path) -> None:
    file = spans_file(home, ("morning_star", 40, 42))
    for _ in range(2):
        assert run("annotations", "import", file, "--series", "ONE-1h", "--as", "human", "--complete").exit_code == 0
    (series,) = json.loads(run("card", "--json").stdout)["series"]
    assert series["reviewed_bars"] == series["bars"] == 300
    refused = run("annotations", "import", file, "--series", "ONE-1h", "--as", "talib", "--complete")
    assert refused.exit_code == 2


def test_a_file_that_cannot_be_taken_is_one_line_and_exit_code_2(home: Path) -> None:
    letter = home / "letter.txt"
    letter.write_text("Dear Sir")
    for file, said in ((letter, "json, csv, jsonl or parquet"), (home / "nowhere.csv", "nowhere.csv")):
        done = run("annotations", "import", str(file), "--series", "ONE-1h", "--as", "human")
        assert (done.exit_code, len(done.stderr.splitlines())) == (2, 1)
        assert said in done.stderr
    done = run("annotations", "import", str(letter), "--series", "ONE-1h", "--as", "human", "--format", "csv", "--json")
    assert json.loads(done.stderr)["code"] == "not_an_annotation_file"


def test_a_series_that_is_not_there_is_named(home: Path) -> None:
    file = spans_file(home, ("morning_star", 40, 42))
    for command in (("import", file, "--as", "human"), ("export",)):
        done = run("annotations", *command, "--series", "TWO-1h")
        assert done.exit_code == 1
        assert "TWO-1h" in done.stderr


def test_the_card_says_what_the_data_are(home: Path) -> None:
    assert run("label", "ONE-1h").exit_code == 0
    shown = run("card")
    assert shown.exit_code == 0
    assert "## Spans by label" in shown.stdout
    card = json.loads(run("card", "--json").stdout)
    assert card["series"][0]["series_id"] == "ONE-1h"
    assert list((home / "home").rglob(f"snapshots/{card['snapshot']}.card.md"))


def test_a_training_leaves_the_card_of_its_snapshot(home: Path) -> None:
    assert run("label", "ONE-1h").exit_code == 0
    assert run("stage", "snapshot", "--folder", str(home / "stages")).exit_code == 0
    trained = run("train", "--json")
    assert trained.exit_code == 0
    for folder in (home / "stages" / "snapshot", home / "home"):
        (card,) = folder.rglob("snapshots/*.card.json")
        assert json.loads(card.read_text())["snapshot"] == card.name.partition(".")[0]
        assert card.with_name(card.name.partition(".")[0] + ".parquet").exists()


def test_the_configuration_of_a_label_studio_project_names_the_labels_and_the_volume_on_demand(home: Path) -> None:
    shown = run("annotations", "label-studio-config")
    assert shown.exit_code == 0
    assert 'value="morning_star"' in shown.stdout
    assert 'column="volume"' not in shown.stdout
    output = home / "config.xml"
    assert run("annotations", "label-studio-config", "--series", "ONE-1h", "-o", str(output)).exit_code == 0
    assert 'column="volume"' in output.read_text()


def test_predictions_have_a_place_in_a_task_of_label_studio_only(home: Path) -> None:
    refused = run("annotations", "export", "--series", "ONE-1h", "--predictions")
    assert (refused.exit_code, len(refused.stderr.splitlines())) == (2, 1)
    task = run("annotations", "export", "--series", "ONE-1h", "--format", "label-studio", "--predictions")
    (content,) = json.loads(task.stdout)
    assert (content["annotations"], content["predictions"]) == ([], [])
    assert len(content["data"]["ts"]["time"]) == 300


def test_annotations_and_features_of_a_series_are_written_for_freqtrade_and_pandas(home: Path) -> None:
    run("annotations", "import", spans_file(home, ("morning_star", 40, 42)), "--series", "ONE-1h", "--as", "human")
    for ending, read in (("feather", pd.read_feather), ("parquet", pd.read_parquet)):
        output = home / f"signals.{ending}"
        assert run("signals", "ONE-1h", "--of", "annotations", "-o", str(output)).exit_code == 0
        told = read(output)
        assert np.flatnonzero(told["morning_star"]).tolist() == [42]
        assert told["date"].iloc[42].isoformat() == iso_times(CANDLES.time[[42]])[0].replace("Z", "+00:00")
        assert set(told["series_version"]) == {CANDLES.version()}
    output = home / "features.parquet"
    assert run("features", "--series", "ONE-1h", "-o", str(output)).exit_code == 0
    assert set(pd.read_parquet(output)["series_id"]) == {"ONE-1h"}
    assert run("features", "-o", str(output)).exit_code == 2
    refused = run("signals", "ONE-1h", "--of", "annotations", "-o", str(home / "signals.csv"))
    assert (refused.exit_code, "must end in .feather or .parquet" in refused.stderr) == (2, True)
    refused = run("predictions", "ONE-1h", "-o", str(home / "x.xml"))
    assert refused.exit_code == 2
    assert refused.stderr == "candleloop: x.xml: the name must end in .json, .csv, .jsonl or .parquet.\n"
    for command in ("signals", "predictions"):
        none = run(command, "ONE-1h", "-o", str(home / "x.parquet"))
        assert (none.exit_code, "has no stored predictions" in none.stderr) == (1, True)
