"""What the calls answer with, as clients see it: times are ISO-8601 in UTC."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from candleloop.annotations.label_set import Label, LabelSet
from candleloop.candles.report import Defect, ImportReport
from candleloop.loop.instants import format_instant
from candleloop.loop.live_quality import LiveQuality
from candleloop.store.tables import AnnotationRow, JobRow, ModelRow, PredictionRow, ReviewedRangeRow, SeriesRow
from candleloop.training.evaluation import Evaluation
from candleloop.training.gate import GateDecision
from jobs.results import AutolabelResult, BatchResult, TrainResult, result_of

Item = TypeVar("Item")


class ItemList(BaseModel, Generic[Item]):
    """A page of a list; ``next_cursor`` gives the next page, null at the end."""

    items: list[Item]
    next_cursor: str | None = None


class Progress(BaseModel):
    """How far a job is: ``done`` of ``total`` (null while unknown), counted in ``unit``."""

    done: int
    total: int | None
    unit: str
    stage: str | None


class JobError(BaseModel):
    """Why a job failed: a stable code and a sentence."""

    model_config = ConfigDict(extra="allow")

    code: str
    message: str


class Job(BaseModel):
    """A piece of work that workers do."""

    id: str
    kind: Literal["autolabel", "batch", "batch_helper", "tidy", "track", "train"]
    status: Literal["queued", "running", "succeeded", "failed", "cancelled"]
    progress: Progress
    progressed_at: datetime | None = Field(description="When it came further last; a job that stalls stays there")
    cancel_requested: bool
    requested_by: str = Field(description="`api`, `api:NAME` with a named key, or the part of candleloop that did")
    label_set: str | None
    correlation_id: str | None = Field(description="Names what this job follows from in the logs; see `X-Request-ID`")
    scheduled_for: datetime | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    error: JobError | None
    result: AutolabelResult | BatchResult | TrainResult | None = Field(description="What it found out, in numbers")
    result_url: str | None

    @classmethod
    def of(cls, row: JobRow) -> Job:
        """Show a job of the database."""
        return cls(
            id=row.id,
            kind=row.kind,
            status=row.status,
            progress=Progress(done=row.done, total=row.total, unit=row.unit, stage=row.stage),
            progressed_at=row.progressed_at,
            cancel_requested=row.cancel_requested,
            requested_by=row.requested_by,
            label_set=row.label_set,
            correlation_id=row.correlation_id,
            scheduled_for=row.scheduled_for,
            created_at=row.created_at,
            started_at=row.started_at,
            ended_at=row.ended_at,
            error=None if row.error is None else JobError.model_validate(row.error),
            result=result_of(row.kind, row.result),
            result_url=f"/jobs/{row.id}/result" if row.status == "succeeded" else None,
        )


class JobAnswer(BaseModel):
    """A job that was accepted; poll ``/jobs/{id}``, which the Location header names."""

    job: Job


class TimeSpan(BaseModel):
    """Bar-open times of the first and last bar, both inclusive."""

    start_time: str
    end_time: str


class Series(BaseModel):
    """One instrument at one timeframe from one source."""

    series_id: str
    series_version: str
    symbol: str
    timeframe_seconds: int
    source: str
    session: str
    bars: int
    first_time: str
    last_time: str
    created_at: datetime
    updated_at: datetime

    @classmethod
    def fields_of(cls, row: SeriesRow) -> dict[str, Any]:
        """Return the fields that every view of a series has."""
        return {
            "series_id": row.id,
            "series_version": row.version,
            "symbol": row.symbol,
            "timeframe_seconds": row.timeframe_seconds,
            "source": row.source,
            "session": row.session,
            "bars": row.bars,
            "first_time": format_instant(row.first_time),
            "last_time": format_instant(row.last_time),
            "created_at": row.created_at,
            "updated_at": row.updated_at,
        }


class DisagreementCounts(BaseModel):
    """How often a model disagrees with what holds, by kind."""

    overlooked: int
    unsupported: int
    swap: int
    badloc: int


class SeriesCounts(BaseModel):
    """What lies on a series under one label set.

    ``annotations`` are as they are now. The others are counted in the background when somebody lists the series: null
    before the first time, and not ``current`` when something has changed since; ask again in a second.
    ``disagreements`` are null, too, while no model has predicted the series.
    """

    label_set: str
    annotations: dict[Literal["human", "talib", "confirmed", "corrected", "imported"], int]
    reviewed_bars: int | None
    disagreements: DisagreementCounts | None
    current: bool


class ListedSeries(Series):
    """A series in a list, with what lies on it."""

    counts: SeriesCounts


class ImportReportView(BaseModel):
    """What an import found: rows of the file, rows kept as candles, and everything that was wrong, nothing repaired."""

    rows_in: int
    rows_kept: int
    family: str = Field(description="The vendor family whose reader took the file")
    timezone: str = Field(description="Where the times come from, in words")
    timeframe: str
    first_time: str
    last_time: str
    defects: list[Defect]
    notes: list[str]

    @classmethod
    def of(cls, report: ImportReport) -> ImportReportView:
        """Show a report, its times as text."""
        facts = report.model_dump()
        return cls(
            **{**facts, "first_time": format_instant(report.first_time), "last_time": format_instant(report.last_time)}
        )


class SeriesDetail(Series):
    """A series with its test bars, the report of its import and its annotations counted by origin."""

    test_bars: TimeSpan | None
    annotations: dict[str, int]
    report: ImportReportView


class ImportAnswer(BaseModel):
    """What became of an uploaded file; ``created`` is false when exactly these candles were there already."""

    series_id: str
    series_version: str
    symbol: str
    timeframe_seconds: int
    created: bool
    report: ImportReportView


class AppendAnswer(BaseModel):
    """What became of candles that were appended; ``flagged`` annotations lie over revised or inserted candles."""

    series_id: str
    series_version: str
    previous_version: str
    bars: int
    appended: int
    unchanged: int
    revised: int
    inserted: int
    flagged: int
    report: ImportReportView


class CandleColumns(BaseModel):
    """Candles as columns of equal length, in ascending order of time."""

    time: list[str]
    open: list[float]
    high: list[float]
    low: list[float]
    close: list[float]
    volume: list[float] | None = None


class CandlePage(BaseModel):
    """Candles of a series between two times; ``next_cursor`` gives the ones after them."""

    series_id: str
    series_version: str
    candles: CandleColumns
    next_cursor: str | None


class Annotation(BaseModel):
    """A span held to be true."""

    id: str
    series_id: str
    label_set: str
    label: str
    start_time: str
    end_time: str
    origin: Literal["human", "talib", "confirmed", "corrected", "imported"]
    declared_source: str | None
    revision: int
    flagged: bool
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, row: AnnotationRow) -> Annotation:
        """Show an annotation of the database."""
        return cls(
            id=row.id,
            series_id=row.series_id,
            label_set=row.label_set,
            label=row.label,
            start_time=format_instant(row.start_time),
            end_time=format_instant(row.end_time),
            origin=row.origin,
            declared_source=row.declared_source,
            revision=row.revision,
            flagged=row.flagged,
            created_at=row.created_at,
            updated_at=row.updated_at,
        )


class ReviewedRange(BaseModel):
    """Bars that a person has looked at completely for these labels: what is not annotated there is background."""

    id: str
    series_id: str
    label_set: str
    labels: list[str]
    start_time: str
    end_time: str
    created_at: datetime

    @classmethod
    def of(cls, row: ReviewedRangeRow) -> ReviewedRange:
        """Show a reviewed range of the database."""
        return cls(
            id=row.id,
            series_id=row.series_id,
            label_set=row.label_set,
            labels=row.labels,
            start_time=format_instant(row.start_time),
            end_time=format_instant(row.end_time),
            created_at=row.created_at,
        )


class LabelSetView(BaseModel):
    """A frozen, ordered list of labels and the model version that serves it."""

    name: str
    labels: list[Label]
    champion: str | None

    @classmethod
    def of(cls, label_set: LabelSet, champion: str | None) -> LabelSetView:
        """Show a label set."""
        return cls(name=label_set.name, labels=list(label_set.labels), champion=champion)


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

    Of a series with more than a thousand only the likeliest thousand are listed and counted.
    """

    label_set: str
    counts: DisagreementCounts


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


class Alive(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Ready(BaseModel):
    """Each part is ``ok``, or says what is missing; only the database decides whether the service is ready."""

    status: Literal["ready", "not_ready"]
    database: str
    model: str
    redis: str
    mlflow: str
    workers: str
