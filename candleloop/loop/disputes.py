"""The disagreements of a series with its stored predictions, by their times."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sqlalchemy.orm import Session

from candleloop.annotations.label_set import LabelSet
from candleloop.annotations.places import to_bars
from candleloop.annotations.truth import resolve
from candleloop.loop.disagreement import Kind, disagreements
from candleloop.store import marks, predictions


@dataclass(frozen=True, slots=True)
class DisputedPrediction:
    """The prediction in a dispute."""

    id: str
    label: str
    start_time: int
    end_time: int
    confidence: float


@dataclass(frozen=True, slots=True)
class Dispute:
    """A disagreement; ``annotation`` is the label, start and end of the span that holds."""

    kind: Kind
    strength: float
    annotation: tuple[str, int, int] | None
    prediction: DisputedPrediction | None

    @property
    def place(self) -> tuple[str, int, int]:
        """Label, start and end of what is disputed: of the span that holds where there is one."""
        if self.annotation is not None:
            return self.annotation
        assert self.prediction is not None
        return self.prediction.label, self.prediction.start_time, self.prediction.end_time

    @property
    def start_time(self) -> int:
        """Bar-open time of the first bar, microseconds UTC."""
        return self.place[1]

    @property
    def end_time(self) -> int:
        """Bar-open time of the last bar, microseconds UTC."""
        return self.place[2]

    @property
    def key(self) -> tuple[int, int, str, str]:
        """What disputes are listed by; no two of a series have the same."""
        return self.start_time, self.end_time, self.place[0], self.kind.value


def find_disputes(
    session: Session,
    series_id: str,
    label_set: LabelSet,
    model_version: str,
    time: npt.NDArray[np.int64],
    *,
    sure: float,
    usable: npt.NDArray[np.bool_] | None = None,
) -> list[Dispute]:
    """Compare what holds on a series with what a model version proposes for it; see :func:`disagreements`.

    Parameters
    ----------
    time
        Bar-open times of the series, int64 array of shape (n_bars,), microseconds UTC, ascending. Predictions that lie
        on none of them, made on other candles, are left out.
    sure
        From this confidence on the model is sure.
    usable
        On which bars the model can decide, bool array of shape (n_bars,); on all when None. That it says nothing about
        a span that ends on another bar, in the warm-up of a segment, is no disagreement.
    """
    truth = resolve(marks.load_marks(session, series_id, label_set), time, len(label_set))
    ids, spans, confidence = predictions.load_predictions(session, series_id, label_set, model_version)
    proposed, found = to_bars(spans, time)
    ids, confidence = [ids[row] for row in np.flatnonzero(found).tolist()], confidence[found]
    names = label_set.names
    disputes = []
    for one in disagreements(truth, proposed, confidence, sure=sure):
        if one.kind is Kind.UNSUPPORTED and usable is not None and not usable[truth.spans.end[one.truth]]:
            continue
        annotation, prediction = None, None
        if one.truth is not None:
            annotation = (
                names[int(truth.spans.label[one.truth])],
                int(time[truth.spans.start[one.truth]]),
                int(time[truth.spans.end[one.truth]]),
            )
        if one.proposed is not None:
            prediction = DisputedPrediction(
                ids[one.proposed],
                names[int(proposed.label[one.proposed])],
                int(time[proposed.start[one.proposed]]),
                int(time[proposed.end[one.proposed]]),
                float(confidence[one.proposed]),
            )
        disputes.append(Dispute(one.kind, one.strength, annotation, prediction))
    return sorted(disputes, key=lambda dispute: dispute.key)
