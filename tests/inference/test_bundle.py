"""Bundles: what they hold, and what they refuse."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from candleloop.errors import BundleRefused, NotFound
from candleloop.inference.bundle import MANIFEST, ModelBundle, bundle_name
from candleloop.inference.predictor import Predictor
from candleloop.storage import Storage
from candleloop.training.train import train
from tests.support.snapshots import labelled_series, quick_config

SNAPSHOT, CANDLES, CANDLES_OF = labelled_series()


@pytest.fixture(scope="module")
def bundle() -> ModelBundle:
    return train(SNAPSHOT, CANDLES_OF, quick_config()).bundle


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return Storage(tmp_path.as_uri())


def rewritten(bundle: ModelBundle, change: Callable[[dict[str, bytes], dict[str, Any]], None]) -> bytes:
    """Return the bundle's file after a change of its entries or its manifest."""
    with zipfile.ZipFile(io.BytesIO(bundle.to_bytes())) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(entries.pop(MANIFEST))
    change(entries, manifest)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in {MANIFEST: json.dumps(manifest).encode(), **entries}.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def test_a_saved_bundle_comes_back_whole(bundle: ModelBundle, storage: Storage) -> None:
    sha256 = bundle.save(storage)
    again = ModelBundle.load(storage, bundle.version, sha256=sha256)
    assert again.to_bytes() == bundle.to_bytes()
    assert again.version == bundle.version
    assert again.trained_at == bundle.trained_at
    assert again.thresholds == bundle.thresholds
    first, second = Predictor(bundle).predict(CANDLES), Predictor(again).predict(CANDLES)
    assert first.spans.rows() == second.spans.rows()
    np.testing.assert_array_equal(first.confidence, second.confidence)


def test_the_version_does_not_know_the_date_or_the_metrics(bundle: ModelBundle) -> None:
    assert replace(bundle, trained_at=datetime(2020, 1, 1, tzinfo=UTC), metrics={}).version == bundle.version


@pytest.mark.parametrize(
    "change",
    [
        {"snapshot": "f" * 16},
        {"thresholds": {"morning_star": 0.9}},
        {"files": {"model.ubj": b"other"}},
        {"talib_version": "9.9.9"},
    ],
)
def test_the_version_knows_what_decides_a_prediction(bundle: ModelBundle, change: dict[str, Any]) -> None:
    assert replace(bundle, **change).version != bundle.version


def test_saving_the_same_version_again_keeps_the_first_file(bundle: ModelBundle, storage: Storage) -> None:
    first = bundle.save(storage)
    later = replace(bundle, trained_at=datetime(2030, 1, 1, tzinfo=UTC))
    assert later.save(storage) == first
    assert ModelBundle.load(storage, bundle.version).trained_at == bundle.trained_at


def test_saving_replaces_a_damaged_file(bundle: ModelBundle, storage: Storage) -> None:
    storage.write(bundle_name(bundle.version), b"rubbish")
    sha256 = bundle.save(storage)
    assert hashlib.sha256(storage.read(bundle_name(bundle.version))).hexdigest() == sha256


def test_a_missing_version_is_not_found(storage: Storage) -> None:
    with pytest.raises(NotFound):
        ModelBundle.load(storage, "0" * 12)


def test_another_checksum_is_refused(bundle: ModelBundle, storage: Storage) -> None:
    bundle.save(storage)
    with pytest.raises(BundleRefused, match="checksum"):
        ModelBundle.load(storage, bundle.version, sha256="0" * 64)


def test_the_file_of_another_version_is_refused(bundle: ModelBundle, storage: Storage) -> None:
    storage.write(bundle_name("0" * 12), bundle.to_bytes())
    with pytest.raises(BundleRefused, match=bundle.version):
        ModelBundle.load(storage, "0" * 12)


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04 broken"])
def test_what_is_no_bundle_is_refused(content: bytes) -> None:
    with pytest.raises(BundleRefused):
        ModelBundle.from_bytes(content)


def test_a_truncated_bundle_is_refused(bundle: ModelBundle) -> None:
    content = bundle.to_bytes()
    with pytest.raises(BundleRefused):
        ModelBundle.from_bytes(content[: len(content) // 2])


def test_a_changed_model_is_refused(bundle: ModelBundle) -> None:
    def change(entries: dict[str, bytes], manifest: dict[str, Any]) -> None:
        entries["model/model.ubj"] = entries["model/model.ubj"][:-1] + b"\0"

    with pytest.raises(BundleRefused, match=r"model\.ubj"):
        ModelBundle.from_bytes(rewritten(bundle, change))


def test_an_entry_that_the_manifest_does_not_name_is_refused(bundle: ModelBundle) -> None:
    def change(entries: dict[str, bytes], manifest: dict[str, Any]) -> None:
        entries["model/extra"] = b"x"

    with pytest.raises(BundleRefused, match="extra"):
        ModelBundle.from_bytes(rewritten(bundle, change))


def test_a_changed_manifest_is_refused(bundle: ModelBundle) -> None:
    def change(entries: dict[str, bytes], manifest: dict[str, Any]) -> None:
        manifest["thresholds"]["morning_star"] = 0.01

    with pytest.raises(BundleRefused, match=bundle.version):
        ModelBundle.from_bytes(rewritten(bundle, change))


@pytest.mark.parametrize(
    ("key", "value", "word"),
    [("talib_version", "0.6.4", "TA-Lib 0.6.4"), ("format", "candleloop-bundle/9", "candleloop-bundle/9")],
)
def test_another_format_or_talib_is_refused_by_name(bundle: ModelBundle, key: str, value: str, word: str) -> None:
    def change(entries: dict[str, bytes], manifest: dict[str, Any]) -> None:
        manifest[key] = value

    with pytest.raises(BundleRefused, match=word) as refusal:
        ModelBundle.from_bytes(rewritten(bundle, change))
    assert refusal.value.details["field"] == key


@pytest.mark.parametrize("key", ["label_set", "features", "encoding", "calibration", "snapshot", "files", "version"])
def test_a_manifest_without_a_part_is_refused(bundle: ModelBundle, key: str) -> None:
    def change(entries: dict[str, bytes], manifest: dict[str, Any]) -> None:
        del manifest[key]

    with pytest.raises(BundleRefused):
        ModelBundle.from_bytes(rewritten(bundle, change))


def test_there_is_no_pickle_inside(bundle: ModelBundle) -> None:
    with zipfile.ZipFile(io.BytesIO(bundle.to_bytes())) as archive:
        assert sorted(archive.namelist()) == ["manifest.json", "model/model.json", "model/model.ubj"]
