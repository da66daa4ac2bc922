"""Between data frames and the bodies of calls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

PRICES = ("open", "high", "low", "close")
TIME_NAMES = ("time", "date", "datetime", "timestamp")


def candle_columns(candles: pd.DataFrame) -> dict[str, list[Any]]:
    """Return candles as the columns of a prediction request.

    Parameters
    ----------
    candles
        ``open``, ``high``, ``low``, ``close`` and, where there is one, ``volume``, in any case; the bar-open times as a
        column ``time`` (or ``date``, ``datetime``, ``timestamp``) or as the index: datetimes, UTC unless they have a
        zone, or epoch seconds or milliseconds.

    Raises
    ------
    ValueError
        Naming what is missing. The values are checked by the service, which names row and field.
    """
    named = {str(name).strip().lower(): name for name in candles.columns}
    missing = [name for name in PRICES if name not in named]
    if missing:
        raise ValueError(
            f"candles have no column {', '.join(missing)}; there are {', '.join(map(str, candles.columns))}"
        )
    found = next((named[name] for name in TIME_NAMES if name in named), None)
    if found is not None:
        times = candles[found]
    elif isinstance(candles.index, pd.DatetimeIndex):
        times = candles.index.to_series()
    else:
        raise ValueError("candles have no times: name a column 'time', or let the index be datetimes")
    columns: dict[str, list[Any]] = {"time": _times(times)}
    for name in (*PRICES, "volume"):
        if name in named:
            columns[name] = candles[named[name]].astype(object).tolist()
    return columns


def _times(times: pd.Series[Any]) -> list[Any]:
    if pd.api.types.is_numeric_dtype(times):
        return times.tolist()
    moments = pd.DatetimeIndex(pd.to_datetime(times))
    utc = moments.tz_localize("UTC") if moments.tz is None else moments.tz_convert("UTC")
    return [None if pd.isna(moment) else moment.isoformat() for moment in utc]


def frame_of(items: Iterable[Mapping[str, Any]], columns: Iterable[str] = ()) -> pd.DataFrame:
    """Return items of a list as a frame; columns that end in ``_time`` or ``_at`` are UTC datetimes.

    Parameters
    ----------
    items
        As the service gives them.
    columns
        What an empty frame has, so that a program can go on with it.
    """
    rows = list(items)
    frame = pd.DataFrame(rows, columns=None if rows else list(columns))
    for name in frame.columns:
        if str(name).endswith(("_time", "_at")):
            frame[name] = pd.to_datetime(frame[name], utc=True, format="ISO8601")
    return frame


def candle_frame(columns: Mapping[str, Any]) -> pd.DataFrame:
    """Return a page of candles as a frame with the times as its index."""
    values = {name: column for name, column in columns.items() if name != "time" and column is not None}
    index = pd.DatetimeIndex(pd.to_datetime(columns["time"], utc=True, format="ISO8601"), name="time")
    return pd.DataFrame(values, index=index)
