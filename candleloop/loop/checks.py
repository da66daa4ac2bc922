"""What every mark of a person must hold: a label of the set, times that are bars, the length that the label has."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from candleloop.annotations.label_set import LabelSet
from candleloop.errors import BadRequest, NotFound


class Place(Protocol):
    """A label on bars, by the bar-open times of the first and last one, both inclusive."""

    @property
    def label(self) -> str:
        """Name of the label."""

    @property
    def start_time(self) -> int:
        """Microseconds UTC."""

    @property
    def end_time(self) -> int:
        """Microseconds UTC."""


def check_place(
    label_set: LabelSet, place: Place, time: npt.NDArray[np.int64], *, prefix: str = "", check_length: bool = True
) -> None:
    """Check that a mark can lie where it is said to.

    Parameters
    ----------
    time
        Bar-open times of the series, int64 array of shape (n_bars,), microseconds UTC, ascending.
    prefix
        What to put before the fields that a problem names.
    check_length
        Whether a label with a fixed number of bars must have that many.

    Raises
    ------
    BadRequest
        ``unknown_label``, ``not_a_bar``, ``start_after_end`` or ``wrong_length``, with the ``field``.
    """
    try:
        label = label_set.labels[label_set.index(place.label)]
    except NotFound as error:
        raise BadRequest(error.message, code=error.code, field=f"{prefix}label") from None
    bars = bars_between(place.start_time, place.end_time, time, prefix=prefix)
    if check_length and label.bars is not None and bars != label.bars:
        raise BadRequest(
            f"{place.label} has {label.bars} bars, these are {bars}.", code="wrong_length", field=f"{prefix}end_time"
        )


def bars_between(start_time: int, end_time: int, time: npt.NDArray[np.int64], *, prefix: str = "") -> int:
    """Return how many bars lie between two bar-open times, both inclusive.

    Raises
    ------
    BadRequest
        ``not_a_bar`` or ``start_after_end``, with the ``field``.
    """
    first, last = _bar(time, start_time, f"{prefix}start_time"), _bar(time, end_time, f"{prefix}end_time")
    if last < first:
        raise BadRequest("The start is after the end.", code="start_after_end", field=f"{prefix}start_time")
    return last - first + 1


def _bar(time: npt.NDArray[np.int64], moment: int, field: str) -> int:
    place = int(np.searchsorted(time, moment))
    if place == len(time) or time[place] != moment:
        raise BadRequest(f"{field}: no bar of the series opens then.", code="not_a_bar", field=field)
    return place
