"""What a model proposes."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from api.schemas.common import ItemList
from api.schemas.models import ServedModelView
from candleloop.loop.instants import format_instant
from candleloop.store.tables import PredictionRow


class Prediction(BaseModel):
    """A span that the model proposes; ``id`` only when the request named a series."""

    id: str | None
    label: str
    start_time: str
    end_time: str
    start_index: int = Field(description="Position of the first bar in the candles as given, from 0")
    end_index: int = Field(description="Position of the last bar, inclusive")
    confidence: float = Field(ge=0, le=1, description="Probability that this span is right")
    probabilities: dict[str, float] = Field(description="Class probabilities by label, background included")
    uncertainty: float
    provisional: bool


class StoredPrediction(BaseModel):
    """A prediction that a batch job stored; the feedback about it names all of this."""

    id: str
    label: str
    start_time: str
    end_time: str
    confidence: float
    probabilities: dict[str, float]
    uncertainty: float
    model_version: str
    provisional: bool
    out_of_fold: bool = Field(
        description="Made by a model that learned nothing from these bars: the served one, or one fitted without them"
    )
    stale: bool = Field(description="Not of the served model, or made on other candles than the present ones")
    decided: Literal["confirm", "correct", "dismiss"] | None = Field(
        default=None,
        description="What a person decided on this prediction; `dismiss` also where they said no to this label on "
        "exactly these bars, of whichever model",
    )

    @classmethod
    def of(cls, row: PredictionRow, *, stale: bool, decided: str | None = None) -> StoredPrediction:
        """Show a prediction of the database."""
        return cls(
            id=row.id,
            label=row.label,
            start_time=format_instant(row.start_time),
            end_time=format_instant(row.end_time),
            confidence=row.confidence,
            probabilities=row.probabilities,
            uncertainty=row.uncertainty,
            model_version=row.model_version,
            provisional=row.provisional,
            out_of_fold=row.out_of_fold,
            stale=stale,
            decided=decided,
        )


class PredictionPage(ItemList[StoredPrediction]):
    """Stored predictions of a series, all of one model version; no version when the series was never scored."""

    series_id: str
    label_set: str
    model_version: str | None
    series_version: str | None
    scored_at: datetime | None
    stale: bool


class PredictAnswer(BaseModel):
    """All predictions for the candles given."""

    predictions: list[Prediction]
    model: ServedModelView
    warnings: list[str]


class BatchPart(BaseModel):
    """What a batch says about one series or one list of candles; ``problem`` when it could not be predicted."""

    input: int
    series_id: str | None
    series_version: str
    warnings: list[str]
    problem: dict[str, Any] | None
    predictions: list[Prediction]


class BatchFile(BaseModel):
    """The result of a batch in the format ``json``."""

    model: ServedModelView
    results: list[BatchPart]
