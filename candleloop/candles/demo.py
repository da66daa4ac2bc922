"""The demo series: daily stocks of the package ``bokeh_sampledata``."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

DEMO_SYMBOLS = ("AAPL", "GOOG", "IBM", "MSFT")


def demo_files() -> list[tuple[str, Path]]:
    """Return symbol and file of each demo series.

    The package keeps all of them in one file, so its path stands beside each symbol:
    ``read_candles(path, symbol=symbol)``.
    """
    path = Path(str(files("bokeh_sampledata") / "_data" / "stocks.csv.gz"))
    return [(symbol, path) for symbol in DEMO_SYMBOLS]
