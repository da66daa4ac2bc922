"""Which label is taken for which other, span by span."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from candleloop.annotations.label_set import LabelSet
from candleloop.annotations.matching import match
from candleloop.annotations.spans import IntArray, Spans
from candleloop.training.event_counts import Counted


class Confusion(BaseModel):
    """How many true spans of a label were predicted as another, or the same.

    ``label`` None counts predicted spans where nothing is, ``predicted`` None true spans that were missed.
    """

    model_config = ConfigDict(frozen=True)

    label: str | None
    predicted: str | None
    count: int


def confusions(counted: Sequence[Counted], label_set: LabelSet) -> tuple[Confusion, ...]:
    """Return the cells of the confusion matrix over spans that are not 0, by true label, then predicted label.

    Spans of equal label are matched first, as for the event F1, so the diagonal holds exactly the true positives; what
    is left is matched whatever its label. So one span more, where two labels hold at the same bars, is no confusion.
    """
    nothing = len(label_set)
    cells = np.zeros((nothing + 1, nothing + 1), dtype=np.int64)
    for one in counted:
        found, wrong, missed = one.outcomes(one.matches)
        pairs = match(_unlabelled(missed), _unlabelled(wrong))
        np.add.at(cells, (found.label, found.label), 1)
        np.add.at(cells, (missed.label[pairs.truth], wrong.label[pairs.proposed]), 1)
        cells[:-1, nothing] += np.bincount(np.delete(missed.label, pairs.truth), minlength=nothing)
        cells[nothing, :-1] += np.bincount(np.delete(wrong.label, pairs.proposed), minlength=nothing)
    names: tuple[str | None, ...] = (*label_set.names, None)
    return tuple(
        Confusion(label=names[row], predicted=names[column], count=int(cells[row, column]))
        for row, column in np.argwhere(cells).tolist()
    )


def confusion_matrix(cells: Sequence[Confusion], label_set: LabelSet) -> IntArray:
    """Return the cells as int64 array of shape (n_labels + 1, n_labels + 1); the last row and column stand for none."""
    names: tuple[str | None, ...] = (*label_set.names, None)
    place = {name: number for number, name in enumerate(names)}
    matrix = np.zeros((len(names), len(names)), dtype=np.int64)
    for cell in cells:
        matrix[place[cell.label], place[cell.predicted]] = cell.count
    return matrix


def _unlabelled(spans: Spans) -> Spans:
    return Spans(np.zeros_like(spans.label), spans.start, spans.end)
