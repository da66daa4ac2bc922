"""Database tables. Candle times are int64 microseconds UTC; moments of record keeping are aware datetimes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    TypeDecorator,
    text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from candleloop.correlation import correlation_id

SurrogateId = BigInteger().with_variant(Integer, "sqlite")


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC datetime on every database (SQLite itself knows no time zones)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive datetimes and store UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without time zone cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def now() -> datetime:
    """Return the present moment in UTC."""
    return datetime.now(UTC)


class Base(DeclarativeBase):
    """Base of every table."""

    metadata = MetaData(
        naming_convention={
            "ix": "%(table_name)s_by_%(column_0_name)s",
            "uq": "%(table_name)s_unique_%(column_0_name)s",
            "fk": "%(table_name)s_%(column_0_name)s_to_%(referred_table_name)s",
            "pk": "%(table_name)s_key",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        dict[str, Any]: JSON,
        list[str]: JSON,
        list[dict[str, Any]]: JSON,
        datetime: UtcDateTime(),
        int: BigInteger,
    }


class LabelSetRow(Base):
    """A label set; its definition never changes."""

    __tablename__ = "label_sets"

    name: Mapped[str] = mapped_column(String(48), primary_key=True)
    definition: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=now)


class SeriesRow(Base):
    """A series and its current version."""

    __tablename__ = "series"

    id: Mapped[str] = mapped_column(String(80), primary_key=True)
    symbol: Mapped[str] = mapped_column(String(80))
    timeframe_seconds: Mapped[int]
    source: Mapped[str] = mapped_column(String(80))
    session: Mapped[str] = mapped_column(String(16))
    version: Mapped[str] = mapped_column(String(16))
    bars: Mapped[int]
    first_time: Mapped[int]
    last_time: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)


class SeriesVersionRow(Base):
    """The content of a series at one time, with the report of the import that made it."""

    __tablename__ = "series_versions"

    series_id: Mapped[str] = mapped_column(ForeignKey("series.id"), primary_key=True)
    version: Mapped[str] = mapped_column(String(16), primary_key=True)
    bars: Mapped[int]
    first_time: Mapped[int]
    last_time: Mapped[int]
    report: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=now)


class TestBarsRow(Base):
    """The frozen test bars of a series: marks between these bar-open times, both inclusive, measure and do not teach.

    One row per series, written at import, so it holds for every label set.
    """

    __tablename__ = "test_bars"

    series_id: Mapped[str] = mapped_column(ForeignKey("series.id"), primary_key=True)
    start_time: Mapped[int]
    end_time: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(default=now)


class AnnotationRow(Base):
    """A span held to be true. ``deleted_at`` keeps what was, so that undo and audit can find it.

    ``requested_by`` is who drew it or changed it last; None where nobody did: an event says who sent it, a file what it
    declares, and TA-Lib's marks have an origin of their own.
    """

    __tablename__ = "annotations"
    __table_args__ = (
        Index("annotations_by_place", "series_id", "label_set", "start_time"),
        Index(
            "annotations_by_people",
            "label_set",
            "series_id",
            "start_time",
            sqlite_where=text("origin <> 'talib' AND deleted_at IS NULL"),
            postgresql_where=text("origin <> 'talib' AND deleted_at IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    series_id: Mapped[str] = mapped_column(ForeignKey("series.id"))
    label_set: Mapped[str] = mapped_column(ForeignKey("label_sets.name"))
    label: Mapped[str] = mapped_column(String(48))
    start_time: Mapped[int]
    end_time: Mapped[int]
    origin: Mapped[str] = mapped_column(String(16))
    declared_source: Mapped[str | None] = mapped_column(String(80))
    revision: Mapped[int] = mapped_column(default=1)
    flagged: Mapped[bool] = mapped_column(default=False)
    event_id: Mapped[str | None] = mapped_column(String(64))
    job_id: Mapped[str | None] = mapped_column(String(64))
    requested_by: Mapped[str | None] = mapped_column(String(80))
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)
    deleted_at: Mapped[datetime | None]


class CoverageRangeRow(Base):
    """Bars that an auto-label run searched for these labels."""

    __tablename__ = "coverage_ranges"
    __table_args__ = (Index("coverage_ranges_by_place", "series_id", "label_set", "start_time"),)

    id: Mapped[int] = mapped_column(SurrogateId, primary_key=True)
    series_id: Mapped[str] = mapped_column(ForeignKey("series.id"))
    label_set: Mapped[str] = mapped_column(ForeignKey("label_sets.name"))
    labels: Mapped[list[str]]
    start_time: Mapped[int]
    end_time: Mapped[int]
    job_id: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(default=now)


class ReviewedRangeRow(Base):
    """Bars that a person has looked at completely for these labels."""

    __tablename__ = "reviewed_ranges"
    __table_args__ = (Index("reviewed_ranges_by_place", "series_id", "label_set", "start_time"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    series_id: Mapped[str] = mapped_column(ForeignKey("series.id"))
    label_set: Mapped[str] = mapped_column(ForeignKey("label_sets.name"))
    labels: Mapped[list[str]]
    start_time: Mapped[int]
    end_time: Mapped[int]
    event_id: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(default=now)
    deleted_at: Mapped[datetime | None]


class RejectionRow(Base):
    """A (span, label) that a person said no to."""

    __tablename__ = "rejections"
    __table_args__ = (Index("rejections_by_place", "series_id", "label_set", "start_time"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    series_id: Mapped[str] = mapped_column(ForeignKey("series.id"))
    label_set: Mapped[str] = mapped_column(ForeignKey("label_sets.name"))
    label: Mapped[str] = mapped_column(String(48))
    start_time: Mapped[int]
    end_time: Mapped[int]
    event_id: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(default=now)
    deleted_at: Mapped[datetime | None]


class PredictionRow(Base):
    """A stored prediction of one model version."""

    __tablename__ = "predictions"
    __table_args__ = (Index("predictions_by_place", "series_id", "label_set", "model_version", "start_time"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    series_id: Mapped[str] = mapped_column(ForeignKey("series.id"))
    label_set: Mapped[str] = mapped_column(ForeignKey("label_sets.name"))
    label: Mapped[str] = mapped_column(String(48))
    start_time: Mapped[int]
    end_time: Mapped[int]
    confidence: Mapped[float] = mapped_column(Float)
    probabilities: Mapped[dict[str, Any]]
    uncertainty: Mapped[float] = mapped_column(Float)
    model_version: Mapped[str] = mapped_column(String(12))
    provisional: Mapped[bool]
    out_of_fold: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(default=now)


class FeedbackEventRow(Base):
    """A feedback event as received, and what it did. Rows are only ever appended; undo sets ``undone_by``."""

    __tablename__ = "feedback_events"
    __table_args__ = (Index("feedback_events_by_target", "series_id", "label_set", "target_id"),)

    sequence: Mapped[int] = mapped_column(SurrogateId, primary_key=True)
    event_id: Mapped[str] = mapped_column(String(64), unique=True)
    label_set: Mapped[str] = mapped_column(ForeignKey("label_sets.name"))
    verb: Mapped[str] = mapped_column(String(16))
    series_id: Mapped[str] = mapped_column(ForeignKey("series.id"))
    target_id: Mapped[str | None] = mapped_column(String(64))
    body: Mapped[dict[str, Any]]
    effects: Mapped[dict[str, Any]]
    undone_by: Mapped[str | None] = mapped_column(String(64))
    requested_by: Mapped[str] = mapped_column(String(80), default="api")
    received_at: Mapped[datetime] = mapped_column(default=now)


class OutboxRow(Base):
    """Something that must reach a queue. Written in the transaction it follows from, handled by the relay."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index(
            "outbox_waiting",
            "label_set",
            sqlite_where=text("job_id IS NULL"),
            postgresql_where=text("job_id IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(SurrogateId, primary_key=True)
    topic: Mapped[str] = mapped_column(String(16))
    label_set: Mapped[str] = mapped_column(ForeignKey("label_sets.name"))
    event_id: Mapped[str | None] = mapped_column(String(64))
    correlation_id: Mapped[str | None] = mapped_column(String(64), default=correlation_id)
    created_at: Mapped[datetime] = mapped_column(default=now)
    job_id: Mapped[str | None] = mapped_column(String(64))


class JobRow(Base):
    """A job; the record that is read a year later, whatever Redis has forgotten."""

    __tablename__ = "jobs"
    __table_args__ = (Index("jobs_by_status", "status", "kind"), Index("jobs_by_creation", "created_at", "id"))

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    parent_id: Mapped[str | None] = mapped_column(String(64), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    queue: Mapped[str] = mapped_column(String(16))
    status: Mapped[str] = mapped_column(String(16), default="queued")
    arguments: Mapped[dict[str, Any]]
    label_set: Mapped[str | None] = mapped_column(String(48))
    requested_by: Mapped[str] = mapped_column(String(80), default="api")
    correlation_id: Mapped[str | None] = mapped_column(String(64))
    idempotency_key: Mapped[str | None] = mapped_column(String(120), unique=True)
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int | None]
    unit: Mapped[str] = mapped_column(String(24), default="steps")
    stage: Mapped[str | None] = mapped_column(String(120))
    progressed_at: Mapped[datetime | None]
    scheduled_for: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    enqueued_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    heartbeat_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    error: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    result: Mapped[dict[str, Any] | None] = mapped_column(JSON)


class BatchPlanRow(Base):
    """What a batch job works on: the inputs and the model version that were fixed when it first started."""

    __tablename__ = "batch_plans"

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    model_version: Mapped[str] = mapped_column(ForeignKey("models.version"))
    inputs: Mapped[list[dict[str, Any]]]


class BatchShardRow(Base):
    """A part of a batch job. It is held by a running job (and attempt of it), or free, or done."""

    __tablename__ = "batch_shards"

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    bars: Mapped[int]
    pieces: Mapped[list[dict[str, Any]]]
    holder: Mapped[str | None] = mapped_column(String(64))
    attempt: Mapped[int | None]
    outcome: Mapped[list[dict[str, Any]] | None] = mapped_column(JSON)
    done_at: Mapped[datetime | None]


class ScoringRow(Base):
    """Which model version the stored predictions of a series are from, and on which of its versions.

    ``folds`` is the number of fold models that predicted the bars the version learned from; NULL: none were looked for.
    ``windows`` is the file in the storage with what the model says of the windows of the review queue.
    """

    __tablename__ = "scorings"

    series_id: Mapped[str] = mapped_column(ForeignKey("series.id"), primary_key=True)
    label_set: Mapped[str] = mapped_column(ForeignKey("label_sets.name"), primary_key=True)
    model_version: Mapped[str] = mapped_column(String(12))
    series_version: Mapped[str] = mapped_column(String(16))
    job_id: Mapped[str | None] = mapped_column(String(64))
    folds: Mapped[int | None]
    windows: Mapped[str | None] = mapped_column(String(240))
    scored_at: Mapped[datetime] = mapped_column(default=now)


class SeriesCountsRow(Base):
    """What was counted on a series, and the state of its candles, marks and predictions that it was counted in."""

    __tablename__ = "series_counts"

    series_id: Mapped[str] = mapped_column(ForeignKey("series.id"), primary_key=True)
    label_set: Mapped[str] = mapped_column(ForeignKey("label_sets.name"), primary_key=True)
    state: Mapped[str] = mapped_column(String(32))
    reviewed_bars: Mapped[int]
    disagreements: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    counted_at: Mapped[datetime] = mapped_column(default=now)


class ReviewItemRow(Base):
    """A window that somebody took from the review queue: who holds it until when, and what became of it.

    Windows that nobody took have no row. ``id`` is a hash of the place, so a window that comes back has the same one.
    ``audit`` windows lie in the test bars and are shown blind.
    """

    __tablename__ = "review_items"
    __table_args__ = (Index("review_items_by_place", "label_set", "series_id", "start_time"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    label_set: Mapped[str] = mapped_column(ForeignKey("label_sets.name"))
    series_id: Mapped[str] = mapped_column(ForeignKey("series.id"))
    start_time: Mapped[int]
    end_time: Mapped[int]
    audit: Mapped[bool]
    strategy: Mapped[str] = mapped_column(String(48))
    reason: Mapped[dict[str, Any]]
    model_version: Mapped[str | None] = mapped_column(String(12))
    holder: Mapped[str] = mapped_column(String(80))
    leased_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    completed_at: Mapped[datetime | None]
    skipped: Mapped[bool] = mapped_column(default=False)
    seconds: Mapped[float | None] = mapped_column(Float)
    reviewed_id: Mapped[str | None] = mapped_column(String(32))


class ModelRow(Base):
    """A trained model version, promoted or not."""

    __tablename__ = "models"

    version: Mapped[str] = mapped_column(String(12), primary_key=True)
    label_set: Mapped[str] = mapped_column(ForeignKey("label_sets.name"))
    family: Mapped[str] = mapped_column(String(24))
    registry_version: Mapped[str | None] = mapped_column(String(24))
    run_id: Mapped[str | None] = mapped_column(String(48))
    snapshot: Mapped[str] = mapped_column(String(16))
    bundle_sha256: Mapped[str] = mapped_column(String(64))
    metrics: Mapped[dict[str, Any]]
    gate: Mapped[dict[str, Any]]
    trained_at: Mapped[datetime]
    job_id: Mapped[str | None] = mapped_column(String(64))


class ChampionRow(Base):
    """Which model version a label set serves. ``revision`` is what compare-and-swap compares.

    ``tracked_version`` is the version that MLflow was last told to call the champion.
    """

    __tablename__ = "champions"

    label_set: Mapped[str] = mapped_column(ForeignKey("label_sets.name"), primary_key=True)
    version: Mapped[str] = mapped_column(ForeignKey("models.version"))
    revision: Mapped[int]
    pinned: Mapped[bool] = mapped_column(default=False)
    tracked_version: Mapped[str | None] = mapped_column(String(12))
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)


class PromotionRow(Base):
    """The history of the alias: who served when, and why it changed."""

    __tablename__ = "promotions"

    id: Mapped[int] = mapped_column(SurrogateId, primary_key=True)
    label_set: Mapped[str] = mapped_column(ForeignKey("label_sets.name"))
    version: Mapped[str] = mapped_column(ForeignKey("models.version"))
    previous: Mapped[str | None] = mapped_column(String(12))
    how: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(default=now)


class LabelStudioProjectRow(Base):
    """A project of Label Studio that has this service as its model, and the label set of its labels."""

    __tablename__ = "label_studio_projects"

    project: Mapped[str] = mapped_column(String(40), primary_key=True)
    label_set: Mapped[str] = mapped_column(ForeignKey("label_sets.name"))
    connected_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)


class LabelStudioMarkRow(Base):
    """Which annotation here stands for a region of an annotation there: deletions there name nothing but their id.

    Label and times are those of the region, whatever became of the annotation since. Two annotations there may stand
    behind the same one here.
    """

    __tablename__ = "label_studio_marks"
    __table_args__ = (Index("label_studio_marks_by_mark", "mark_id"),)

    project: Mapped[str] = mapped_column(ForeignKey("label_studio_projects.project"), primary_key=True)
    annotation: Mapped[str] = mapped_column(String(40), primary_key=True)
    mark_id: Mapped[str] = mapped_column(ForeignKey("annotations.id"), primary_key=True)
    task: Mapped[str | None] = mapped_column(String(40))
    series_id: Mapped[str] = mapped_column(ForeignKey("series.id"))
    label: Mapped[str] = mapped_column(String(48))
    start_time: Mapped[int]
    end_time: Mapped[int]
