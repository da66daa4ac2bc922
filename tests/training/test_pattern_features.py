"""A model of TA-Lib's marks may not read TA-Lib's answers, by whatever name."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from candleloop.annotations.marks import SeriesMarks
from candleloop.errors import BadConfiguration
from candleloop.pipeline_config import FeaturesConfig
from candleloop.training.pattern_features import refuse_pattern_features
from candleloop.training.train import train
from tests.support.snapshots import labelled_series, quick_config, with_marks

SNAPSHOT, _, CANDLES_OF = labelled_series()
GROUP = """from candleloop.features.feature import Feature, FeatureGroup
def fill(bars, out):
    out[0] = {formula}
group = FeatureGroup((Feature("{name}", "score", 14, 14, "made for a test"),), fill)
"""


@pytest.mark.parametrize(
    ("coverage", "by_human", "refused"), [(True, True, True), (False, False, True), (False, True, False)]
)
def test_pattern_functions_are_no_features_where_talib_labelled(coverage: bool, by_human: bool, refused: bool) -> None:
    """A coverage range alone is enough: what a person confirmed there was TA-Lib's idea."""

    def change(marks: SeriesMarks) -> SeriesMarks:
        return replace(
            marks,
            coverage=marks.coverage if coverage else (),
            by_human=np.full(len(marks.annotations), by_human),
        )

    snapshot = with_marks(SNAPSHOT, change)
    if not refused:
        refuse_pattern_features(("body_0", "CDLDOJI"), snapshot)
        return
    with pytest.raises(BadConfiguration) as refusal:
        refuse_pattern_features(("body_0", "CDLDOJI"), snapshot)
    assert refusal.value.details["field"] == "features.add.1"


@pytest.mark.parametrize(
    ("heading", "formula", "told"),
    [
        ("import talib", "talib.CDLENGULFING(bars.open, bars.high, bars.low, bars.close)", "uses CDLENGULFING"),
        ("from talib import CDLDOJI as f", "f(bars.open, bars.high, bars.low, bars.close) + bars.close", "CDLDOJI"),
        ("import talib", "getattr(talib, 'CDL' + 'DOJI')(bars.open, bars.high, bars.low, bars.close)", "uses CDL"),
        ("from elsewhere import verdict", "verdict(bars) > 0", "is CDLHAMMER in other words"),
        ("from elsewhere import verdict", "3 - verdict(bars) / 50", "is CDLHAMMER in other words"),
    ],
)
def test_an_own_feature_that_copies_a_pattern_function_may_not_teach(
    heading: str, formula: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    for module in ("elsewhere", "copies"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    (tmp_path / "elsewhere.py").write_text(
        "import talib\nverdict = lambda bars: talib.CDLHAMMER(bars.open, bars.high, bars.low, bars.close)\n"
    )
    (tmp_path / "copies.py").write_text(f"{heading}\n" + GROUP.format(formula=formula, name="verdict"))
    config = quick_config().model_copy(update={"features": FeaturesConfig(add=("rsi_14", "copies:group"))})
    with pytest.raises(BadConfiguration, match=told) as refusal:
        train(SNAPSHOT, CANDLES_OF, config)
    assert refusal.value.code == "pattern_features_refused"
    assert refusal.value.details["field"] == "features.add.1"


@pytest.mark.parametrize("formula", ["bars.close > bars.open", "(bars.close - bars.low) / bars.range.clip(bars.floor)"])
def test_other_own_features_may(formula: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module may speak of a function, and a column may take few values."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "honest_own", raising=False)
    text = '"""Unlike CDLDOJI."""\n' + GROUP.format(formula=formula, name="some_verdict")
    (tmp_path / "honest_own.py").write_text(text)
    refuse_pattern_features(("honest_own:group",), SNAPSHOT)
