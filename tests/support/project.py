"""A folder with candleloop's code as a project of its own, for tools that work on such folders."""

from __future__ import annotations

import shutil
from pathlib import Path

from candleloop import pipeline
from config.context import open_context
from config.settings import ROOT
from tests.support.candles import random_candles
from tests.support.service import csv_of, prepared

PARTS = ("candleloop", "cli", "config")
FILES = ("dvc.yaml", ".gitignore", ".dvcignore")


def labelled_project(folder: Path) -> Path:
    """Make a project with its own copy of the stages, and in ``.candleloop`` a labelled series and no model."""
    for part in PARTS:
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    for file in FILES:
        shutil.copy(ROOT / file, folder)
    home = folder / ".candleloop"
    context = open_context(prepared(home))
    shutil.copy(home / "pipeline.yaml", folder / "config" / "pipeline.yaml")
    for section in ("candles", "decoding", "encoding", "features", "split"):
        with (folder / "config" / "pipeline.yaml").open("a") as file:
            file.write(f"{section}: {{}}\n")
    pipeline.import_file(context, csv_of(random_candles(1_500, seed=5)), name="ONE_1h.csv", symbol="ONE")
    pipeline.auto_label_series(context, "ONE-1h", "default")
    context.database.dispose()
    return folder
