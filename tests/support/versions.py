"""Another version of the model that is served."""

from __future__ import annotations

import dataclasses
from typing import Any

from candleloop.context import Context
from candleloop.inference.bundle import ModelBundle, bundle_name
from candleloop.store import models


def champion(context: Context) -> str:
    """Return the version that the default label set serves."""
    with context.database.read() as session:
        row = models.champion(session, "default")
    assert row is not None
    return row.version


def add_version(context: Context, *, damaged: bool = False, gate: dict[str, Any] | None = None) -> ModelBundle:
    """Store another version of the champion, which lets fewer predictions through."""
    first = ModelBundle.load(context.storage, champion(context))
    config = first.config.model_copy(
        update={"decoding": first.config.decoding.model_copy(update={"confidence_floor": 0.6})}
    )
    bundle = dataclasses.replace(first, config=config)
    sha256 = bundle.save(context.storage)
    if damaged:
        name = bundle_name(bundle.version)
        content = bytearray(context.storage.read(name))
        content[len(content) // 2] ^= 0xFF
        context.storage.write(name, bytes(content))
    with context.database.begin() as session:
        models.add_model(
            session,
            version=bundle.version,
            label_set="default",
            family=bundle.family,
            snapshot=bundle.snapshot,
            bundle_sha256=sha256,
            metrics={},
            gate=gate or {},
            trained_at=bundle.trained_at,
        )
    return bundle
