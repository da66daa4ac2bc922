"""The bundle of a model version, wherever it is."""

from __future__ import annotations

from sqlalchemy.orm import Session

from api.model_holder import ModelHolder
from candleloop.context import Context
from candleloop.errors import CandleloopError
from candleloop.inference.bundle import ModelBundle
from candleloop.store import models


def bundle_of(
    context: Context, holder: ModelHolder, session: Session, label_set: str, version: str
) -> ModelBundle | None:
    """Return the version that predicted: the served one without reading it again, None when it cannot be read."""
    served = holder.holding.served.get(label_set)
    if served is not None and served.bundle.version == version:
        return served.bundle
    try:
        sha256 = models.get(session, version).bundle_sha256
        return ModelBundle.load(context.storage, version, sha256=sha256)
    except CandleloopError:
        return None
