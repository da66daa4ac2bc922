"""From candles to predictions: the one path that the API, batch jobs and evaluation share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from candleloop.annotations.identity import prediction_ids
from candleloop.annotations.spans import Spans
from candleloop.candles.frame import Candles
from candleloop.candles.segments import segment_numbers, segment_starts
from candleloop.errors import BadCandles
from candleloop.features.ahead import with_bars_ahead
from candleloop.features.matrix import feature_matrix
from candleloop.inference.bundle import ModelBundle
from candleloop.inference.uncertainty import margin
from candleloop.training.calibration import RAW_FLOOR, calibrated
from candleloop.training.families import fitted_from_files
from candleloop.training.families.asking import ask
from candleloop.training.families.random_forest import FittedForest

UNCERTAINTY = "margin"
"""How ``uncertainty`` is measured: 1 minus the distance of the two largest class probabilities (0 sure, 1 torn)."""


@dataclass(frozen=True, eq=False, slots=True)
class Predictions:
    """Spans that a model proposes for one run of candles, ordered by start, end, label.

    Parameters
    ----------
    spans
        The spans in bars of the candles given.
    confidence
        Probability that the span is right (label equal, IoU at least 0.5), float64 array of shape (n_spans,).
    probabilities
        Probabilities of the background and of each label, float32 array of shape (n_spans, n_labels + 1).
    uncertainty
        See ``UNCERTAINTY``, float64 array of shape (n_spans,).
    provisional
        Whether the right context is not complete yet, bool array of shape (n_spans,).
    ids
        Ids of the predictions, None where no series was named.
    warnings
        What the caller should know, in plain words.
    """

    spans: Spans
    confidence: npt.NDArray[np.float64]
    probabilities: npt.NDArray[np.float32]
    uncertainty: npt.NDArray[np.float64]
    provisional: npt.NDArray[np.bool_]
    ids: tuple[str, ...] | None
    warnings: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.spans)

    def __getitem__(self, rows: npt.NDArray[np.bool_] | npt.NDArray[np.int64]) -> Predictions:
        ids = None if self.ids is None else tuple(self.ids[row] for row in np.arange(len(self))[rows].tolist())
        return Predictions(
            spans=self.spans[rows],
            confidence=self.confidence[rows],
            probabilities=self.probabilities[rows],
            uncertainty=self.uncertainty[rows],
            provisional=self.provisional[rows],
            ids=ids,
            warnings=self.warnings,
        )


@dataclass(frozen=True, eq=False, slots=True)
class Examined:
    """What a model says of bars, before spans are made of it.

    Parameters
    ----------
    candles
        The candles that were looked at.
    starts
        First bar of each segment, ascending, int64 array.
    rows
        The bars that the model can decide about, ascending, int64 array of shape (n_rows,).
    features
        What the model read, float32 array of shape (n_bars, n_features), NaN where a segment is still warming up; None
        unless it was asked for.
    probabilities
        Class probabilities, float32 array of shape (n_rows, n_classes).
    votes
        Which share of the trees of a forest takes each class for the likeliest, shaped likewise; None for other models
        and where nobody asked.
    """

    candles: Candles
    starts: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64]
    features: npt.NDArray[np.float32] | None
    probabilities: npt.NDArray[np.float32]
    votes: npt.NDArray[np.float32] | None = None


class Predictor:
    """A model version, ready to predict; safe to call from several threads at once.

    Parameters
    ----------
    bundle
        The model version.
    threads
        Most threads that one prediction may use.

    Raises
    ------
    BundleRefused
        When the model in the bundle cannot be read.
    """

    def __init__(self, bundle: ModelBundle, *, threads: int = 1) -> None:
        self.bundle = bundle
        self._model = fitted_from_files(bundle.family, bundle.files, threads=threads)
        self._slope, self._offset = bundle.calibration.curves(bundle.label_set)
        self._needs_volume = any(feature.needs_volume for feature in bundle.feature_spec.features)

    def predict(self, candles: Candles, *, series_id: str | None = None, max_gap: int | None = None) -> Predictions:
        """Propose spans.

        Parameters
        ----------
        candles
            Candles of one series in order.
        series_id
            The series that they belong to; predictions then get their ids.
        max_gap
            Longest step inside a segment in microseconds; what the model was trained with when None, and where that
            left it to the kind of session, the default for these candles.

        Returns
        -------
        Predictions
            Spans with a confidence of at least the floor that end after the warm-up of their segment.

        Raises
        ------
        BadCandles
            With code ``too_few_candles`` when no bar has a complete warm-up; ``needed`` says how many candles without
            a gap it takes, ``longest_run`` how many there are.
        """
        return self.propose(self.examine(candles, max_gap=max_gap), series_id=series_id)

    def examine(self, candles: Candles, *, max_gap: int | None = None, for_windows: bool = False) -> Examined:
        """Compute class probabilities; other parameters and errors as in :meth:`predict`.

        ``for_windows`` keeps what windows are scored by as well: what the model read at every bar, which with a right
        context is several times the features of the bars, and the votes of a forest.
        """
        bundle = self.bundle
        if max_gap is None:
            max_gap = bundle.max_gap(candles.time)
        starts = segment_starts(candles.time, max_gap=max_gap)
        rows = np.flatnonzero(bundle.usable_bars(candles.time, max_gap=max_gap))
        if len(rows) == 0:
            run = int(np.diff(np.append(starts, len(candles))).max()) if len(candles) else 0
            raise BadCandles(
                f"The model needs {bundle.warmup_candles} candles without a gap; the longest run has {run}.",
                code="too_few_candles",
                field="candles",
                needed=bundle.warmup_candles,
                given=len(candles),
                longest_run=run,
            )
        features = feature_matrix(candles, bundle.feature_spec, max_gap=max_gap)
        segment = segment_numbers(starts, len(candles))
        offsets = bundle.encoding.offsets
        if not for_windows:
            probabilities = ask(
                self._model, features, rows, segment, offsets=offsets, n_classes=bundle.encoding.n_classes
            )
            return Examined(candles, starts, rows, None, probabilities)
        features = with_bars_ahead(features, segment, offsets)
        voted = None
        if isinstance(self._model, FittedForest):
            probabilities, voted = self._model.predict_with_votes(features, rows)
        else:
            probabilities = self._model.predict_probabilities(features, rows, segment)
        return Examined(candles, starts, rows, features, probabilities, voted)

    def propose(self, examined: Examined, *, series_id: str | None = None) -> Predictions:
        """Make spans of class probabilities; what they are is said at :meth:`predict`."""
        bundle, candles = self.bundle, examined.candles
        proposals = bundle.encoding.decode(
            examined.probabilities,
            examined.rows,
            n_bars=len(candles),
            floor=RAW_FLOOR,
            segment_starts=examined.starts,
        )
        label = proposals.spans.label
        confidence = calibrated(proposals.confidence, self._slope[label], self._offset[label])
        keep = confidence >= bundle.config.decoding.confidence_floor
        spans, probabilities = proposals.spans[keep], proposals.probabilities[keep]
        return Predictions(
            spans=spans,
            confidence=confidence[keep],
            probabilities=probabilities,
            uncertainty=margin(probabilities),
            provisional=proposals.provisional[keep],
            ids=None if series_id is None else self._ids(series_id, spans, candles),
            warnings=self._warnings(candles, len(examined.starts), len(examined.rows)),
        )

    def warnings(self, candles: Candles, *, max_gap: int) -> tuple[str, ...]:
        """Return the warnings that :meth:`predict` has about candles, without predicting."""
        usable = self.bundle.usable_bars(candles.time, max_gap=max_gap)
        return self._warnings(candles, len(segment_starts(candles.time, max_gap=max_gap)), int(usable.sum()))

    def _ids(self, series_id: str, spans: Spans, candles: Candles) -> tuple[str, ...]:
        names = self.bundle.label_set.names
        labels = [names[label] for label in spans.label.tolist()]
        start, end = candles.time[spans.start].tolist(), candles.time[spans.end].tolist()
        return prediction_ids(series_id, self.bundle.version, labels, start, end)

    def _warnings(self, candles: Candles, n_segments: int, n_rows: int) -> tuple[str, ...]:
        found = []
        if n_segments > 1:
            found.append(
                f"Gaps cut the candles into {n_segments} runs; {len(candles) - n_rows} of {len(candles)} bars are "
                "warming up and have no predictions."
            )
        if (candles.high == candles.low).all():
            found.append("Every candle is flat (open = high = low = close): there are no patterns to find.")
        if self._needs_volume and candles.volume is None:
            found.append("There is no volume: features that need it take their neutral value.")
        return tuple(found)
