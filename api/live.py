"""The live quality of models, measured again only when something changed."""

from __future__ import annotations

import time
from collections.abc import Mapping

from sqlalchemy.orm import Session

from api.model_holder import ServedModel
from api.schemas import LiveQualityView
from candleloop.context import Context
from candleloop.errors import CandleloopError
from candleloop.inference.bundle import ModelBundle
from candleloop.loop.board import BarTimes
from candleloop.loop.live_quality import live_quality
from candleloop.store import models, review

KEPT_SECONDS = 30.0
"""How long a measurement stands when somebody only changes an annotation in a window that was audited before."""


class LiveQualities:
    """What the audits say about the model of each label set."""

    def __init__(self, context: Context, bar_times: BarTimes) -> None:
        self._context = context
        self._bar_times = bar_times
        self._kept: dict[str, tuple[tuple[object, ...], float, LiveQualityView | None]] = {}

    def of(self, session: Session, served: ServedModel) -> LiveQualityView | None:
        """Return the measurement for the label set of a served model, None before the first audit."""
        label_set = served.bundle.label_set
        key = review.completed_audit_key(session, label_set.name)
        kept = self._kept.get(label_set.name)
        if kept is not None and kept[0] == key and time.monotonic() - kept[1] < KEPT_SECONDS:
            return kept[2]

        def thresholds_of(version: str) -> Mapping[str, float]:
            if version == served.bundle.version:
                return served.bundle.thresholds
            try:
                sha256 = models.get(session, version).bundle_sha256
                return ModelBundle.load(self._context.storage, version, sha256=sha256).thresholds
            except CandleloopError:
                return {}

        found = live_quality(session, label_set, thresholds_of, lambda series_id: self._bar_times(session, series_id))
        view = None if found is None else LiveQualityView.of(found)
        self._kept[label_set.name] = key, time.monotonic(), view
        return view
