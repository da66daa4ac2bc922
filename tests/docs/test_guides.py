"""What README and the guides show is run as it stands there, against the stack that ``candleloop up`` starts."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from candleloop.candles.frame import Candles
from config.settings import ROOT
from tests.support.candles import random_candles
from tests.support.guides import Reader, blocks, commands, differences
from tests.support.project import labelled_project
from tests.support.stack import Stack
from tests.support.vendor_files import freqtrade_feather, metatrader4

GUIDES = ["README.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]
DOCKER = "needs Docker: `make compose-test` brings the containers up, tries them and takes them down"
NOT_RUN = {
    "make up": "the stack that all of this asks is started by `candleloop up`, which it runs, and without the page",
    """awk '/=$/ {"openssl rand -hex 24" | getline made; close("openssl rand -hex 24"); $0 = $0 made} {print}' """
    ".env.example > .env": DOCKER,
    "docker compose up --build --detach --wait --scale worker-batch=4": DOCKER,
    "docker compose exec worker-label candleloop import --demo      # or POST /series with a file of yours": DOCKER,
    """. ./.env; curl -s localhost:8001/autolabel -H "X-API-Key: $CANDLELOOP_API_KEY" -H 'content-type: """
    "application/json' -d '{}'": DOCKER,
}
"""The commands that are shown and not run here, each with the reason."""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Everything that ``make up`` starts, but for the page; what the guides decide and train stays in it."""
    folder = tmp_path_factory.mktemp("stack")
    config = yaml.safe_load((ROOT / "config" / "pipeline.yaml").read_text())
    # The models are those of the real configuration; what each promotion does besides would only keep the machine busy.
    config["out_of_fold"]["folds"] = 0
    (folder / "pipeline.yaml").write_text(yaml.safe_dump(config))
    more = {"CANDLELOOP_CONFIG": str(folder / "pipeline.yaml"), "MLFLOW_DISABLE_TELEMETRY": "true"}
    one = Stack(folder / "home", more)
    try:
        one.wait_until_ready()
        yield one
        assert one.stop() == 0, one.said.read_text()
    finally:
        one.kill()


@pytest.fixture
def reader(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Reader]:
    """A person with a home and files of their own, in the project with DVC, elsewhere beside the stack."""
    home = tmp_path / "home-of-the-reader"
    home.mkdir()
    # A refusal is an answer to curl, which would go unseen.
    (home / ".curlrc").write_text("fail-with-body\n")
    (home / ".gitconfig").write_text("[user]\nname = reader\nemail = reader@example.org\n")
    environment = {"HOME": str(home), "MLFLOW_DISABLE_TELEMETRY": "true", "DVC_NO_ANALYTICS": "1"}
    if "docs/dvc.md" in request.node.name:
        folder = labelled_project(tmp_path / "project")
        shutil.copytree(ROOT / ".dvc", folder / ".dvc", ignore=shutil.ignore_patterns("cache", "tmp"))
        for command in ("init", "add .", "commit -m start"):
            subprocess.run(["git", *command.split()], cwd=folder, env=os.environ | environment, check=True)
        instead = {"/mnt/results": str(tmp_path / "results")}
        environment |= {"CANDLELOOP_HOME": str(folder / ".candleloop"), "CANDLELOOP_MLFLOW_URL": "http://127.0.0.1:9"}
    else:
        folder = tmp_path / "here"
        own_files(folder)
        stack: Stack = request.getfixturevalue("stack")
        instead = {f"{host}:8001": stack.api.removeprefix("http://") for host in ("localhost", "127.0.0.1")}
        instead["127.0.0.1:5000"] = stack.mlflow.removeprefix("http://")
        environment |= stack.settings
    one = Reader(folder, environment, instead)
    try:
        yield one
    finally:
        one.close()


def own_files(folder: Path) -> None:
    """Put down the files that the guides call the reader's own."""
    folder.mkdir()
    for symbol in ("EURUSD", "GBPUSD"):
        (folder / f"{symbol}60.csv").write_bytes(metatrader4(hourly(5)))
    data = folder / "user_data" / "data" / "binance"
    (data / "futures").mkdir(parents=True)
    for seed, name in enumerate(
        ("ETH_BTC-1h", "futures/BTC_USDT_USDT-1h-futures", "futures/BTC_USDT_USDT-8h-funding_rate")
    ):
        (data / f"{name}.feather").write_bytes(freqtrade_feather(hourly(seed)))
    value = {"start": "2001-10-15", "end": "2001-10-15", "instant": True, "timeserieslabels": ["shooting_star"]}
    region = {"id": "r", "from_name": "label", "to_name": "ts", "type": "timeserieslabels", "value": value}
    answer = {"id": 3, "was_cancelled": False, "result": [region]}
    tasks = [{"id": 17, "data": {"series_id": "AAPL-1d"}, "annotations": [answer]}]
    (folder / "project.json").write_text(json.dumps(tasks))


def hourly(seed: int) -> Candles:
    return random_candles(600, seed=seed, start=1_592_956_800)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("guide", GUIDES)
def test_what_a_guide_shows_is_what_happens(guide: str, reader: Reader) -> None:
    reader.follow((ROOT / guide).read_text(), NOT_RUN)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_notebook_goes_through_the_loop(reader: Reader) -> None:
    notebook = json.loads((ROOT / "docs" / "loop.ipynb").read_text())
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert [cell["outputs"] for cell in code] == [[]] * len(code)
    for cell in code:
        reader.run_python("".join(cell["source"]))
    reader.run_python(
        'assert [one["status"] for one in (confirmed, dismissed)] == ["accepted"] * 2\n'
        'assert verdict["version"] in models["version"].tolist()\n'
        "assert len(axes.patches) == len(shown) + len(here) > len(shown)\n"
    )


def test_the_first_start_says_what_readme_shows(stack: Stack) -> None:
    (shown,) = (
        command.shown
        for block in blocks((ROOT / "README.md").read_text(), "console")
        for command in commands(block.text)
        if command.text == "make up"
    )
    lines = [line for line in shown.splitlines() if not line.startswith("  web page ")]
    differences("\n...\n".join(lines), stack.said.read_text())


def test_every_block_has_a_language_and_each_one_that_is_not_run_is_still_shown() -> None:
    texts = {guide: (ROOT / guide).read_text() for guide in GUIDES}
    assert [guide for guide, text in texts.items() if blocks(text, "")] == []
    shown = {
        command.text for text in texts.values() for block in blocks(text, "console") for command in commands(block.text)
    }
    assert set(NOT_RUN) <= shown
