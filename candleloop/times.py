"""Times as people write them: ISO-8601 outside, int64 microseconds since 1970 UTC inside."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np

from candleloop.candles.frame import MICROSECONDS, IntArray

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001


def iso_times(time: IntArray) -> list[str]:
    """Return microseconds as ISO-8601 text with ``Z``; fractions of a second only where there are any."""
    moments = time.astype(np.dtype("M8[us]"))
    texts = np.datetime_as_string(moments, unit="us" if (time % MICROSECONDS).any() else "s")
    return [f"{text}Z" for text in texts.tolist()]


def iso_time(time: int) -> str:
    """Return one time in microseconds as ISO-8601 text with ``Z``."""
    return (_EPOCH + timedelta(microseconds=time)).isoformat() + "Z"
