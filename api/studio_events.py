"""What Label Studio's webhooks say, whichever way they say it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from candleloop.annotations.interchange import label_studio
from candleloop.errors import BadRequest

LONGEST_ID = 40


class Verb(StrEnum):
    """What happened."""

    TAKE = "take"
    DROP = "drop"
    TRAIN = "train"


VERBS: Mapping[str, Verb] = {
    "ANNOTATION_CREATED": Verb.TAKE,
    "ANNOTATIONS_CREATED": Verb.TAKE,
    "ANNOTATION_UPDATED": Verb.TAKE,
    "ANNOTATIONS_UPDATED": Verb.TAKE,
    "ANNOTATION_DELETED": Verb.DROP,
    "ANNOTATIONS_DELETED": Verb.DROP,
    "START_TRAINING": Verb.TRAIN,
}
"""Label Studio says the plural where its own backend listens to the singular, and the other way round."""


@dataclass(frozen=True, slots=True)
class StudioAnnotation:
    """An annotation of an event: its id, its content, its task's id and the series that the task names."""

    id: str
    content: Mapping[str, Any]
    task: str | None
    series_id: str | None


def project_of(value: Any) -> str | None:
    """Return the id of a project: an object, a number, or text like ``7.1690000000``, id and moment of creation."""
    given = value.get("id") if isinstance(value, dict) else value
    found = _id(given)
    return None if found is None else found.partition(".")[0] or None


def annotations_of(event: Mapping[str, Any]) -> list[StudioAnnotation]:
    """Return the annotations of an event, one or many, under either name.

    Raises
    ------
    BadRequest
        With the ``field`` of one that has no id.
    """
    field = "annotation" if event.get("annotation") is not None else "annotations"
    listed, tasks = _list(event.get(field)), _list(event.get("task") or event.get("tasks"))
    by_id = {found: task for task in tasks if isinstance(task, dict) and (found := _id(task.get("id"))) is not None}
    annotations = []
    for position, one in enumerate(listed):
        identity = _id(one.get("id")) if isinstance(one, dict) else None
        if identity is None:
            raise BadRequest(f"{field}.{position} has no id.", code="missing_field", field=f"{field}.{position}.id")
        given = one.get("task")
        task_id = _id(given.get("id") if isinstance(given, dict) else given)
        task = by_id.get(task_id or "") or (given if isinstance(given, dict) else None)
        if task is None and len(listed) == len(tasks) and isinstance(tasks[position], dict) and not by_id:
            task = tasks[position]
        if task is None and task_id is None and len(listed) == len(tasks) == 1 and isinstance(tasks[0], dict):
            task, task_id = tasks[0], _id(tasks[0].get("id"))
        series_id = None if task is None else label_studio.series_named(task)
        annotations.append(StudioAnnotation(identity, {**one, "id": identity}, task_id, series_id))
    return annotations


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _id(value: Any) -> str | None:
    """Return an id as text; None for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    text = str(value).strip()
    return text if 0 < len(text) <= LONGEST_ID and text.isprintable() else None
