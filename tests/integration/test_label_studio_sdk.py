"""What Label Studio's own SDK says of the tasks and the configuration that candleloop writes."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from candleloop.annotations.interchange import label_studio
from candleloop.annotations.interchange.labelling_config import labelling_config
from candleloop.annotations.label_set import LabelSet
from config.settings import ROOT
from tests.support.candles import random_candles
from tests.support.fresh import fresh_environment

SDK = "label-studio-sdk==2.1.2"
"""In an environment of its own: it asks for an older numpy than candleloop's."""

VALIDATE = """
import json, sys
from label_studio_sdk.label_interface import LabelInterface

config, task = open(sys.argv[1]).read(), json.load(open(sys.argv[2]))[0]
interface = LabelInterface(config)
interface.validate()
broken = json.loads(json.dumps(task["annotations"][0]))
broken["result"][0]["value"]["timeserieslabels"] = ["tea"]
print(json.dumps({
    "task": bool(interface.validate_task({"data": task["data"]})),
    "annotations": [bool(interface.validate_annotation(one)) for one in task["annotations"]],
    "predictions": [interface.validate_prediction(one, return_errors=True) for one in task["predictions"]],
    "with an unknown label": bool(interface.validate_annotation(broken)),
}))
"""


@pytest.fixture(scope="module")
def sdk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that has Label Studio's SDK."""
    try:
        return fresh_environment(tmp_path_factory.mktemp("sdk"), SDK)
    except AssertionError as error:
        pytest.skip(f"No environment with {SDK}: {error}")


@pytest.mark.slow
def test_the_sdk_finds_the_configuration_and_a_task_with_predictions_valid(sdk: Path, tmp_path: Path) -> None:
    labels = LabelSet.load(ROOT / "config" / "label_sets" / "default.yaml")
    candles = random_candles(60, seed=3)
    names = labels.names
    rows = [
        {
            "id": f"{position:032x}",
            "label": name,
            "start_time": int(candles.time[5 * position]),
            "end_time": int(candles.time[5 * position + (labels.labels[position].bars or 3) - 1]),
            "origin": "human",
            "declared_source": None,
            "confidence": float(np.float32(0.1 * (position + 1))),
        }
        for position, name in enumerate(names)
    ]
    data = {"series_id": "S", label_studio.DATA: label_studio.task_candles(candles)}
    proposed = [label_studio.prediction(rows, "0123456789ab"), label_studio.prediction([], "0123456789ab")]
    (tmp_path / "config.xml").write_text(labelling_config(labels, volume=candles.volume is not None))
    (tmp_path / "task.json").write_bytes(label_studio.write_task(data, label_studio.annotation_regions(rows), proposed))
    said = subprocess.run(
        [sdk, "-c", VALIDATE, tmp_path / "config.xml", tmp_path / "task.json"],
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert said.returncode == 0, said.stderr
    assert json.loads(said.stdout.splitlines()[-1]) == {
        "task": True,
        "annotations": [True],
        "predictions": [[], []],
        "with an unknown label": False,
    }
