"""Random candles with the properties of real ones; made on the spot, no file needed."""

from __future__ import annotations

import numpy as np

from candleloop.candles.frame import MICROSECONDS, Candles


def random_candles(
    n_bars: int, *, seed: int = 0, step_seconds: int = 3600, start: int = 1_600_000_000, decimals: int = 2
) -> Candles:
    """Return a random walk with clustered volatility, gaps between close and open, and prices of fixed precision."""
    rng = np.random.default_rng(seed)
    volatility = 0.004 * np.exp(0.5 * np.sin(np.arange(n_bars) / 40) + 0.3 * rng.standard_normal(n_bars))
    close = 100 * np.exp(np.cumsum(volatility * rng.standard_normal(n_bars)))
    open_ = np.concatenate([[100.0], close[:-1]]) * (1 + 0.25 * volatility * rng.standard_normal(n_bars))
    body_high, body_low = np.maximum(open_, close), np.minimum(open_, close)
    high = body_high * (1 + volatility * rng.exponential(0.6, n_bars))
    low = body_low * (1 - volatility * rng.exponential(0.6, n_bars))
    open_, high, low, close = (np.round(values, decimals) for values in (open_, high, low, close))
    time = (start + step_seconds * np.arange(n_bars, dtype=np.int64)) * MICROSECONDS
    return Candles.checked(
        time=time, open=open_, high=high, low=low, close=close, volume=np.round(rng.lognormal(8, 1, n_bars))
    )
