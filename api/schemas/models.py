"""Model versions: how they measured, which one serves, what waits to teach the next."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError

from api.schemas.jobs import Job
from candleloop.loop.live_quality import LiveQuality
from candleloop.store.tables import ModelRow
from candleloop.training.evaluation import Evaluation
from candleloop.training.gate import GateDecision


def measured(metrics: dict[str, Any]) -> Evaluation | None:
    """Return stored measurements; None when another version of candleloop wrote them in another form."""
    try:
        return Evaluation.model_validate(metrics)
    except ValidationError:
        return None


def judged(gate: dict[str, Any]) -> GateDecision | None:
    """Return a stored verdict; None when another version of candleloop wrote it in another form."""
    try:
        return GateDecision.model_validate(gate)
    except ValidationError:
        return None


class ModelSummary(BaseModel):
    """A trained model version: how it measured on the test bars and what the gate said."""

    version: str
    registry_version: str | None
    run_id: str | None
    family: str
    label_set: str
    trained_at: datetime
    snapshot: str
    champion: bool
    pinned: bool
    served_before: bool = Field(description="It was the champion once: to promote it is to roll back, which pins it")
    job_id: str | None
    tracking_url: str | None = Field(description="Its page in MLflow, whether or not MLflow can be reached just now")
    metrics: Evaluation | None
    gate: GateDecision | None

    @classmethod
    def of(
        cls, row: ModelRow, *, champion: bool, pinned: bool, served_before: bool, tracking_url: str | None
    ) -> ModelSummary:
        """Show a model version of the database."""
        return cls(
            version=row.version,
            registry_version=row.registry_version,
            run_id=row.run_id,
            family=row.family,
            label_set=row.label_set,
            trained_at=row.trained_at,
            snapshot=row.snapshot,
            champion=champion,
            pinned=champion and pinned,
            served_before=served_before,
            job_id=row.job_id,
            tracking_url=tracking_url,
            metrics=measured(row.metrics),
            gate=judged(row.gate),
        )


class ServedModelView(BaseModel):
    """The model part of every prediction."""

    name: str
    version: str
    registry_version: str | None
    label_set: str
    trained_at: datetime
    warmup_candles: int
    thresholds: dict[str, float]


class RefusedModel(BaseModel):
    """A promoted version that this process could not load."""

    version: str
    code: str
    detail: str


class FeedbackWaiting(BaseModel):
    """Feedback that no retrain has taken up yet, and when the next one is scheduled."""

    waiting: int
    next_retrain_at: datetime | None


class LabelSetStatus(BaseModel):
    """Where the loop of a label set stands: what serves, what waits to teach, what is being trained.

    ``training`` is the train job that runs, else the one that waits; null when there is none.
    """

    label_set: str
    champion: str | None
    revision: int | None
    pinned: bool
    feedback: FeedbackWaiting
    training: Job | None


class LiveLabelView(BaseModel):
    """Event F1 of a label in the audits, null without support."""

    label: str
    support: int
    f1: float | None


class LiveQualityView(BaseModel):
    """Event F1 (IoU 0.5) on the audits alone: random windows of test bars that people marked blind.

    ``interval`` is the 95 % interval of ``macro_f1`` by a bootstrap over the windows, null below two of them.
    """

    model_version: str
    windows: int
    spans: int
    macro_f1: float | None
    interval: tuple[float, float] | None
    labels: list[LiveLabelView]

    @classmethod
    def of(cls, found: LiveQuality) -> LiveQualityView:
        """Show a measurement."""
        return cls(
            model_version=found.model_version,
            windows=found.windows,
            spans=found.spans,
            macro_f1=found.macro_f1,
            interval=found.interval,
            labels=[LiveLabelView(label=one.label, support=one.support, f1=one.f1) for one in found.labels],
        )


class ModelInfo(BaseModel):
    """The served model, how good it is label by label, why it serves, and what waits to teach the next one."""

    model: ServedModelView
    family: str
    metrics: Evaluation | None
    gate: GateDecision | None
    pinned: bool
    revision: int | None = Field(description="Goes up with every promotion; see `POST /models/{version}/promote`")
    refused: RefusedModel | None
    feedback: FeedbackWaiting
    live: LiveQualityView | None = Field(description="From the audits of the review queue; null before the first")


class PinAnswer(BaseModel):
    """The champion of a label set; while it is pinned, no training replaces it."""

    label_set: str
    version: str
    revision: int
    pinned: bool


class PromoteAnswer(PinAnswer):
    """What a promotion changed; every API process serves the version as soon as it has loaded it."""

    previous: str | None
    how: Literal["manual", "rollback"]
    warnings: list[str]
