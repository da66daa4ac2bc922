"""Names of columns, and which role each plays."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_TIME = (
    "opentime", "unix", "unixtime", "unixtimestamp", "epoch", "datetime", "datetimeutc", "timestamp",
    "timestamps", "gmttime", "utctime", "timeutc", "utc", "dt",
    "candlebegintime", "barstart", "begin", "start", "starttime", "periodstart", "timestart", "timeopen", "localtime",
    "date", "dateutc", "day", "tradingday", "tradedate", "time", "ts", "t",
)  # fmt: skip
_CLOCK = ("time", "timeofday", "clock", "hour")
_PRICES = {
    "open": ("open", "o", "openprice", "priceopen", "op"),
    "high": ("high", "h", "highprice", "pricehigh", "hi", "max"),
    "low": ("low", "l", "lowprice", "pricelow", "lo", "min"),
    "close": ("close", "c", "closeprice", "priceclose", "closelast", "cl", "last", "price"),
}
_VOLUME = (
    "volume",
    "vol",
    "v",
    "volumebase",
    "basevolume",
    "volumefrom",
    "volumebtc",
    "tickvolume",
    "tickvol",
    "realvolume",
)
_SYMBOL = ("symbol", "ticker", "pair", "instrument", "asset", "security", "code", "stock", "name", "tic", "sym")
_ADJUSTED = ("adjclose", "adjustedclose", "adjusted", "closeadj", "adjcloseprice")


@dataclass(frozen=True)
class Roles:
    """Which column plays which role, by place from 0."""

    date: int
    prices: dict[str, int]
    clock: int | None = None
    volumes: tuple[int, ...] = ()
    symbol: int | None = None
    adjusted: int | None = None


def normal_name(name: str) -> str:
    """Return a column name in lower case with letters and digits only: ``<CLOSE>``, ``4. close`` become ``close``."""
    text = re.sub(r"^\s*\d+[a-z]?\.\s+", "", name.strip().strip("\ufeff").lower())
    return re.sub(r"[^a-z0-9]", "", text)


def find_roles(header: Sequence[str]) -> Roles | None:
    """Return the roles of named columns; None when open, high, low and close are not all there.

    A common prefix (``AAPL.Open``, ``AAPL.High``) is no hindrance. Where no column is called like a time, a first one
    without a name (the index of a data frame) takes that role.
    """
    names = [normal_name(name) for name in header]
    prices = _find_prices(names) or _find_prices(names := _without_prefix(header))
    if prices is None:
        return None
    taken = set(prices.values())
    date = next((names.index(word) for word in _TIME if word in names and names.index(word) not in taken), None)
    if date is None:
        unnamed = [
            place for place, name in enumerate(names) if name in ("", "unnamed0", "index") and place not in taken
        ]
        if not unnamed:
            return None
        date = unnamed[0]
    clock = None
    if names[date] in ("date", "day", "tradedate", "tradingday", "dateutc"):
        clock = next((names.index(word) for word in _CLOCK if word in names and names.index(word) not in taken), None)
    taken |= {date} | ({clock} if clock is not None else set())
    volumes = [names.index(word) for word in _VOLUME if word in names and names.index(word) not in taken]
    volumes += [
        place
        for place, name in enumerate(names)
        if name.startswith("volume") and place not in taken and place not in volumes
    ]
    symbol = next((names.index(word) for word in _SYMBOL if word in names and names.index(word) not in taken), None)
    adjusted = next((names.index(word) for word in _ADJUSTED if word in names), None)
    return Roles(date, prices, clock, tuple(volumes), symbol, adjusted)


def _find_prices(names: Sequence[str]) -> dict[str, int] | None:
    found: dict[str, int] = {}
    for role, words in _PRICES.items():
        place = next((names.index(word) for word in words if word in names), None)
        if place is None:
            return None
        found[role] = place
    return found


def _without_prefix(header: Sequence[str]) -> list[str]:
    """Return the names with the prefix of the price columns taken off (``AAPL.Open`` -> ``open``)."""
    raw = [name.strip().lower() for name in header]
    for place in (name for name in raw if name.endswith("open") and name != "open"):
        prefix = place[: -len("open")]
        if all(prefix + word in raw for word in ("high", "low", "close")):
            return [normal_name(name.removeprefix(prefix)) for name in raw]
    return [normal_name(name) for name in raw]


def common_prefix(header: Sequence[str]) -> str | None:
    """Return the symbol that prefixes the price columns (``AAPL.Open`` -> ``AAPL``), if one does."""
    opens = [name.strip() for name in header if name.strip().lower().endswith("open")]
    highs = [name.strip() for name in header if name.strip().lower().endswith("high")]
    if not opens or not highs:
        return None
    prefix = opens[0][: -len("open")]
    if not prefix or highs[0][: -len("high")] != prefix:
        return None
    prefix = prefix.rstrip("._-: ")
    return prefix if re.fullmatch(r"\^?[A-Za-z][A-Za-z0-9.\-]{0,15}", prefix) else None
