"""Times as people write them: ISO-8601 outside, int64 microseconds since 1970 UTC inside."""

from __future__ import annotations

import numpy as np

from candleloop.candles.frame import MICROSECONDS, IntArray


def iso_times(time: IntArray) -> list[str]:
    """Return microseconds as ISO-8601 text with ``Z``; fractions of a second only where there are any."""
    moments = time.astype(np.dtype("M8[us]"))
    texts = np.datetime_as_string(moments, unit="us" if (time % MICROSECONDS).any() else "s")
    return [f"{text}Z" for text in texts.tolist()]
