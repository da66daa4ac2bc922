"""The benchmark of the loop, whole and tiny: it goes on where it was, and says what it found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import _loop_runs, _loop_settings, bench_loop
from benchmarks._loop_report import BEGIN, END, write_page
from benchmarks._loop_settings import REGIMES, Regime, Settings
from benchmarks._loop_summary import summarise
from candleloop.loop.simulation.campaign import Plan
from candleloop.loop.simulation.regimes import Size

TINY = {"rounds": 4, "max_depth": 3, "max_bin": 16}


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every regime small enough for seconds."""
    for name, one in list(REGIMES.items()):
        small = Regime(name, one.title, Size(60, 40), Plan(most_windows=40), one.threshold, TINY)
        monkeypatch.setitem(REGIMES, name, small)
    monkeypatch.setattr(_loop_settings, "DEMO_SIZE", Size(60, 40))
    monkeypatch.setattr(_loop_runs, "ERROR_SEEDS", 1)


def run_here(settings: Settings, folder: Path) -> None:
    """Do all tasks in this process."""
    for task in _loop_runs.tasks(settings, folder, "margin"):
        _loop_runs.run_task(task)


def test_a_run_gives_figures_for_every_strategy_regime_and_annotator(tmp_path: Path) -> None:
    settings = Settings(("dense", "planted"), ("random", "margin"), seeds=2, noisy_seeds=1)
    run_here(settings, tmp_path)
    found = [one for name in settings.regimes for one in _loop_runs.records(settings.file(tmp_path, name))]
    summary = summarise(found, best="margin")
    assert list(summary) == ["dense", "planted"]
    for regime in summary.values():
        assert regime["world"]["seeds"] == 2
        assert regime["strategies"]["margin"]["0.9"]["windows"]["seeds"] == 2
        assert set(regime["noise"]) == {"realistic", "biased"}
        assert regime["label_errors"]["seeds"] == 1
        assert "draw x0.5" in regime["sweep"]
        assert regime["curves"]["random"]["windows"] == [20, 40]
    json.dumps(summary)


def test_what_is_done_is_not_done_again_and_a_broken_line_is(tmp_path: Path) -> None:
    settings = Settings(("planted",), ("random", "margin"), seeds=1, noisy_seeds=0)
    run_here(settings, tmp_path)
    assert list(_loop_runs.tasks(settings, tmp_path, "margin")) == []
    file = settings.file(tmp_path, "planted")
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:-1]) + lines[-1][:50])
    (left,) = _loop_runs.tasks(settings, tmp_path, "margin")
    assert left.wanted == (("margin", "perfect"),)


def test_strategies_beside_the_pair_can_be_run_on_the_first_seeds_only(tmp_path: Path) -> None:
    settings = Settings(("planted",), ("random", "margin", "sequential"), seeds=2, noisy_seeds=0, other_seeds=1)
    wanted = [task.wanted for task in _loop_runs.tasks(settings, tmp_path, "margin")]
    pair = (("random", "perfect"), ("margin", "perfect"))
    assert wanted == [(*pair, ("sequential", "perfect")), pair]


def test_results_of_other_settings_are_kept_apart(tmp_path: Path) -> None:
    one = Settings(("dense",), ("random",), seeds=1, noisy_seeds=0)
    other = Settings(("dense",), ("random",), seeds=1, noisy_seeds=0, large=Path("candles.csv"))
    assert one.file(tmp_path, "dense") != other.file(tmp_path, "dense")
    assert one.file(tmp_path, "planted") == other.file(tmp_path, "planted")


def test_the_command_writes_page_figures_and_plot_and_keeps_what_was_written_around(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(("planted",), ("random", "margin"), seeds=1, noisy_seeds=0)
    run_here(settings, tmp_path)
    write_page(tmp_path / "bench_loop.md", "old")
    page = (tmp_path / "bench_loop.md").read_text()
    (tmp_path / "bench_loop.md").write_text(page.replace(BEGIN, f"By hand.\n{BEGIN}"))
    bench_loop.main(
        ["--report", "--regimes", "planted", "--results", str(tmp_path), "--output", str(tmp_path), "--seeds", "1"]
    )
    text = (tmp_path / "bench_loop.md").read_text()
    assert "By hand." in text
    assert "old" not in text
    assert "| margin |" in text[text.index(BEGIN) : text.index(END)]
    assert json.loads((tmp_path / "bench_loop.json").read_text())["planted"]["world"]["pool_windows"] == 60
    assert (tmp_path / "bench_loop.svg").read_text().startswith("<?xml")
    assert "Written" in capsys.readouterr().out


def test_an_unknown_strategy_is_named() -> None:
    with pytest.raises(SystemExit, match="cleverest"):
        bench_loop.main(["--strategies", "cleverest"])
