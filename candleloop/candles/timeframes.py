"""Timeframes: their names, and what a series' own times say."""

from __future__ import annotations

import re

from candleloop.errors import BadRequest

MINUTE, HOUR, DAY, WEEK, MONTH = 60, 3_600, 86_400, 604_800, 2_592_000
"""Seconds of the usual units; a month counts as 30 days."""

_UNITS = {
    "s": 1, "sec": 1, "second": 1, "seconds": 1,
    "m": MINUTE, "min": MINUTE, "mins": MINUTE, "t": MINUTE, "minute": MINUTE, "minutes": MINUTE,
    "h": HOUR, "hr": HOUR, "hour": HOUR, "hours": HOUR, "hourly": HOUR,
    "d": DAY, "day": DAY, "days": DAY, "daily": DAY,
    "w": WEEK, "wk": WEEK, "week": WEEK, "weeks": WEEK, "weekly": WEEK,
    "mo": MONTH, "mn": MONTH, "mth": MONTH, "month": MONTH, "months": MONTH, "monthly": MONTH,
}  # fmt: skip


def parse_timeframe(text: str) -> int:
    """Return the seconds of a timeframe such as ``15m``, ``4h``, ``H1``, ``1d``, ``daily``, ``1mo``, ``1M``.

    Raises
    ------
    BadRequest
        When the text names no timeframe.
    """
    seconds = _seconds(text)
    if seconds is None:
        raise BadRequest(f"{text!r} is not a timeframe (write it like 15m, 4h, 1d).", code="bad_timeframe", value=text)
    return seconds


def _seconds(text: str) -> int | None:
    stripped = text.strip()
    if match := re.fullmatch(r"(\d{1,4})\s*M", stripped):
        return int(match[1]) * MONTH if match[1] == "1" else int(match[1]) * MINUTE
    lowered = stripped.lower()
    if match := re.fullmatch(r"(\d{0,4})\s*([a-z]+)", lowered):
        count, unit = match[1], match[2]
    elif match := re.fullmatch(r"([a-z]+)\s*(\d{1,4})", lowered):
        unit, count = match[1], match[2]
    else:
        return None
    if unit not in _UNITS or (count and int(count) == 0):
        return None
    return int(count or 1) * _UNITS[unit]


def timeframe_name(seconds: int) -> str:
    """Return the short name of a timeframe: ``1m``, ``4h``, ``1d``, ``1w``, ``1mo``."""
    for unit, name in ((MONTH, "mo"), (WEEK, "w"), (DAY, "d"), (HOUR, "h"), (MINUTE, "m")):
        if seconds and seconds % unit == 0:
            return f"{seconds // unit}{name}"
    return f"{seconds}s"


def round_timeframe(seconds: int) -> int:
    """Return the timeframe that a measured step stands for: calendar months become ``MONTH``, others stay."""
    months = round(seconds / (30.44 * DAY))
    if months and abs(seconds - months * 30.44 * DAY) <= 3 * DAY:
        return months * MONTH
    return seconds


def guess_from_name(name: str) -> tuple[str | None, int | None]:
    """Return the symbol and the timeframe in seconds that a file's name claims, each None where it claims none.

    Examples
    --------
    >>> guess_from_name("EURUSDh4.csv")
    ('EURUSD', 14400)
    >>> guess_from_name("Binance_BTCUSDT_d.csv")
    ('BTCUSDT', 86400)
    >>> guess_from_name("candles.csv")
    (None, None)
    """
    stem = re.sub(r"(\.(csv|txt|tsv|json|gz|zip|feather|parquet|prn|data|dat))+$", "", name, flags=re.IGNORECASE)
    if match := re.fullmatch(r"([A-Z0-9]{2,10})_([A-Z]{3,5})(?:_([A-Z]{3,5}))?-(\d{1,2}[mhdwM])(-\w+)?", stem):
        settled = f":{match[3]}" if match[3] else ""
        return f"{match[1]}/{match[2]}{settled}", _seconds(match[4])
    if match := re.fullmatch(r"([a-z0-9]{1,8})_([a-z]{2})_([dwm])", stem):
        return f"{match[1]}.{match[2]}".upper(), _seconds(match[3].replace("m", "mo"))
    symbol, timeframe = None, None
    for word in re.split(r"[_\-\s.]+", stem):
        claimed = _claimed_timeframe(word)
        if claimed is not None:
            timeframe = timeframe or claimed
        elif symbol is None and _looks_like_symbol(word):
            symbol = word
        elif symbol is None and (match := re.fullmatch(r"([A-Z]{6}|[A-Z]{3,5})(m\d+|h\d+|d1|w1|mn1?|\d{1,5})", word)):
            symbol, tail = match[1], match[2]
            if timeframe is None:
                timeframe = int(tail) * MINUTE if tail.isdigit() and tail in _METATRADER_MINUTES else _seconds(tail)
    return symbol, timeframe


_METATRADER_MINUTES = {"1", "5", "15", "30", "60", "240", "1440", "10080", "43200"}
_NO_SYMBOLS = {
    "CSV", "DATA", "OHLC", "OHLCV", "CANDLES", "FOREX", "ASK", "BID", "UTC", "GMT", "EST", "USD", "YAHOO", "BINANCE",
    "COINBASE", "KRAKEN", "BITFINEX", "BITSTAMP", "GEMINI", "NT", "AM", "PM", "NOV", "DAT", "MT", "ASCII", "TEST",
}  # fmt: skip


def _claimed_timeframe(word: str) -> int | None:
    if re.fullmatch(r"\d{1,3}(s|m|min|h|d|w|mo|M|H|D|W|hr|hour|day|T)|[MmHhDdWw]\d{1,3}|MN1", word):
        return _seconds(word)
    if word.lower() in {"d", "daily", "hourly", "minute", "weekly", "monthly", "1min", "5min", "15min", "30min"}:
        return _seconds(word)
    return None


def _looks_like_symbol(word: str) -> bool:
    return bool(re.fullmatch(r"\^?[A-Z][A-Z0-9]{0,11}", word)) and word not in _NO_SYMBOLS and not _has_glued_tail(word)


def _has_glued_tail(word: str) -> bool:
    return bool(re.fullmatch(r"[A-Z]{6}(M\d+|H\d+|D1|W1|MN1?|\d{1,5})", word))
