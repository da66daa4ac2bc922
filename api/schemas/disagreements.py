"""Where model and people, or two annotators, disagree."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from api.schemas.common import ItemList, TimeSpan
from api.schemas.series import DisagreementCounts


class DisputedSpan(TimeSpan):
    """One side of a disagreement: an annotation that holds, with its origin, or a prediction, with its confidence."""

    id: str
    label: str
    origin: str | None = None
    confidence: float | None = None


class DisagreementView(TimeSpan):
    """A place where model and annotations disagree.

    ``overlooked``: the model is sure, nothing is annotated. ``unsupported``: annotated, the model finds nothing.
    ``swap``: another label at the same place. ``badloc``: the same label on other bars.
    """

    kind: Literal["overlooked", "unsupported", "swap", "badloc"]
    strength: float = Field(ge=0, le=1)
    annotation: DisputedSpan | None
    prediction: DisputedSpan | None


class DisagreementPage(ItemList[DisagreementView]):
    """Disagreements of a series with the stored predictions of one model version; none when it was never scored."""

    series_id: str
    label_set: str
    model_version: str | None
    stale: bool


class SuspectView(DisagreementView):
    """A label that is probably wrong or missing.

    ``likelihood`` ranks: how likely the label is the error and not the model. ``out_of_fold`` says that the model which
    disagrees did not learn from these bars.
    """

    series_id: str
    likelihood: float = Field(ge=0, le=1)
    out_of_fold: bool


class SuspectPage(ItemList[SuspectView]):
    """Labels to doubt over all series, the likeliest error first, with the number of each kind.

    Of a series with more than a thousand only the likeliest thousand are listed and counted. ``left_out`` is the number
    of series with predictions that are left out because nobody has labelled them.
    """

    label_set: str
    counts: DisagreementCounts
    left_out: int


class LabelAgreementView(BaseModel):
    """Agreement on one label: spans of each side, those that match (IoU 0.5, one to one), and their F1."""

    label: str
    first: int
    second: int
    matched: int
    f1: float | None


class AgreementView(BaseModel):
    """How far two annotators agree; neither of them is the truth."""

    first: str
    second: str
    label_set: str
    series: int
    bars: int
    labels: list[LabelAgreementView]
    macro_f1: float | None
