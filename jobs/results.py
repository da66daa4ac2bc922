"""What the jobs of each kind find out: JSON in the database, these types on the way in and out."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError


class JobResult(BaseModel):
    """What a job found out; small, whatever it worked on."""

    model_config = ConfigDict(frozen=True)


class AutolabelResult(JobResult):
    """How many spans TA-Lib found, in how many series."""

    series: int
    spans: int
    by_label: dict[str, int]


class BatchResult(JobResult):
    """What a batch predicted, counted; ``file`` in the storage holds it, none when it only renewed what is stored.

    ``problems`` counts inputs that could not be predicted at all.
    """

    file: str | None
    media_type: str | None
    model_version: str
    inputs: int
    candles: int
    predictions: int
    problems: int


class TrainResult(JobResult):
    """Which version came out of a training, whether it serves now, and the gate's reasons.

    ``macro_f1`` and ``previous_macro_f1`` are those that the gate compared, on the same test bars.
    """

    version: str
    previous: str | None
    promoted: bool
    registry_version: str | None
    macro_f1: float | None = None
    previous_macro_f1: float | None = None
    reasons: tuple[str, ...]
    warnings: tuple[str, ...]


RESULTS: dict[str, type[JobResult]] = {"autolabel": AutolabelResult, "batch": BatchResult, "train": TrainResult}


def result_of(kind: str, stored: dict[str, Any] | None) -> JobResult | None:
    """Return a stored result in the type of its kind; None where there is none, or another version wrote it."""
    if stored is None or kind not in RESULTS:
        return None
    try:
        return RESULTS[kind].model_validate(stored)
    except ValidationError:
        return None
