"""Predictions of a stored series in which no model decides on bars that it learned from."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from candleloop.annotations.spans import concatenate
from candleloop.batch.plan import Piece, PlannedInput
from candleloop.batch.shards import Predicted, predict_piece
from candleloop.candles.store import CandleStore
from candleloop.context import Context
from candleloop.errors import BadConfiguration, BundleRefused, CandleloopError, NotFound
from candleloop.inference.bundle import ModelBundle
from candleloop.inference.predictor import Predictions, Predictor
from candleloop.loop.window_files import SeriesWindows
from candleloop.loop.windows import WindowScores
from candleloop.progress import Progress, silent
from candleloop.training.folds import FoldModels, fit_folds, folds_name, touched
from candleloop.training.snapshot import Snapshot

logger = logging.getLogger(__name__)


def prepare_folds(
    context: Context, bundle: ModelBundle, *, go_on: Callable[[], bool] = lambda: True, progress: Progress = silent
) -> str | None:
    """Make the fold models of a model version unless they are there or not wanted; return why that was not possible.

    Without them the stored predictions on bars that taught are the version's own, and say so.
    """
    config = context.config.out_of_fold
    if config.folds == 0:
        return None
    if load_folds(context, bundle.version) is not None:
        return None
    try:
        snapshot = Snapshot.read(context.storage, bundle.snapshot)
        found = fit_folds(
            bundle,
            snapshot,
            CandleStore(context.storage).read,
            config,
            go_on=go_on,
            features_of=context.features().matrix,
            progress=progress,
        )
    except (NotFound, BadConfiguration, BundleRefused) as error:
        return error.message
    except CandleloopError as error:
        if error.code != "snapshot_damaged":
            raise
        return error.message
    if found is None:
        return "Another model was promoted meanwhile"
    found.save(context.storage, folds_name(bundle.version, config))
    return None


def load_folds(context: Context, version: str) -> FoldModels | None:
    """Return the fold models of a model version, None where there are none that can be used."""
    if context.config.out_of_fold.folds == 0:
        return None
    try:
        return FoldModels.load(context.storage, folds_name(version, context.config.out_of_fold))
    except NotFound:
        return None
    except BundleRefused as error:
        logger.warning("The fold models of %s are made again: %s", version, error.message)
        return None


class OutOfFold:
    """A model version with its fold models, ready to predict stored series."""

    def __init__(self, predictor: Predictor, folds: FoldModels) -> None:
        self.folds = folds
        self._predictors: dict[int, Predictor] = {0: predictor}

    def predict_piece(
        self,
        store: CandleStore,
        wanted: PlannedInput,
        piece: Piece,
        *,
        top_share: float,
        committee: Predictor | None = None,
    ) -> Predicted:
        """Predict a piece as :func:`candleloop.batch.shards.predict_piece` does, each bar by the model to decide on it.

        ``unseen`` of what is returned tells which spans have no bar that their model learned from.
        """
        time = store.read(wanted.store_id, wanted.version, start_time=piece.read_from, end_time=piece.read_to).time
        number = self.folds.number_for(wanted.store_id, time)
        kept = number[(time >= piece.keep_from) & (time <= piece.keep_to)]
        parts: list[tuple[int, Predictions]] = []
        scored: dict[int, SeriesWindows] = {}
        for one in np.unique(kept).tolist():
            made = predict_piece(self._predictor(one), store, wanted, piece, top_share=top_share, committee=committee)
            if made.found is None:
                return made
            if made.windows is not None:
                scored[one] = made.windows
            parts.append((one, made.found[number[made.found.spans.end] == one]))
        spans = concatenate(found.spans for _, found in parts)
        order = spans.order()
        spans = spans[order]
        unseen = np.concatenate([self._unseen(one, wanted.store_id, time, found) for one, found in parts])

        def together(name: str) -> npt.NDArray[Any]:
            return np.concatenate([getattr(found, name) for _, found in parts])[order]

        found = Predictions(
            spans=spans,
            confidence=together("confidence"),
            probabilities=together("probabilities"),
            uncertainty=together("uncertainty"),
            provisional=together("provisional"),
            ids=None,
            warnings=parts[0][1].warnings,
        )
        return Predicted(piece, time, found, unseen=unseen[order], windows=_own_windows(scored, number, piece))

    def _unseen(
        self, number: int, series_id: str, time: npt.NDArray[np.int64], found: Predictions
    ) -> npt.NDArray[np.bool_]:
        start, end = time[found.spans.start], time[found.spans.end]
        return ~touched(self.folds.taught[number].get(series_id), start, end)

    def _predictor(self, number: int) -> Predictor:
        if number not in self._predictors:
            bundle = self.folds.bundles[number - 1]
            assert bundle is not None
            self._predictors[number] = Predictor(bundle)
        return self._predictors[number]


def _own_windows(scored: dict[int, SeriesWindows], number: npt.NDArray[np.int64], piece: Piece) -> SeriesWindows | None:
    """Return the windows of a piece, each with the scores of the model that decides on its last bar.

    ``scored`` has the windows as each model scored them all, ``number`` says which model decides on the bars read.
    """
    if not scored:
        return None
    models = sorted(scored)
    windows = scored[models[0]]
    decides = number[windows.end - piece.first_bar]
    together = WindowScores.concatenate([scored[one].scores for one in models])
    row = np.searchsorted(models, decides) * len(windows) + np.arange(len(windows))
    return replace(windows, scores=together[row])
