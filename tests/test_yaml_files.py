"""What a person wrote wrong in a YAML file is named by file and key, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest

from candleloop.annotations.label_set import LabelSet
from candleloop.errors import BadConfiguration
from candleloop.pipeline_config import PipelineConfig
from candleloop.yaml_files import read_yaml

LABELS = """
name: runs
labels:
  - {name: run_up, code: RUN, colour: "#00735C"}
  - {name: run_down, code: RD, colour: green}
"""


def refused(path: Path, content: bytes, model: type[LabelSet] | type[PipelineConfig]) -> BadConfiguration:
    path.write_bytes(content)
    with pytest.raises(BadConfiguration) as error:
        read_yaml(path, model)
    return error.value


def test_every_key_that_does_not_fit_is_named_once(tmp_path: Path) -> None:
    error = refused(tmp_path / "runs.yaml", LABELS.encode(), LabelSet)
    first, *keys = error.message.splitlines()
    assert first == f"{tmp_path / 'runs.yaml'}: does not fit the schema:"
    assert [key.split(":")[0].strip() for key in keys] == ["labels.1.code", "labels.1.colour"]
    assert error.details["field"] == "labels.1.code"


def test_what_is_wrong_with_a_set_as_a_whole_is_told_too(tmp_path: Path) -> None:
    text = LABELS.replace("code: RD, colour: green", 'code: RUN, colour: "#A01C3F"')
    assert "code is not unique: RUN" in refused(tmp_path / "runs.yaml", text.encode(), LabelSet).message
    assert "  labels: " in refused(tmp_path / "none.yaml", b"name: none\nlabels: []\n", LabelSet).message
    assert "(whole file)" in refused(tmp_path / "list.yaml", b"- 1\n", LabelSet).message


@pytest.mark.parametrize("content", [b"a: [", b"a: \xff"])
def test_a_file_that_is_no_yaml_is_told_as_such(tmp_path: Path, content: bytes) -> None:
    assert "is not YAML" in refused(tmp_path / "pipeline.yaml", content, PipelineConfig).message


def test_a_file_that_is_not_there_is_told_and_an_empty_one_has_the_defaults(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match="cannot be read"):
        read_yaml(tmp_path / "away.yaml", PipelineConfig)
    (tmp_path / "empty.yaml").write_text("")
    assert read_yaml(tmp_path / "empty.yaml", PipelineConfig) == PipelineConfig()
