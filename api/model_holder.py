"""The models that this process serves: one champion for each label set, swapped while requests run."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from candleloop.candles.frame import MICROSECONDS, Candles
from candleloop.context import Context
from candleloop.errors import BundleRefused, CandleloopError, NoModel, NotFound
from candleloop.inference.answer import model_facts
from candleloop.inference.bundle import ModelBundle
from candleloop.inference.predictor import Predictor
from candleloop.store import label_sets, models

logger = logging.getLogger(__name__)

THREADS_ALONE = min(os.cpu_count() or 1, 4)
"""Most threads of a prediction with no other beside it; measured on two cores only."""

RETRY_SECONDS = 30.0
"""How long a version that could not be loaded is left alone before it is tried again."""


@dataclass(frozen=True)
class ServedModel:
    """A champion, ready to predict.

    Parameters
    ----------
    predictor
        The one path from candles to predictions, on one thread: requests beside each other share the cores.
    alone
        The same on several threads, for a request with no other beside it.
    registry_version
        MLflow's number of it, None while MLflow does not know it.
    answer
        What a prediction says about its model, made once.
    """

    predictor: Predictor
    alone: Predictor
    registry_version: str | None
    answer: Mapping[str, Any]

    @property
    def bundle(self) -> ModelBundle:
        """What was trained."""
        return self.predictor.bundle

    @classmethod
    def of(cls, bundle: ModelBundle, registry_version: str | None) -> ServedModel:
        """Make ready what answers for a bundle, and describe it once for all its answers."""
        predictor, alone = (Predictor(bundle, threads=threads) for threads in (1, THREADS_ALONE))
        for one in (predictor, alone):
            one.predict(_warm_up_candles(bundle.warmup_candles + 64))
        return cls(predictor, alone, registry_version, model_facts(bundle, registry_version))

    def registered_as(self, registry_version: str | None) -> ServedModel:
        """Return the same under another number of MLflow's."""
        return replace(self, registry_version=registry_version, answer=model_facts(self.bundle, registry_version))


@dataclass(frozen=True)
class Refusal:
    """A champion that could not be loaded, so that an older model (or none) is served in its place."""

    version: str
    code: str
    detail: str
    at: float


@dataclass(frozen=True)
class Holding:
    """All that is served at one moment; replaced as a whole, never changed."""

    known: frozenset[str] = frozenset()
    served: Mapping[str, ServedModel] = field(default_factory=dict)
    refused: Mapping[str, Refusal] = field(default_factory=dict)


class ModelHolder:
    """Keeps the champions loaded.

    A request takes a :class:`ServedModel` once and uses it to its end; a swap is one assignment, so no request sees two
    models or none. Promotions are found by asking the database, so a missed notice cannot leave an old model in place.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._now = Holding()
        self._trouble: str | None = None

    @property
    def holding(self) -> Holding:
        """What is served now."""
        return self._now

    def model(self, label_set: str) -> ServedModel:
        """Return the served model of a label set.

        Raises
        ------
        NoModel
            When it has no champion, with what to do to get one; or when its champion cannot be loaded.
        NotFound
            When there is no such label set.
        """
        now = self._now
        found = now.served.get(label_set)
        if found is not None:
            return found
        refusal = now.refused.get(label_set)
        if refusal is not None:
            raise NoModel(
                f"Model {refusal.version} of label set {label_set!r} cannot be served: {refusal.detail}",
                code="model_refused",
                label_set=label_set,
            )
        if now.known and label_set not in now.known:
            raise NotFound(
                f"There is no label set {label_set!r}; known: {', '.join(sorted(now.known))}.",
                code="unknown_label_set",
                field="label_set",
            )
        raise NoModel(
            f"Label set {label_set!r} has no model yet. Import a series (POST /series), label it (POST /autolabel) and "
            "train (POST /train): the first model that passes the gate is served here.",
            label_set=label_set,
        )

    def refresh(self) -> None:
        """Load the champions that the database names and this process does not serve yet.

        Raises
        ------
        Unavailable
            When the database cannot be reached; what is served stays.
        """
        with self._context.database.read() as session:
            known = frozenset(item.name for item in label_sets.every(session))
            champions = {
                name: models.get(session, row.version)
                for name in known
                if (row := models.champion(session, name)) is not None
            }
        before = self._now
        served = {name: kept for name, kept in before.served.items() if name in champions}
        refused: dict[str, Refusal] = {}
        for name, model in champions.items():
            version, registry_version = model.version, model.registry_version
            current = served.get(name)
            if current is not None and current.bundle.version == version:
                if current.registry_version != registry_version:
                    served[name] = current.registered_as(registry_version)
                continue
            earlier = before.refused.get(name)
            if earlier and earlier.version == version and time.monotonic() - earlier.at < RETRY_SECONDS:
                refused[name] = earlier
                continue
            try:
                served[name] = self._load(name, version, registry_version, model.bundle_sha256)
            except CandleloopError as error:
                logger.error("Model %s of label set %s is refused: %s", version, name, error.message)
                refused[name] = Refusal(version, error.code, error.message, time.monotonic())
            except Exception:
                logger.exception("Model %s of label set %s cannot be loaded", version, name)
                detail = "It cannot be loaded; the log says why."
                refused[name] = Refusal(version, BundleRefused.code, detail, time.monotonic())
            else:
                logger.info("Model %s of label set %s is served from now on", version, name)
        self._now = replace(before, known=known, served=served, refused=refused)

    async def refresh_quietly(self) -> None:
        """Refresh once off the event loop; trouble is logged when it begins and when it ends."""
        try:
            await asyncio.to_thread(self.refresh)
        except Exception as error:
            trouble = str(error)
            if trouble != self._trouble:
                expected = isinstance(error, CandleloopError)
                logger.warning("Champions cannot be looked up: %s", trouble, exc_info=not expected)
            self._trouble = trouble
        else:
            if self._trouble is not None:
                logger.info("Champions can be looked up again")
            self._trouble = None

    def _load(self, label_set: str, version: str, registry_version: str | None, sha256: str) -> ServedModel:
        bundle = ModelBundle.load(self._context.storage, version, sha256=sha256)
        if bundle.label_set.name != label_set:
            raise BundleRefused(f"Bundle {version} is of label set {bundle.label_set.name!r}, not {label_set!r}.")
        return ServedModel.of(bundle, registry_version)


def _warm_up_candles(n_bars: int) -> Candles:
    """Return candles to predict once with, so that no request pays for what is only done the first time."""
    close = 100 + np.sin(np.arange(n_bars) / 3)
    open_ = np.concatenate([[100.0], close[:-1]])
    return Candles.checked(
        time=np.arange(n_bars, dtype=np.int64) * 3_600 * MICROSECONDS,
        open=open_,
        high=np.maximum(open_, close) + 0.1,
        low=np.minimum(open_, close) - 0.1,
        close=close,
    )
