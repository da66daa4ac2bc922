"""How much of a series a person has looked at, and how often a model disagrees there with what holds."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sqlalchemy.orm import Session

from candleloop.annotations.label_set import LabelSet
from candleloop.annotations.marks import SeriesMarks
from candleloop.loop.disagreement import SURE, Kind
from candleloop.loop.disputes import find_disputes
from candleloop.store import marks


@dataclass(frozen=True, slots=True)
class SeriesTally:
    """Bars reviewed for every label, and disagreements by kind; None where no model has scored the series."""

    reviewed_bars: int
    disagreements: dict[str, int] | None


def tally(
    session: Session,
    series_id: str,
    label_set: LabelSet,
    time: npt.NDArray[np.int64],
    *,
    model_version: str | None,
    usable: npt.NDArray[np.bool_] | None,
) -> SeriesTally:
    """Count on one series.

    Parameters
    ----------
    time
        Its bar-open times, int64 array of shape (n_bars,), microseconds UTC, ascending.
    model_version
        Whose stored predictions are compared; None when there are none.
    usable
        See :func:`candleloop.loop.disputes.find_disputes`.
    """
    reviewed = reviewed_bars(marks.load_marks(session, series_id, label_set), len(label_set), time)
    if model_version is None:
        return SeriesTally(int(reviewed.sum()), None)
    disputes = find_disputes(session, series_id, label_set, model_version, time, sure=SURE, usable=usable)
    by_kind = Counter(one.kind for one in disputes)
    return SeriesTally(int(reviewed.sum()), {kind.value: by_kind[kind] for kind in Kind})


def reviewed_bars(series_marks: SeriesMarks, n_labels: int, time: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Tell which bars lie in ranges reviewed for every label; bool array of shape (n_bars,)."""
    everything = np.ones(len(time), dtype=np.bool_)
    for label in range(n_labels):
        ranges = [one for one in series_marks.reviewed if label in one.labels]
        step = np.zeros(len(time) + 1, dtype=np.int64)
        np.add.at(step, np.searchsorted(time, [one.start_time for one in ranges], side="left"), 1)
        np.add.at(step, np.searchsorted(time, [one.end_time for one in ranges], side="right"), -1)
        everything &= np.cumsum(step[:-1]) > 0
        if not everything.any():
            break
    return everything
