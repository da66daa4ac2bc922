"""Label sets made for one search, and the search itself."""

from __future__ import annotations

from collections.abc import Mapping

from candleloop.annotations.label_set import LabelSet
from candleloop.candles.frame import Candles
from candleloop.patterns.auto_label import AutoLabels, auto_label
from candleloop.pipeline_config import AutoLabelConfig


def labels(*definitions: Mapping[str, object]) -> LabelSet:
    """Return a label set of these labels; names, codes, colours and hotkeys are made up."""
    keys = "123456789"
    made = [
        {"name": f"label_{at}", "code": f"LB{at}", "colour": "#000000", "hotkey": keys[at], **definition}
        for at, definition in enumerate(definitions)
    ]
    return LabelSet.model_validate({"name": "made", "labels": made})


def found(candles: Candles, label_set: LabelSet, **config: object) -> AutoLabels:
    """Search with the given keys of the ``auto_label`` section."""
    return auto_label(candles, label_set, AutoLabelConfig.model_validate(config))
