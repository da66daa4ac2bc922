"""Model bundles: everything that a model version needs to predict, as one file without code in it."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from candleloop.annotations.encodings import Encoding, encoding_from_json
from candleloop.annotations.label_set import LabelSet
from candleloop.candles.frame import MICROSECONDS, IntArray
from candleloop.candles.segments import default_max_gap
from candleloop.errors import BadConfiguration, BundleRefused, NotFound
from candleloop.features.matrix import FeatureSpec, talib_version, usable_bars
from candleloop.pipeline_config import PipelineConfig
from candleloop.storage import Storage
from candleloop.training.calibration import Calibration

FORMAT = "candleloop-bundle/1"
MANIFEST = "manifest.json"
MODEL_FOLDER = "model/"
EPOCH = (1980, 1, 1, 0, 0, 0)
"""Time of every entry of the file, so that equal bundles are equal bytes."""


@dataclass(frozen=True, eq=False)
class ModelBundle:
    """One model version.

    Parameters
    ----------
    label_set
        Its labels; class *k* is the label at position *k - 1*.
    feature_spec
        The columns it reads.
    encoding
        How its class probabilities become spans.
    family, files
        The model family and what its fitted model wrote.
    calibration, thresholds
        From raw to served confidence, and the least confidence of each label to be shown.
    snapshot
        Content hash of the snapshot that it learned from.
    trained_at
        When, UTC.
    config
        The configuration that it was trained under.
    context
        Bars before a bar that the model itself reads, beyond the look-back of the features.
    metrics
        The evaluation as JSON; empty before it has been evaluated.
    talib_version
        Version of TA-Lib's C library that computed its features.
    """

    label_set: LabelSet
    feature_spec: FeatureSpec
    encoding: Encoding
    family: str
    files: Mapping[str, bytes]
    calibration: Calibration
    thresholds: Mapping[str, float]
    snapshot: str
    trained_at: datetime
    config: PipelineConfig
    context: int = 0
    metrics: Mapping[str, Any] = field(default_factory=dict)
    talib_version: str = field(default_factory=talib_version)
    version: str = field(init=False)
    """12 hex digits of a SHA-256 over everything that decides a prediction, and the snapshot; not over the date."""

    def __post_init__(self) -> None:
        decides = {
            "family": self.family,
            "files": {name: hashlib.sha256(content).hexdigest() for name, content in self.files.items()},
            "features": self.feature_spec.content_hash(),
            "talib": self.talib_version,
            "label_set": self.label_set.content_hash(),
            "encoding": self.encoding.to_json(),
            "context": self.context,
            "calibration": self.calibration.to_json(),
            "thresholds": dict(self.thresholds),
            "decoding": self.config.decoding.model_dump(mode="json"),
            "candles": self.config.candles.model_dump(mode="json"),
            "snapshot": self.snapshot,
        }
        digest = hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()
        object.__setattr__(self, "version", digest[:12])

    @property
    def warmup_candles(self) -> int:
        """Candles of one segment that a prediction for the last of them needs."""
        return self.feature_spec.warmup + self.context + 1 + self.encoding.reads_before

    def max_gap(self, time: IntArray) -> int:
        """Return the longest step inside a segment, in microseconds: what it was trained with.

        Where that left it to the kind of session, it is the default for the candles at ``time`` (int64 array of shape
        (n_bars,), microseconds UTC, ascending).
        """
        trained = self.config.candles.max_gap_seconds
        return default_max_gap(time) if trained is None else trained * MICROSECONDS

    def usable_bars(self, time: IntArray, *, max_gap: int | None = None) -> npt.NDArray[np.bool_]:
        """Tell on which bars it can decide: on all after the warm-up of their segment.

        Parameters
        ----------
        time
            Bar-open times, int64 array of shape (n_bars,), microseconds UTC, ascending.
        max_gap
            Longest step inside a segment in microseconds; :meth:`max_gap` when None.

        Returns
        -------
        ndarray of bool, shape (n_bars,)
        """
        gap = self.max_gap(time) if max_gap is None else max_gap
        return usable_bars(time, self.feature_spec, max_gap=gap, context=self.context)

    @property
    def right_context(self) -> int:
        """Bars after the last bar of a span that its decision needs."""
        return self.encoding.right_context

    def to_bytes(self) -> bytes:
        """Return the bundle as a zip file (stored, not compressed); equal bundles give equal bytes."""
        names = {f"{MODEL_FOLDER}{name}": content for name, content in sorted(self.files.items())}
        manifest = {
            "format": FORMAT,
            "version": self.version,
            "files": {name: hashlib.sha256(content).hexdigest() for name, content in names.items()},
            "label_set": self.label_set.model_dump(mode="json"),
            "features": self.feature_spec.to_json(),
            "encoding": self.encoding.to_json(),
            "family": self.family,
            "context": self.context,
            "calibration": self.calibration.to_json(),
            "thresholds": dict(self.thresholds),
            "warmup_candles": self.warmup_candles,
            "right_context": self.right_context,
            "talib_version": self.talib_version,
            "snapshot": self.snapshot,
            "trained_at": self.trained_at.isoformat(),
            "metrics": dict(self.metrics),
            "config": self.config.model_dump(mode="json"),
        }
        text = json.dumps(manifest, sort_keys=True, indent=1).encode()
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
            for name, content in {MANIFEST: text, **names}.items():
                archive.writestr(zipfile.ZipInfo(name, EPOCH), content)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> ModelBundle:
        """Read a bundle and check it.

        Raises
        ------
        BundleRefused
            When it is no bundle, of another format, damaged, not the version that it says, or made with another
            version of TA-Lib's C library or of the features.
        """
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                entries = {name: archive.read(name) for name in archive.namelist()}
            manifest = json.loads(entries.pop(MANIFEST))
        except (zipfile.BadZipFile, KeyError, ValueError, EOFError) as error:
            raise BundleRefused(f"This is no model bundle: {error}", code="bundle_damaged") from error
        if manifest.get("format") != FORMAT:
            raise BundleRefused(
                f"The bundle has format {manifest.get('format')!r}; this version of candleloop reads {FORMAT!r}.",
                field="format",
            )
        digests = {name: hashlib.sha256(entry).hexdigest() for name, entry in entries.items()}
        stated = manifest.get("files") or {}
        if digests != stated:
            wrong = sorted(set(digests.items()) ^ set(stated.items()))
            raise BundleRefused(
                f"The checksum of {wrong[0][0]} does not fit.", code="bundle_damaged", field=wrong[0][0]
            )
        if manifest.get("talib_version") != talib_version():
            raise BundleRefused(
                f"The model was trained with TA-Lib {manifest.get('talib_version')}, here is {talib_version()}: "
                "indicators may differ between versions. Train again.",
                field="talib_version",
            )
        try:
            bundle = cls(
                label_set=LabelSet.model_validate(manifest["label_set"]),
                feature_spec=FeatureSpec.from_json(manifest["features"]),
                encoding=encoding_from_json(manifest["encoding"]),
                family=manifest["family"],
                files={name.removeprefix(MODEL_FOLDER): entry for name, entry in entries.items()},
                calibration=Calibration.from_json(manifest["calibration"]),
                thresholds=manifest["thresholds"],
                snapshot=manifest["snapshot"],
                trained_at=datetime.fromisoformat(manifest["trained_at"]),
                config=PipelineConfig.model_validate(manifest["config"]),
                context=int(manifest["context"]),
                metrics=manifest["metrics"],
                talib_version=manifest["talib_version"],
            )
        except (KeyError, ValueError, TypeError, ValidationError, BadConfiguration) as error:
            raise BundleRefused(f"The bundle does not fit this version of candleloop: {error}") from error
        if bundle.version != manifest.get("version"):
            raise BundleRefused(
                f"The bundle says it is version {manifest.get('version')}, its content is {bundle.version}.",
                code="bundle_damaged",
                field="version",
            )
        return bundle

    def save(self, storage: Storage) -> str:
        """Write the bundle under its version, whole or not at all, and return the SHA-256 of the file.

        A version that is there already stays as it is: the same content was trained before, on another date.
        """
        name = bundle_name(self.version)
        content = self.to_bytes()
        if storage.exists(name):
            try:
                there = storage.read(name)
                ModelBundle.from_bytes(there)
                content = there
            except (BundleRefused, NotFound):
                storage.write(name, content)
        else:
            storage.write(name, content)
        return hashlib.sha256(content).hexdigest()

    @classmethod
    def load(cls, storage: Storage, version: str, *, sha256: str | None = None) -> ModelBundle:
        """Read the bundle of a version and check it.

        Parameters
        ----------
        storage
            Where bundles are.
        version
            12 hex digits.
        sha256
            What :meth:`save` returned, to be checked when given.

        Raises
        ------
        BundleRefused
            As :meth:`from_bytes`, and when the file is another version or does not have that checksum.
        NotFound
            When there is no such bundle.
        """
        content = storage.read(bundle_name(version))
        if sha256 is not None and hashlib.sha256(content).hexdigest() != sha256:
            raise BundleRefused(f"The file of model version {version} does not have the checksum it was saved with.")
        bundle = cls.from_bytes(content)
        if bundle.version != version:
            raise BundleRefused(f"The file of model version {version} holds version {bundle.version}.", field="version")
        return bundle


def bundle_name(version: str) -> str:
    """Return the name of a version's file in the storage."""
    return f"models/{version}.zip"
