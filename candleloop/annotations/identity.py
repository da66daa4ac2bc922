"""Identifiers that anyone can compute from what they name."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence


def prediction_id(series_id: str, model_version: str, label: str, start_time: int, end_time: int) -> str:
    """Return the id of a prediction: 32 hex digits of a SHA-256 over series, model version, label and times.

    Times are the bar-open times of the first and last bar, microseconds UTC.
    """
    return _digest(series_id, model_version, label, str(start_time), str(end_time))


def prediction_ids(
    series_id: str, model_version: str, labels: Sequence[str], start_time: Iterable[int], end_time: Iterable[int]
) -> tuple[str, ...]:
    """Return :func:`prediction_id` of many predictions of one series by one model version."""
    begin = hashlib.sha256(f"{series_id}\x1f{model_version}\x1f".encode())
    found = []
    for label, start, end in zip(labels, start_time, end_time, strict=True):
        digest = begin.copy()
        digest.update(f"{label}\x1f{start}\x1f{end}".encode())
        found.append(digest.hexdigest()[:32])
    return tuple(found)


def talib_annotation_id(series_id: str, label_set: str, label: str, start_time: int, end_time: int) -> str:
    """Return the id of what TA-Lib found at one place: the same in every run, so that decisions on it stay with it."""
    return _digest("talib", series_id, label_set, label, str(start_time), str(end_time))


def review_item_id(series_id: str, label_set: str, start_time: int, end_time: int) -> str:
    """Return the id of a window of the review queue, by the bar-open times of its first and last bar.

    It begins with the mark of its series, so that nobody looks for it in another one.
    """
    mark = review_series_mark(series_id, label_set)
    return mark + _digest("review", series_id, label_set, str(start_time), str(end_time))[len(mark) :]


def review_series_mark(series_id: str, label_set: str) -> str:
    """Return what the ids of all windows of a series begin with: 8 hex digits."""
    return _digest("review", series_id, label_set)[:8]


def _digest(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]
