"""The kinds of jobs: what each is called with, where it runs, how long it may take, how often it is tried."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from candleloop.errors import BadRequest
from candleloop.store import outbox

QUEUES = ("batch", "label", "train")
"""Every queue; a worker process listens to exactly one, because only then RQ hands jobs over without losing any."""

LabelSetName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,47}$")]


class Arguments(BaseModel):
    """Arguments of a job: references to data, never the data."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class AutolabelArguments(Arguments):
    """Which series TA-Lib searches, for which label set; no list means all series."""

    series: tuple[str, ...] | None = None
    label_set: LabelSetName


class BatchArguments(Arguments):
    """Which order is predicted; without one, the stored predictions that are not the champion's are made again."""

    label_set: LabelSetName
    order: str | None = None


class HelpArguments(Arguments):
    """Which batch job is helped, and its order."""

    job_id: str
    order: str | None = None


class TrainArguments(Arguments):
    """For which label set a model is trained, and why."""

    label_set: LabelSetName
    reason: Literal["manual", "feedback", "nightly", "first"] = "manual"


class TrackArguments(Arguments):
    """Whose champion MLflow is told of."""

    label_set: LabelSetName


class NoArguments(Arguments):
    """Nothing to say."""


@dataclass(frozen=True)
class Kind:
    """A kind of job.

    Parameters
    ----------
    name
        As in the database and the API.
    queue
        One of :data:`QUEUES`.
    task
        Dotted name of the function that a worker calls with ``job_id`` and ``arguments``.
    arguments
        The model that its arguments fit.
    timeout
        Seconds that one attempt may take.
    attempts
        How often it is started at most: a job whose worker died is started again until then.
    exclusive
        Whether at most one job of this kind and label set is handed to workers at a time.
    takes_up
        Topic of the outbox rows that a job of this kind answers: it sees whatever had happened when it started.
    result_lifetime, failure_lifetime
        Seconds that Redis remembers a finished job. The database remembers it for good.
    """

    name: str
    queue: str
    task: str
    arguments: type[Arguments]
    timeout: int
    attempts: int = 3
    exclusive: bool = False
    takes_up: str | None = None
    result_lifetime: int = 86_400
    failure_lifetime: int = 7 * 86_400


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("batch", "batch", "jobs.tasks.batch.run", BatchArguments, timeout=4 * 3_600, attempts=5),
        Kind("batch_helper", "batch", "jobs.tasks.batch.run_helper", HelpArguments, timeout=4 * 3_600, attempts=2),
        Kind("autolabel", "label", "jobs.tasks.label.run", AutolabelArguments, timeout=3_600),
        Kind("track", "label", "jobs.tasks.upkeep.track", TrackArguments, timeout=600),
        Kind("tidy", "label", "jobs.tasks.upkeep.tidy_files", NoArguments, timeout=3_600),
        Kind(
            "train",
            "train",
            "jobs.tasks.train.run",
            TrainArguments,
            timeout=4 * 3_600,
            attempts=5,
            exclusive=True,
            takes_up=outbox.RETRAIN,
        ),
    )
}


def kind_named(name: str) -> Kind:
    """Return the kind of that name.

    Raises
    ------
    BadRequest
        When there is none.
    """
    try:
        return KINDS[name]
    except KeyError:
        raise BadRequest(f"{name!r} is no kind of job; there are {', '.join(sorted(KINDS))}.", field="kind") from None


def checked_arguments(kind: Kind, arguments: Arguments | Mapping[str, Any]) -> Arguments:
    """Return the arguments in the type of the kind.

    Raises
    ------
    BadRequest
        Naming the first argument that does not fit.
    """
    if isinstance(arguments, kind.arguments):
        return arguments
    raw = arguments.model_dump() if isinstance(arguments, Arguments) else dict(arguments)
    try:
        return kind.arguments.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise BadRequest(f"Arguments of {kind.name}: {field}: {first['msg']}.", field=field) from None
