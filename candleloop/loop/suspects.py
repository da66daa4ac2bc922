"""Labels that are probably wrong or missing: disagreements ranked by how likely the label is the error.

A disagreement says that model and label cannot both be right; the rank says which of them to doubt. It rests on the
model's calibrated confidence, so on bars that taught the model it means something only where the predictions are out of
fold: each suspect says whether they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sqlalchemy import select
from sqlalchemy.orm import Session

from candleloop.annotations.label_set import LabelSet
from candleloop.annotations.spans import iou
from candleloop.loop.disagreement import Kind, error_likelihood
from candleloop.loop.disputes import Dispute, find_disputes
from candleloop.store import predictions, series
from candleloop.store.statements import chunks
from candleloop.store.tables import AnnotationRow, PredictionRow, SeriesRow


@dataclass(frozen=True, slots=True)
class Suspect:
    """A label to doubt.

    ``likelihood`` (0 to 1) ranks suspects; it is not calibrated itself. ``out_of_fold`` says that the model which
    disagrees did not learn from these bars.
    """

    series_id: str
    dispute: Dispute
    likelihood: float
    out_of_fold: bool

    @property
    def key(self) -> tuple[float, str, int, int, str, str]:
        """What suspects are ordered by; no two have the same."""
        return -self.likelihood, self.series_id, *self.dispute.key


def compared_series(
    session: Session, label_set: str, series_ids: Sequence[str] | None, *, unlabelled: bool
) -> tuple[list[SeriesRow], int]:
    """Return the series to look for suspects in, and the number of those left out because nobody has labelled them.

    Parameters
    ----------
    series_ids
        The series, each taken once; all when None.
    unlabelled
        Of all series those too that nobody has labelled: there every span that the model is sure of is overlooked.

    Raises
    ------
    NotFound
        When there is no such series.
    """
    if series_ids is not None:
        return [series.get_series(session, series_id) for series_id in dict.fromkeys(series_ids)], 0
    left_out = set() if unlabelled else predictions.unlabelled_series(session, label_set)
    return [row for row in series.every_series(session) if row.id not in left_out], len(left_out)


def find_suspects(
    session: Session,
    series_id: str,
    label_set: LabelSet,
    time: npt.NDArray[np.int64],
    *,
    sure: float,
    usable: npt.NDArray[np.bool_] | None = None,
) -> list[Suspect]:
    """Return the suspects of a series, the likeliest first; none where no model has predicted it.

    Parameters
    ----------
    time, sure, usable
        See :func:`~candleloop.loop.disputes.find_disputes`.

    Notes
    -----
    How likely the label is the error:

    * ``overlooked``, ``swap``: the confidence of the proposal, which is the probability that it is right.
    * ``badloc``: the same, times one minus the IoU with the span that holds: two spans that share most of their bars
      may both be meant.
    * ``unsupported``: one minus the confidence of the surest proposal there, times the share of the spans of this label
      in this series that the model does find: that a model finds nothing says little where it often finds nothing.
    """
    scoring = predictions.scoring(session, series_id, label_set.name)
    if scoring is None:
        return []
    disputes = find_disputes(session, series_id, label_set, scoring.model_version, time, sure=sure, usable=usable)
    found_share = _found_shares(session, series_id, label_set, disputes)
    test_bars = series.test_bars(session, series_id)
    unseen = _out_of_fold(session, [one.prediction.id for one in disputes if one.prediction is not None])
    folds = bool(scoring.folds)
    suspects = []
    for one in disputes:
        if one.prediction is not None:
            out_of_fold = one.prediction.id in unseen
        else:
            inside = test_bars is not None and test_bars[0] <= one.start_time and one.end_time <= test_bars[1]
            out_of_fold = folds or inside
        suspects.append(Suspect(series_id, one, _likelihood(one, found_share, time), out_of_fold))
    return sorted(suspects, key=lambda suspect: suspect.key)


def merged(parts: Iterable[list[Suspect]]) -> list[Suspect]:
    """Return the suspects of several series, the likeliest first."""
    return sorted((one for part in parts for one in part), key=lambda suspect: suspect.key)


def _likelihood(one: Dispute, found_share: dict[str, float], time: npt.NDArray[np.int64]) -> float:
    shared = 0.0
    if one.kind is Kind.BADLOC:
        assert one.annotation is not None
        assert one.prediction is not None
        edges = (*one.annotation[1:], one.prediction.start_time, one.prediction.end_time)
        shared = float(iou(*np.searchsorted(time, edges).astype(np.int64)))
    return error_likelihood(one.kind, one.strength, found_share=found_share[one.place[0]], iou=shared)


def _found_shares(session: Session, series_id: str, label_set: LabelSet, disputes: list[Dispute]) -> dict[str, float]:
    """Return for each label which share of its annotations the model does not disagree with."""
    held = Counter(
        session.scalars(
            select(AnnotationRow.label).where(
                AnnotationRow.series_id == series_id,
                AnnotationRow.label_set == label_set.name,
                AnnotationRow.deleted_at.is_(None),
            )
        )
    )
    missed = Counter(one.annotation[0] for one in disputes if one.annotation is not None)
    return {name: max(1 - missed[name] / held[name], 0.0) if held[name] else 0.0 for name in label_set.names}


def _out_of_fold(session: Session, ids: list[str]) -> set[str]:
    found: set[str] = set()
    for part in chunks(ids):
        found.update(
            session.scalars(
                select(PredictionRow.id).where(PredictionRow.id.in_(part), PredictionRow.out_of_fold.is_(True))
            )
        )
    return found
