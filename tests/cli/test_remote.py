"""Commands with ``--url`` against a real service."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from config.settings import settings
from tests.client.conftest import KEY, RunningService, service, trained_home  # noqa: F401
from tests.support.service import CANDLES, csv_of
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


def test_what_is_refused_elsewhere_is_told_as_it_is_here(remote: RunningService, tmp_path: Path) -> None:
    file = tmp_path / "no.csv"
    file.write_text("nothing,of\nthe,kind\n")
    code, _, error = run("import", str(file), "--url", remote.url)
    assert code == 2
    assert error.startswith("candleloop: ")
    code, _, error = run("models", "--url", "http://127.0.0.1:9")
    assert code == 1
    assert "cannot be reached" in error
