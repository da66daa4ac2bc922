"""Predictions and their model as plain values: what ``POST /predict`` answers and ``candleloop predict`` prints."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import repeat
from typing import Any

import numpy as np
import orjson

from candleloop.annotations.label_set import LabelSet
from candleloop.candles.frame import IntArray
from candleloop.inference.bundle import ModelBundle
from candleloop.inference.predictor import Predictions
from candleloop.number_texts import number_texts, object_texts
from candleloop.times import iso_times


def prediction_rows(
    found: Predictions, time: IntArray, label_set: LabelSet, *, first_bar: int = 0
) -> list[dict[str, Any]]:
    """Return predictions as rows of plain values, in the order of their spans.

    Parameters
    ----------
    found
        What the predictor proposes.
    time
        Bar-open times of the candles it was given, int64 array of shape (n_bars,), microseconds UTC.
    label_set
        The label set of the model.
    first_bar
        Place of the first of those candles among all that the indices of the rows count.
    """
    spans = found.spans
    labels = label_set.names
    classes = ("background", *labels)
    columns = zip(
        repeat(None, len(found)) if found.ids is None else found.ids,
        spans.label.tolist(),
        iso_times(time[spans.start]),
        iso_times(time[spans.end]),
        (spans.start + first_bar).tolist(),
        (spans.end + first_bar).tolist(),
        found.confidence.tolist(),
        found.probabilities.tolist(),
        found.uncertainty.tolist(),
        found.provisional.tolist(),
        strict=True,
    )
    return [
        {
            "id": id,
            "label": labels[label],
            "start_time": start_time,
            "end_time": end_time,
            "start_index": start,
            "end_index": end,
            "confidence": confidence,
            "probabilities": dict(zip(classes, probabilities, strict=True)),
            "uncertainty": uncertainty,
            "provisional": provisional,
        }
        for (
            id,
            label,
            start_time,
            end_time,
            start,
            end,
            confidence,
            probabilities,
            uncertainty,
            provisional,
        ) in columns
    ]


def prediction_texts(
    found: Predictions,
    time: IntArray,
    label_set: LabelSet,
    *,
    first_bar: int = 0,
    more: Mapping[str, Any] | None = None,
) -> list[str]:
    """Return the rows of :func:`prediction_rows` as JSON, a text each, for results of many thousand predictions.

    ``more`` is what each of them says first. Class probabilities have the digits of their own precision, float32.
    """
    if not len(found):
        return []
    head = orjson.dumps(more).decode()[:-1] + "," if more else "{"
    text = head.replace("%", "%%") + _REST
    spans = found.spans
    labels = np.array([orjson.dumps(name).decode() for name in label_set.names], dtype=object)
    columns = zip(
        repeat("null", len(found)) if found.ids is None else (f'"{id}"' for id in found.ids),
        labels[spans.label].tolist(),
        iso_times(time[spans.start]),
        iso_times(time[spans.end]),
        (spans.start + first_bar).tolist(),
        (spans.end + first_bar).tolist(),
        number_texts(found.confidence),
        object_texts(found.probabilities, ("background", *label_set.names)),
        number_texts(found.uncertainty),
        number_texts(found.provisional),
        strict=True,
    )
    return [text % row for row in columns]


_REST = (
    '"id":%s,"label":%s,"start_time":"%s","end_time":"%s","start_index":%d,"end_index":%d,'
    '"confidence":%s,"probabilities":%s,"uncertainty":%s,"provisional":%s}'
)


def model_facts(bundle: ModelBundle, registry_version: str | None) -> dict[str, Any]:
    """Return what a prediction says about the model that made it."""
    return {
        "name": f"candleloop-{bundle.label_set.name}",
        "version": bundle.version,
        "registry_version": registry_version,
        "label_set": bundle.label_set.name,
        "trained_at": bundle.trained_at.isoformat().replace("+00:00", "Z"),
        "warmup_candles": bundle.warmup_candles,
        "thresholds": dict(bundle.thresholds),
    }
