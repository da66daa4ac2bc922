"""A user's own features: loaded from the configuration only, checked, part of the specification and of bundles."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from candleloop.errors import BadConfiguration, BundleRefused
from candleloop.features import own
from candleloop.features.matrix import FeatureSpec, feature_matrix
from candleloop.features.own import OwnGroup, load_own, require_promises
from candleloop.inference.bundle import ModelBundle
from candleloop.pipeline_config import FeaturesConfig, PipelineConfig
from candleloop.training.train import train
from config.context import open_context
from tests.support import own_features
from tests.support.candles import random_candles
from tests.support.service import settings_in
from tests.support.snapshots import labelled_series, quick_config

HONEST, PEEKING = "tests.support.own_features:honest", "tests.support.own_features:peeking"


def spec_with(*added: str) -> FeatureSpec:
    return FeatureSpec.from_config(FeaturesConfig(add=added))


def test_an_own_feature_is_a_column_like_any_other() -> None:
    spec = spec_with("rsi_14", HONEST)
    assert spec.names[-2:] == ("rsi_14", "close_in_range")
    found = feature_matrix(random_candles(400), spec)[-1, -1]
    candles = random_candles(400)
    expected = (candles.close[-1] - candles.low[-1]) / (candles.high[-1] - candles.low[-1])
    assert found == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("tests.support.own_features:missing", "is NoneType, not a"),
        ("tests.support.own_features:NOT_A_GROUP", "is int, not a"),
        ("tests.support.no_such_module:group", "cannot be imported (ModuleNotFoundError"),
        ("tests.support.own_features:taken", "'body_0' is taken"),
        ("tests.support.own_features:shouting", "'LOUD'"),
        ("tests/support/own_features.py:honest", "not of the form"),
        ("tests.support.own_features:honest.fill", "not of the form"),
    ],
)
def test_what_is_no_group_of_features_is_refused_with_its_key(path: str, what: str) -> None:
    with pytest.raises(BadConfiguration) as caught:
        spec_with("rsi_14", path)
    assert caught.value.details["field"] == "features.add.1"
    assert what in caught.value.message


def test_the_same_group_twice_is_refused() -> None:
    with pytest.raises(BadConfiguration, match="in the set already"):
        spec_with(HONEST, HONEST)


def test_the_hash_covers_the_source_of_the_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    text = Path(own_features.__file__).read_text()
    hashes = []
    for name, changed in (("first_own", text), ("second_own", text.replace("range.clip", "range .clip"))):
        (tmp_path / f"{name}.py").write_text(changed)
        hashes.append(load_own(f"{name}:honest", "features.add.0").source)
    assert hashes[0] != hashes[1]
    spec = spec_with(HONEST)
    other = OwnGroup(HONEST, "0" * 16)
    assert spec.content_hash() != FeatureSpec(spec.names[:-1]).content_hash()
    with pytest.raises(BadConfiguration, match="has changed since") as caught:
        FeatureSpec(spec.names, (other,))
    assert caught.value.code == "own_features_changed"


def test_a_specification_with_own_features_survives_json() -> None:
    spec = spec_with(HONEST)
    assert FeatureSpec.from_json(spec.to_json()) == spec


def test_a_specification_cannot_make_a_process_import_anything(tmp_path: Path) -> None:
    """A bundle or request that names a module is refused where the configuration did not name it, and nothing runs."""
    (tmp_path / "surprise.py").write_text("print('imported')")
    text = spec_with(HONEST).to_json().replace(HONEST, "surprise:group")
    code = (
        "from candleloop.features.matrix import FeatureSpec\n"
        "from candleloop.errors import BadConfiguration\n"
        "import sys\n"
        "try: FeatureSpec.from_json(sys.argv[1])\n"
        "except BadConfiguration as error: print(error.code)"
    )
    paths = f"{Path(__file__).parents[2]}:{tmp_path}"
    done = subprocess.run(
        [sys.executable, "-c", code, text], env={"PYTHONPATH": paths}, capture_output=True, text=True, check=True
    )
    assert done.stdout == "own_features_missing\n"


def test_a_group_that_keeps_its_promises_may_teach() -> None:
    require_promises(spec_with(HONEST).own)


def configured(*added: str) -> PipelineConfig:
    return quick_config().model_copy(update={"features": FeaturesConfig(add=added)})


def test_a_peeking_group_may_not_teach() -> None:
    snapshot, _, candles_of = labelled_series()
    with pytest.raises(BadConfiguration, match="next_return breaks no_future") as caught:
        train(snapshot, candles_of, configured(PEEKING))
    assert caught.value.code == "own_features_refused"
    assert "no_future" in caught.value.details["promises"]


def test_a_bundle_says_which_group_it_misses(monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot, _, candles_of = labelled_series()
    content = train(snapshot, candles_of, configured(HONEST)).bundle.to_bytes()
    assert ModelBundle.from_bytes(content).feature_spec.names[-1] == "close_in_range"
    monkeypatch.delitem(own._LOADED, HONEST)
    with pytest.raises(BundleRefused, match=HONEST):
        ModelBundle.from_bytes(content)


def test_the_configuration_file_loads_them_for_every_process(tmp_path: Path) -> None:
    (tmp_path / "pipeline.yaml").write_text(yaml.safe_dump({"features": {"add": ["rsi_14", "no.such:group"]}}))
    with pytest.raises(BadConfiguration) as caught:
        open_context(settings_in(tmp_path))
    assert caught.value.details["field"] == "features.add.1"
