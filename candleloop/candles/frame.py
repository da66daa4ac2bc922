"""Candles as arrays: the one form in which OHLCV data travels through candleloop."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from candleloop.errors import BadCandles

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

MICROSECONDS = 1_000_000
"""Microseconds in a second; every time inside candleloop is an int64 of microseconds since 1970-01-01 UTC."""

PRICE_FIELDS = ("open", "high", "low", "close")
MIN_PRICE = 1e-12
MAX_PRICE = 1e12
MAX_VOLUME = 1e30


@dataclass(frozen=True, eq=False, slots=True)
class Candles:
    """A run of candles in ascending order of time.

    Parameters
    ----------
    time
        Bar-open times, int64 array of shape (n_bars,), microseconds since 1970-01-01 UTC.
    open, high, low, close
        Prices, float64 arrays of shape (n_bars,).
    volume
        Traded volume, float64 array of shape (n_bars,), or None where the source has none.

    Notes
    -----
    The constructor trusts its input. Data from outside goes through :meth:`checked`, which names the first bad row.
    """

    time: IntArray
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray | None = None

    @classmethod
    def checked(
        cls,
        *,
        time: npt.ArrayLike,
        open: npt.ArrayLike,
        high: npt.ArrayLike,
        low: npt.ArrayLike,
        close: npt.ArrayLike,
        volume: npt.ArrayLike | None = None,
    ) -> Self:
        """Build candles from outside data and refuse what could not have been traded.

        Raises
        ------
        BadCandles
            With ``row`` and ``field``: values that are no numbers, columns of different length, NaN or infinite
            values, times that are not strictly ascending, prices outside 1e-12..1e12, high below low or below the
            body, low above the body, negative volume or volume above 1e30.
        """
        columns: dict[str, FloatArray] = {}
        for field, values in (("open", open), ("high", high), ("low", low), ("close", close), ("volume", volume)):
            if values is None:
                if field == "volume":
                    continue
                raise BadCandles(f"{field} is missing.", code="missing_field", field=field)
            columns[field] = np.ascontiguousarray(_numbers(values, field))
        moments = _numbers(time, "time")
        if moments.dtype.kind == "f":
            _refuse_first(moments != np.trunc(moments), "bad_time", "time", "is not a whole number of microseconds")
        candles = cls(
            time=np.ascontiguousarray(moments, dtype=np.int64),
            open=columns["open"],
            high=columns["high"],
            low=columns["low"],
            close=columns["close"],
            volume=columns.get("volume"),
        )
        candles._check()
        return candles

    def _check(self) -> None:
        n = len(self.time)
        for field, values in self.columns().items():
            if values.ndim != 1 or len(values) != n:
                raise BadCandles(
                    f"{field} has {values.shape} values where time has {n}.", code="length_mismatch", field=field
                )
        if n == 0:
            raise BadCandles("There are no candles.", code="no_candles")
        if self._is_sound():
            return
        step = np.diff(self.time)
        _refuse_first(np.append(False, step == 0), "duplicate_time", "time", "repeats the time before it")
        _refuse_first(np.append(False, step < 0), "unsorted_times", "time", "is earlier than the row before it")
        for field in PRICE_FIELDS:
            values = getattr(self, field)
            _refuse_first(~np.isfinite(values), "not_finite", field, "is not a finite number")
            _refuse_first(
                (values < MIN_PRICE) | (values > MAX_PRICE), "price_out_of_range", field, "is outside 1e-12..1e12"
            )
        body_high, body_low = np.maximum(self.open, self.close), np.minimum(self.open, self.close)
        _refuse_first(self.high < self.low, "high_below_low", "high", "is below low")
        _refuse_first(self.high < body_high, "high_below_body", "high", "is below open or close")
        _refuse_first(self.low > body_low, "low_above_body", "low", "is above open or close")
        if self.volume is not None:
            _refuse_first(~np.isfinite(self.volume), "not_finite", "volume", "is not a finite number")
            _refuse_first(self.volume < 0, "negative_volume", "volume", "is negative")
            _refuse_first(self.volume > MAX_VOLUME, "volume_out_of_range", "volume", "is above 1e30")

    def _is_sound(self) -> bool:
        """Tell at the least cost whether nothing is wrong; NaN fails every comparison."""
        body_high, body_low = np.maximum(self.open, self.close), np.minimum(self.open, self.close)
        return bool(
            (self.time[1:] > self.time[:-1]).all()
            and (self.low >= MIN_PRICE).all()
            and (self.low <= body_low).all()
            and (body_high <= self.high).all()
            and (self.high <= MAX_PRICE).all()
            and (self.volume is None or ((self.volume >= 0) & (self.volume <= MAX_VOLUME)).all())
        )

    def __len__(self) -> int:
        return len(self.time)

    def __getitem__(self, rows: slice) -> Candles:
        """Return a view of consecutive rows; no data is copied."""
        volume = None if self.volume is None else self.volume[rows]
        return Candles(self.time[rows], self.open[rows], self.high[rows], self.low[rows], self.close[rows], volume)

    def columns(self) -> Mapping[str, FloatArray]:
        """Return the price columns and, where there is one, the volume column."""
        found: dict[str, FloatArray] = {field: getattr(self, field) for field in PRICE_FIELDS}
        if self.volume is not None:
            found["volume"] = self.volume
        return found

    def version(self) -> str:
        """Return the ``series_version``: 16 hex digits of a SHA-256 over times, prices and volume."""
        digest = VersionDigest()
        digest.update(self)
        return digest.version()


def joined_candles(parts: Sequence[Candles]) -> Candles:
    """Return the parts of one run of candles as one; all have a volume or none has."""
    if len(parts) == 1:
        return parts[0]
    names = ("time", *parts[0].columns())
    return Candles(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


class VersionDigest:
    """The version of candles that come in pieces; how they are cut makes no difference.

    Each column has a SHA-256 of its own, and the version is a SHA-256 over those.
    """

    def __init__(self) -> None:
        self._columns: dict[str, Any] = {}

    def update(self, candles: Candles) -> None:
        """Add the candles that follow."""
        for field, values in (("time", candles.time), *candles.columns().items()):
            kind = "<i8" if field == "time" else "<f8"
            digest = self._columns.setdefault(field, hashlib.sha256())
            digest.update(np.ascontiguousarray(values).astype(kind, copy=False))

    def version(self) -> str:
        """Return the version of all candles so far."""
        whole = hashlib.sha256(b"candles/2")
        for field, digest in self._columns.items():
            whole.update(field.encode() + digest.digest())
        return whole.hexdigest()[:16]


def _numbers(values: npt.ArrayLike, field: str) -> npt.NDArray[Any]:
    """Return values as they are when they are numbers (prices as float64, integers of ``time`` as int64)."""
    try:
        found = np.asarray(values)
    except ValueError:
        found = np.asarray(values, dtype=object)
    if found.dtype.kind not in "iuf" and found.size:
        _refuse_first_text(found, field)
        found = found.astype(np.float64)
    return found.astype(np.int64 if field == "time" and found.dtype.kind in "iu" else np.float64, copy=False)


def _refuse_first_text(values: npt.NDArray[Any], field: str) -> None:
    allowed = (
        (int, float, np.integer, np.floating) if field == "time" else (int, float, np.integer, np.floating, type(None))
    )
    for row, value in enumerate(values.tolist()):
        if isinstance(value, bool) or not isinstance(value, allowed):
            raise BadCandles(f"Row {row}: {field} is not a number.", code="not_a_number", row=row, field=field)


def _refuse_first(bad: npt.NDArray[np.bool_], code: str, field: str, what: str) -> None:
    if bad.any():
        row = int(bad.argmax())
        count = int(bad.sum())
        more = "" if count == 1 else f" ({count} rows in all)"
        raise BadCandles(f"Row {row}: {field} {what}{more}.", code=code, row=row, field=field, count=count)
