"""Label Studio as another place to mark: its protocol for models, and the configuration of its projects.

A project that has this service as its model (``http://HOST:8001/label-studio``) asks for predictions and tells what
people mark. Source: https://github.com/HumanSignal/label-studio-ml-backend, whose own server knows one spelling of
each event; Label Studio sends two.
"""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from api.json_route import JsonRoute
from api.keys import Caller
from api.model_holder import ServedModel
from api.openapi import problems
from api.parameters import known_parameters
from api.routes.jobs import submit_job
from api.service import Service, TheService
from api.studio_events import VERBS, StudioAnnotation, Verb, annotations_of, project_of
from api.studio_tasks import predict_task
from candleloop import pipeline
from candleloop.annotations.interchange.labelling_config import ProjectConfig, read_config
from candleloop.errors import BadRequest, NoModel, NotFound
from candleloop.loop.label_studio import drop_annotation, label_set_for, take_annotation
from candleloop.store import label_sets, label_studio

router = APIRouter(prefix="/label-studio", tags=["label studio"], route_class=JsonRoute)

NO_MODEL = "none yet"
"""What a project is told as the model version while there is no model."""


class StudioHealth(BaseModel):
    """That the service answers."""

    model_config = ConfigDict(protected_namespaces=())

    status: str = "UP"
    model_class: str = "candleloop"


class StudioSetup(BaseModel):
    """A project that is to have this service as its model. Its token is not read: nothing here calls Label Studio."""

    project: int | str
    label_config: str = Field(alias="schema", max_length=1_000_000)


class StudioVersion(BaseModel):
    """The served model version."""

    model_config = ConfigDict(protected_namespaces=())

    model_version: str


class StudioTasks(BaseModel):
    """Tasks to predict."""

    tasks: list[dict[str, Any]] = Field(max_length=1_000)
    project: int | str | None = None
    label_config: str | None = Field(default=None, max_length=1_000_000)


class StudioPredictions(BaseModel):
    """A prediction for each task, in their order."""

    results: list[dict[str, Any]]


class StudioOutcome(BaseModel):
    """What became of an annotation: numbers of annotations added and removed here, and what was left out and why."""

    annotation: str
    status: str
    added: int = 0
    removed: int = 0
    left_out: list[str] = []


class StudioResult(BaseModel):
    """What an event did: the fate of each annotation, or the training that it asked for."""

    annotations: list[StudioOutcome] = []
    job: str | None = None


class StudioAnswer(BaseModel):
    """What an event did; nothing when it is none that matters here."""

    status: str
    result: StudioResult | None = None


@router.get("/", include_in_schema=False)
@router.get("/health", responses=problems(404))
async def label_studio_health() -> StudioHealth:
    """Answer at once that the service is there, whatever the database does."""
    return StudioHealth()


@router.get("/metrics", include_in_schema=False)
async def label_studio_metrics() -> dict[str, Any]:
    """Answer what the protocol asks for; the metrics are at ``/metrics``."""
    return {}


@router.get(
    "/config",
    dependencies=[Depends(known_parameters)],
    response_class=Response,
    responses={
        **problems(404, 422, 503),
        200: {
            "description": "A labelling configuration",
            "content": {"application/xml": {"schema": {"type": "string"}}},
        },
    },
)
def label_studio_config(service: TheService, label_set: str | None = None, series_id: str | None = None) -> Response:
    """Return the labelling configuration of a project for exported tasks; with a series that has one, with volume."""
    content = pipeline.label_studio_config(service.context, service.label_set(label_set), series_id)
    return Response(content, media_type="application/xml")


@router.post("/setup", responses=problems(400, 413, 415, 422, 503))
def label_studio_setup(service: TheService, request: StudioSetup) -> StudioVersion:
    """Connect a project: its labels say which label set it is about. Events of other projects are ignored."""
    project = project_of(request.project)
    if project is None:
        raise BadRequest("project is no id of a project.", field="project")
    config = read_config(request.label_config)
    with service.context.database.begin() as session:
        name = _label_set(service, session, config)
        label_studio.connect(session, project, name)
    try:
        return StudioVersion(model_version=service.holder.model(name).bundle.version)
    except NoModel:
        return StudioVersion(model_version=NO_MODEL)


