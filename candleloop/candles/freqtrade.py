"""Freqtrade's data folders: which files of one hold candles, and of what.

Freqtrade keeps the candles of an exchange in ``user_data/data/EXCHANGE``, a file for each pair and timeframe, those of
futures in the folder ``futures`` inside. The name says what a file holds: ``ETH_BTC-5m.feather``,
``BTC_USDT_USDT-1h-futures.feather``, ``BTC_USDT_USDT-8h-funding_rate.feather``, ``XRP_ETH-trades.json.gz``.
Source: https://www.freqtrade.io/en/stable/data-download/.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from candleloop.candles.timeframes import parse_timeframe, timeframe_name
from candleloop.errors import BadRequest

FORMATS = ("feather", "parquet", "json", "json.gz")
"""Endings of the files that are read; where a pair and timeframe has several, the first of these counts."""
FUTURES = "futures"
"""The folder inside, and the kind that a name says, of candles of futures."""

NAME = re.compile(
    r"(?P<pair>[A-Za-z0-9-]+_[A-Za-z0-9_-]+?)-(?P<timeframe>\d{1,3}(?:[smhdwM]|[Mm]o))(?:-(?P<kind>[A-Za-z_]+))?"
    r"\.(?P<format>feather|parquet|json|json\.gz|h5)"
)
TRADES = re.compile(r".+-trades\.[a-z0-9.]+")
NO_CANDLES = {
    "mark": "mark prices, not what was traded",
    "index": "index prices, not what was traded",
    "premiumIndex": "premium index prices, not what was traded",
    "funding_rate": "funding rates, no candles",
}
"""What the other kinds of files hold that are named like candles."""


@dataclass(frozen=True, slots=True)
class PairFile:
    """A file with the candles of a pair, written as the exchanges' common names do: ``BTC/USDT``, ``BTC/USDT:USDT``."""

    path: Path
    symbol: str
    timeframe: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file that is not imported, and why."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class DataFolder:
    """What a data folder holds, each by name."""

    files: tuple[PairFile, ...]
    left_out: tuple[LeftOut, ...]


def read_folder(folder: Path) -> DataFolder:
    """Tell from their names which files of an exchange's data folder hold candles, those in ``futures`` included.

    Raises
    ------
    BadRequest
        With code ``no_data_folder`` when the folder cannot be read, or no name in it is one of a file of candles.
    """
    found: dict[tuple[str, str], dict[str, PairFile]] = {}
    left_out: list[LeftOut] = []
    for path in _listed(folder):
        if path.is_dir():
            left_out.append(LeftOut(path, "a folder of its own"))
        elif TRADES.fullmatch(path.name):
            left_out.append(LeftOut(path, "single trades, no candles"))
        elif (match := NAME.fullmatch(path.name)) is None:
            left_out.append(LeftOut(path, "its name is not PAIR-TIMEFRAME as Freqtrade writes it"))
        elif match["format"] == "h5":
            left_out.append(LeftOut(path, "HDF5, which Freqtrade itself converts: freqtrade convert-data"))
        elif match["kind"] not in (None, FUTURES):
            left_out.append(LeftOut(path, NO_CANDLES.get(match["kind"], f"{match['kind']!r} is no kind of candles")))
        elif match["kind"] == FUTURES and match["pair"].count("_") < 2:
            left_out.append(LeftOut(path, "futures whose name lacks what they are settled in, as in BTC_USDT_USDT"))
        else:
            file = PairFile(path, pair_of(match["pair"]), timeframe_name(parse_timeframe(match["timeframe"])))
            found.setdefault((file.symbol, file.timeframe), {})[match["format"]] = file
    chosen = []
    for same in found.values():
        first, *others = (same[format] for format in FORMATS if format in same)
        chosen.append(first)
        left_out += [LeftOut(one.path, f"{first.path.name} holds the same pair and timeframe") for one in others]
    if not chosen:
        raise BadRequest(
            f"{folder}: no file in it is called PAIR-TIMEFRAME with the ending {', '.join(FORMATS)}: name the folder "
            "of one exchange in Freqtrade's user_data/data.",
            code="no_data_folder",
            field="files",
        )
    return DataFolder(tuple(chosen), tuple(left_out))


def pair_of(name: str) -> str:
    """Return the pair that Freqtrade writes as ``name``.

    Examples
    --------
    >>> pair_of("ETH_BTC"), pair_of("BTC_USDT_USDT"), pair_of("BTC_USDT_USDT-250328")
    ('ETH/BTC', 'BTC/USDT:USDT', 'BTC/USDT:USDT-250328')
    """
    return name.replace("_", "/", 1).replace("_", ":", 1)


def _listed(folder: Path) -> list[Path]:
    try:
        found = sorted(folder.iterdir())
        futures = folder / FUTURES
        return found if futures not in found else [*(p for p in found if p != futures), *sorted(futures.iterdir())]
    except OSError as error:
        raise BadRequest(
            f"{folder}: cannot be read ({error.strerror}).", code="no_data_folder", field="files"
        ) from error
