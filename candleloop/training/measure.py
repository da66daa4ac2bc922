"""A model version against what holds on some bars of a series, through the predictor that serves."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from candleloop.annotations.spans import Spans
from candleloop.annotations.truth import Truth
from candleloop.candles.frame import Candles
from candleloop.candles.segments import default_max_gap
from candleloop.errors import BadCandles
from candleloop.inference.predictor import Predictor
from candleloop.training.event_counts import EvaluationCase

BoolArray = npt.NDArray[np.bool_]


def evaluation_case(
    predictor: Predictor,
    series_id: str,
    candles: Candles,
    truth: Truth,
    bars: BoolArray,
    *,
    max_gap: int | None = None,
) -> EvaluationCase:
    """Predict the part of a series that counts, with the past that its features need.

    Parameters
    ----------
    predictor
        The model version.
    series_id, candles, truth
        The series and what holds on it.
    bars
        Bars that count, bool array of shape (n_bars,). Only the candles around them are computed.
    max_gap
        Longest step inside a segment in microseconds; the default of the whole series when None.

    Returns
    -------
    EvaluationCase
        Without proposals where no bar that counts has a complete warm-up.
    """
    proposed, confidence = Spans.empty(), np.empty(0)
    counting = np.flatnonzero(bars)
    if len(counting):
        bundle = predictor.bundle
        reach = bundle.warmup_candles + bundle.encoding.longest_span
        first = max(int(counting[0]) - reach, 0)
        ahead = bundle.encoding.longest_span + bundle.encoding.reads_after + bundle.right_context
        stop = min(int(counting[-1]) + ahead, len(candles))
        gap = default_max_gap(candles.time) if max_gap is None else max_gap
        try:
            found = predictor.predict(candles[first:stop], max_gap=gap)
        except BadCandles as error:
            if error.code != "too_few_candles":
                raise
        else:
            proposed = Spans(found.spans.label, found.spans.start + first, found.spans.end + first)
            confidence = found.confidence
    return EvaluationCase(series_id=series_id, truth=truth, proposed=proposed, confidence=confidence, bars=bars)