@router.post("/predict", responses=problems(400, 404, 409, 413, 415, 422, 503))
async def label_studio_predict(service: TheService, request: StudioTasks) -> StudioPredictions:
    """Predict tasks: a result for each, in their order. 409 while there is no model."""
    if not request.tasks:
        return StudioPredictions(results=[])
    loop = asyncio.get_running_loop()
    config, served = await loop.run_in_executor(service.predicting, _model, service, request)
    with service.place():
        results = [
            await loop.run_in_executor(service.predicting, predict_task, service, served, config, task)
            for task in request.tasks
        ]
    return StudioPredictions(results=results)


@router.post(
    "/webhook",
    status_code=201,
    responses={
        **problems(400, 404, 409, 413, 415, 422, 503),
        200: {"model": StudioAnswer, "description": "Nothing that matters here: another event, an unknown project"},
    },
)
def label_studio_webhook(
    service: TheService, response: Response, caller: Caller, event: dict[str, Any]
) -> StudioAnswer:
    """Take over what happened in a project: annotations made, changed or deleted, one or many; training asked for.

    Nothing is trained here: what people mark leads to a retrain by itself, and `START_TRAINING` to a job.
    """
    action = event.get("action")
    verb = VERBS.get(action) if isinstance(action, str) else None
    if verb is None:
        response.status_code = 200
        return StudioAnswer(status="Unknown event")
    project = project_of(event.get("project"))
    with service.context.database.read() as session:
        name = None if project is None else label_studio.label_set_of(session, project)
    if project is None or name is None:
        response.status_code = 200
        return StudioAnswer(status="Unknown project")
    if verb is Verb.TRAIN:
        pipeline.require_enough_labels(service.context, name)
        job = submit_job(service, response, "train", {"label_set": name}, name, caller, None).job
        return StudioAnswer(status="ok", result=StudioResult(job=job.id))
    outcomes = []
    with service.context.database.begin() as session:
        # In one order whoever comes, so that no two events wait for each other.
        for one in sorted(annotations_of(event), key=lambda one: (one.series_id or "", one.id)):
            if verb is Verb.DROP:
                dropped = drop_annotation(session, project, one.id, name)
                outcomes.append(StudioOutcome(annotation=one.id, status="ok", removed=dropped.removed))
            else:
                outcomes.append(_take(service, session, project, name, one))
    return StudioAnswer(status="ok", result=StudioResult(annotations=outcomes))


def _take(service: Service, session: Session, project: str, name: str, one: StudioAnnotation) -> StudioOutcome:
    """Take an annotation over, or say why not: one that does not fit does not spoil the others."""
    series_id = one.series_id or (label_studio.series_of_task(session, project, one.task) if one.task else None)
    if series_id is None:
        reason = "its task names no series (data.series_id): export tasks from here"
        return StudioOutcome(annotation=one.id, status="ignored", left_out=[reason])
    try:
        with session.begin_nested():
            taken = take_annotation(
                session,
                project,
                one.content,
                label_sets.get(session, name),
                series_id,
                service.bar_times.of(session, series_id),
                task=one.task,
            )
    except (BadRequest, NotFound) as error:
        return StudioOutcome(annotation=one.id, status="refused", left_out=[error.message])
    return StudioOutcome(
        annotation=one.id, status="ok", added=taken.added, removed=taken.removed, left_out=taken.left_out
    )


def _model(service: Service, request: StudioTasks) -> tuple[ProjectConfig | None, ServedModel]:
    config = read_config(request.label_config) if request.label_config else None
    project = project_of(request.project)
    with service.context.database.read() as session:
        name = label_studio.label_set_of(session, project) if project is not None else None
        if config is not None:
            name = _label_set(service, session, config)
    return config, service.holder.model(service.label_set(name))


def _label_set(service: Service, session: Session, config: ProjectConfig) -> str:
    known = sorted(label_sets.every(session), key=lambda one: one.name != service.label_set(None))
    return label_set_for(config.labels, known).name
