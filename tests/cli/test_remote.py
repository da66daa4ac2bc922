"""Commands with ``--url`` against a real service."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from cli.main import app
from client import Client
from config.settings import settings
from tests.client.conftest import KEY, RunningService, service, trained_home  # noqa: F401
from tests.support.served import served
from tests.support.service import CANDLES, CONFIG, SERIES, csv_of, prepared
from tests.support.vendor_files import freqtrade_feather


@pytest.fixture
def remote(service: RunningService, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[RunningService]:  # noqa: F811
    monkeypatch.setenv("CANDLELOOP_API_KEY", KEY)
    monkeypatch.setenv("CANDLELOOP_HOME", str(tmp_path / "nothing-here"))
    settings.cache_clear()
    yield service
    settings.cache_clear()
    assert not (tmp_path / "nothing-here").exists()


def run(*arguments: str) -> tuple[int, str, str]:
    ended = CliRunner().invoke(app, [*arguments])
    if ended.exception is not None and not isinstance(ended.exception, SystemExit):
        raise ended.exception
    return ended.exit_code, ended.stdout, ended.stderr


def test_a_file_is_imported_labelled_and_predicted_elsewhere(remote: RunningService, tmp_path: Path) -> None:
    file = tmp_path / "FAR_1h.csv"
    file.write_bytes(csv_of(CANDLES[:900]))
    code, said, error = run("import", str(file), "--symbol", "FAR", "--url", remote.url)
    assert (code, said.partition("\n")[0]) == (0, "FAR-1h: imported"), error
    with remote.working("label"):
        code, said, _ = run("label", "FAR-1h", "--url", remote.url, "--json")
    assert (code, json.loads(said)["series"]) == (0, 1)
    code, said, _ = run("predict", str(file), "--last", "400", "--url", remote.url, "--json")
    assert code == 0
    answer = json.loads(said)
    assert answer["predictions"]
    code, said, _ = run("models", "--url", remote.url, "--json")
    assert [row["version"] for row in json.loads(said)["models"]] == [answer["model"]["version"]]


def test_a_freqtrade_folder_is_imported_elsewhere_file_by_file(remote: RunningService, tmp_path: Path) -> None:
    (tmp_path / "ADA_BTC-1h.feather").write_bytes(b"ARROW1 and no more")
    (tmp_path / "ETH_BTC-1h.feather").write_bytes(freqtrade_feather(CANDLES[:300]))
    code, said, _ = run("import", str(tmp_path), "--url", remote.url, "--json")
    shown = json.loads(said)
    assert code == 2
    assert [one["series_id"] for one in shown["imported"]] == ["ETH-BTC-1h"]
    assert [one["code"] for one in shown["refused"]] == ["not_a_candle_file"]
    grown = ("import", str(tmp_path / "ETH_BTC-1h.feather"), "--append", "--series", "ETH-BTC-1h", "--url", remote.url)
    code, said, _ = run(*grown)
    assert said.splitlines()[0] == "ETH-BTC-1h: 0 candles appended, 300 were there already; 300 candles now"
    code, said, _ = run("import", str(tmp_path / "ETH_BTC-1h.feather"), "--url", remote.url, "--json")
    assert json.loads(said)["imported"][0]["created"] is False


def test_the_report_of_an_import_elsewhere_is_printed_with_every_row(remote: RunningService, tmp_path: Path) -> None:
    lines = csv_of(CANDLES[:600]).decode().splitlines()
    del lines[100:110:2]
    file = tmp_path / "HOLES_1h.csv"
    file.write_text("\n".join(lines) + "\n")
    code, imported, error = run("import", str(file), "--symbol", "HOLES", "--url", remote.url)
    assert code == 0, error
    rows = tmp_path / "rows.csv"
    code, again, _ = run("report", "HOLES-1h", "--rows", str(rows), "--url", remote.url)
    assert (code, again.splitlines()) == (0, imported.splitlines()[1:])
    assert '"gap","reported",101,105,' in rows.read_text()


def test_spans_predictions_and_signals_of_a_series_elsewhere_are_files_here(
    remote: RunningService, tmp_path: Path
) -> None:
    with Client(remote.url, api_key=KEY) as client:
        time = client.candles(SERIES).index
    first, last = time[3_000], time[3_001]
    marks = tmp_path / "marks.csv"
    marks.write_text(f"label,start,end\nbullish_harami,{first.isoformat()},{last.isoformat()}\ntea,{first},{last}\n")
    taken = ("annotations", "import", str(marks), "--series", SERIES, "--as", "human", "--url", remote.url)
    code, said, error = run(*taken)
    assert (code, said.splitlines()[0]) == (0, f"{SERIES}: 1 of 2 spans kept: bullish_harami 1"), error
    code, said, _ = run(*taken, "--json")
    assert [one["reason"] for one in json.loads(said)["dropped"]] == ["already_there", "unknown_label"]
    code, said, _ = run("annotations", "export", "--series", SERIES, "--format", "jsonl", "--url", remote.url)
    found = [one for one in map(json.loads, said.splitlines()) if one["origin"] == "imported"]
    assert [(one["label"], pd.Timestamp(one["start_time"])) for one in found] == [("bullish_harami", first)]
    output = tmp_path / "signals.feather"
    code, _, error = run("signals", SERIES, "--of", "annotations", "-o", str(output), "--url", remote.url)
    assert code == 0, error
    told = pd.read_feather(output)
    assert told.loc[told["date"] == last, "bullish_harami"].tolist() == [1.0]
    assert told["date"].tolist() == time.tolist()
    code, said, error = run("features", "--series", SERIES, "-o", str(tmp_path / "f.csv"), "--url", remote.url)
    assert (code, said.splitlines()[0].startswith(f"{tmp_path}/f.csv: 4,000 candles with ")) == (0, True), error
    assert pd.read_csv(tmp_path / "f.csv")["close"].tolist() == CANDLES.close.tolist()
    code, _, error = run("features", str(marks), "-o", str(tmp_path / "f.csv"), "--url", remote.url)
    assert (code, "name one by --series" in error) == (2, True)
    code, _, error = run("predictions", SERIES, "-o", str(tmp_path / "p.parquet"), "--url", remote.url)
    assert (code, "has no stored predictions" in error) == (1, True)


def test_what_names_no_label_set_is_about_that_of_the_service(remote: RunningService, tmp_path: Path) -> None:
    elsewhere = prepared(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "pipeline.yaml").write_text(yaml.safe_dump({**CONFIG, "label_set": "all-61"}))
    file = tmp_path / "FAR_1h.csv"
    file.write_bytes(csv_of(CANDLES[:300]))
    marks = tmp_path / "marks.csv"
    marks.write_text(f"label,start,end\ndoji,{CANDLES.time[200] // 1_000_000},{CANDLES.time[200] // 1_000_000}\n")
    with served(elsewhere, tmp_path / "api.log", more={"CANDLELOOP_API_KEY": KEY}) as url:
        run("import", str(file), "--symbol", "FAR", "--url", url)
        taken = ("annotations", "import", str(marks), "--series", "FAR-1h", "--as", "human", "--url", url, "--json")
        code, said, error = run(*taken)
        listed = json.loads(run("models", "--url", url, "--json")[1])
    assert listed == {"label_set": "all-61", "models": []}
    assert code == 0, error
    assert (json.loads(said)["label_set"], json.loads(said)["kept"]) == ("all-61", {"doji": 1})


def test_a_command_that_works_here_alone_says_so_where_a_service_is_set(
    remote: RunningService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANDLELOOP_SERVICE_URL", remote.url)
    settings.cache_clear()
    code, said, error = run("models", "--json")
    assert (code, len(json.loads(said)["models"]), error) == (0, 1, "")
    monkeypatch.setenv("CANDLELOOP_HOME", str(tmp_path / "own"))
    settings.cache_clear()
    code, _, error = run("evaluate")
    assert code == 1
    assert (
        error.splitlines()[0]
        == f"candleloop: this is about the data of {tmp_path}/own, not about CANDLELOOP_SERVICE_URL."
    )


def test_what_is_refused_elsewhere_is_told_as_it_is_here(remote: RunningService, tmp_path: Path) -> None:
    file = tmp_path / "no.csv"
    file.write_text("nothing,of\nthe,kind\n")
    code, _, error = run("import", str(file), "--url", remote.url)
    assert code == 2
    assert error.startswith("candleloop: ")
    code, _, error = run("models", "--url", "http://127.0.0.1:9")
    assert code == 1
    assert "cannot be reached" in error
