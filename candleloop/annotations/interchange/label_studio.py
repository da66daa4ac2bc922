"""Label Studio's tasks about time series: what people marked there comes in, annotations and predictions go out.

Regions of a task are spans; their times are text in the ``timeFormat`` of the project, always UTC, or numbers, then
milliseconds since 1970, with fractions where somebody dragged an edge. Source: the export format of
https://labelstud.io/guide/export and the tag https://labelstud.io/tags/timeseries.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from pydantic_core import PydanticCustomError

from candleloop.annotations.interchange.refusals import not_a_file
from candleloop.candles.frame import Candles, IntArray
from candleloop.errors import BadRequest
from candleloop.loop.instants import LATEST, parse_instant
from candleloop.times import iso_time

SOURCE = "label-studio"
"""What a region declares as its source when it says nothing else."""

LABELS = "timeserieslabels"
"""Label Studio's name for the kind of a region, and for the list of its labels."""

CONTROL, OBJECT, DATA = "label", "ts", "ts"
"""Names of the labels, of the chart, and of the task's field with the candles, in the labelling configuration."""

TIME_FORMAT = "%Y-%m-%d %H:%M:%S.%f"
"""How times are written, for d3 and Python alike. Label Studio cuts times to its format; this one cuts nothing."""

TIME_COLUMNS = ("time", "timestamp", "datetime", "date")
NO_TIME = -1
"""Stands for what is no time: no bar opens a microsecond before 1970."""
PRICE = "close"
SAME_PRICE = 1e-6
"""Largest relative difference of two prices that are the same."""


@dataclass(frozen=True, slots=True)
class Results:
    """Regions of some annotations of a series.

    Parameters
    ----------
    rows
        One for each region and label, values by ``label``, ``start``, ``end`` and ``source``, nothing checked yet.
    skipped
        Number of annotations that were cancelled in Label Studio: that says nothing about patterns.
    candles
        The columns of time series that the tasks hold themselves, by name in small letters.
    """

    rows: list[dict[str, Any]]
    skipped: int = 0
    candles: tuple[Mapping[str, Sequence[Any]], ...] = ()


def is_task(item: Any) -> bool:
    """Tell a task of Label Studio's JSON export, which holds what people marked as annotations with results."""
    return (
        isinstance(item, dict)
        and isinstance(item.get("annotations"), list)
        and all(isinstance(one, dict) and isinstance(one.get("result"), list) for one in item["annotations"])
    )


def read_tasks(content: Any, *, series_id: str | None = None, task: str | None = None) -> Results:
    """Read what people marked in the task of a series.

    Parameters
    ----------
    content
        Label Studio's JSON export as parsed: a list of tasks, or one.
    series_id
        The series that is meant. A task belongs to the series that its ``data.series_id`` names.
    task
        The id of the task to read, whatever its data says.

    Returns
    -------
    Results
        Predictions of a task are no annotations and stay where they are.

    Raises
    ------
    BadRequest
        ``not_an_annotation_file`` when this is no such export, or has annotations of several tasks and nothing tells
        which; ``unknown_task``; ``series_mismatch`` when all tasks name other series.
    """
    tasks = content if isinstance(content, list) else [content]
    for row, one in enumerate(tasks, start=1):
        if not is_task(one):
            raise not_a_file(
                f"task {row} has no list of annotations with results (choose JSON as Label Studio's export format, "
                "not JSON-MIN or CSV)",
                row=row,
            )
    rows: list[dict[str, Any]] = []
    skipped = 0
    candles = []
    for one in _chosen(tasks, series_id, task):
        skipped += sum(map(_is_skipped, one["annotations"]))
        for answer in one["annotations"]:
            rows += regions(answer)
        candles += [table for value in data_of(one).values() if (table := table_of(value)) is not None]
    return Results(rows, skipped, tuple(candles))


def regions(annotation: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the regions of one annotation of Label Studio, one row for each label; none of a skipped one.

    Numbers become times as milliseconds, whatever their size; ``instant`` regions need no end. What else a result
    holds (choices, texts) is no span.
    """
    if _is_skipped(annotation):
        return []
    found: list[dict[str, Any]] = []
    for region in annotation.get("result") or ():
        value = region.get("value") if isinstance(region, dict) else None
        if not isinstance(value, dict) or not isinstance(value.get(LABELS), list):
            continue
        start, end = value.get("start"), value.get("end")
        if end is None and value.get("instant") is True:
            end = start
        found += [
            {"label": label, "start": _time(start), "end": _time(end), "source": _source(region)}
            for label in value[LABELS] or [None]
        ]
    return found


def task_candles(candles: Candles) -> dict[str, list[Any]]:
    """Return candles as a task holds them: columns, times as text in ``TIME_FORMAT``."""
    columns = {name: values.tolist() for name, values in candles.columns().items()}
    return {"time": _texts(candles.time), **columns}


def annotation_regions(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return annotations as regions.

    Parameters
    ----------
    rows
        Values by ``id``, ``label``, ``start_time``, ``end_time`` (microseconds UTC), ``origin`` and
        ``declared_source``. The last two are kept in the region's ``meta``, which Label Studio hands back untouched.

    Raises
    ------
    ValueError
        For a row whose origin says that a model proposed it.
    """
    listed = list(rows)
    if any(row["origin"] == "prediction" for row in listed):
        raise ValueError("a prediction is no annotation")
    return [
        {
            **_region(row["id"], row["label"], row["start_time"], row["end_time"]),
            "origin": "manual",
            "meta": {"candleloop": {"origin": row["origin"], "declared_source": row["declared_source"]}},
        }
        for row in listed
    ]


def prediction(
    rows: Iterable[Mapping[str, Any]],
    model_version: str,
    *,
    control: str = CONTROL,
    chart: str = OBJECT,
    time_format: str | None = TIME_FORMAT,
) -> dict[str, Any]:
    """Return predictions as one prediction of Label Studio.

    Its ``score``, by which Label Studio can sort tasks, is the mean confidence of the spans, 0 without any.

    Parameters
    ----------
    rows
        Values by ``id``, ``label``, ``start_time``, ``end_time`` (microseconds UTC) and ``confidence``.
    model_version
        Of the model that proposed them.
    control, chart, time_format
        What the configuration of the project says; None as format: times are milliseconds.
    """
    result = [
        {
            **_region(row["id"], row["label"], row["start_time"], row["end_time"], time_format),
            "from_name": control,
            "to_name": chart,
            "origin": "prediction",
            "score": row["confidence"],
        }
        for row in rows
    ]
    score = sum(region["score"] for region in result) / len(result) if result else 0.0
    return {"model_version": model_version, "score": score, "result": result}


def write_task(
    data: Mapping[str, Any], result: Sequence[Mapping[str, Any]], predictions: Sequence[Mapping[str, Any]] = ()
) -> bytes:
    """Write the task of a series, as Label Studio imports it.

    Parameters
    ----------
    data
        What the task says of the series, and its candles under ``DATA``.
    result
        The regions that hold; without any the task has no annotation: nobody has worked on it.
    predictions
        What a model proposes, apart from them.
    """
    answers = [{"was_cancelled": False, "ground_truth": False, "result": result}] if result else []
    task = {"data": data, "annotations": answers, "predictions": list(predictions)}
    return (json.dumps([task], ensure_ascii=False) + "\n").encode()


def check_candles(tables: Iterable[Mapping[str, Sequence[Any]]], candles: Candles, series_id: str) -> list[str]:
    """Hold the candles that tasks have themselves against those of the series.

    Returns
    -------
    list of str
        What should be known: that the prices are others at the same times. Adjusted ones are, as are another
        instrument's.

    Raises
    ------
    BadRequest
        ``series_mismatch`` when more than half of their times are no bars of the series.
    """
    notes = []
    for table in tables:
        at = np.array([microseconds(value) for value in column_of(table, TIME_COLUMNS)], dtype=np.int64)
        if not len(at):
            continue
        bar = np.minimum(np.searchsorted(candles.time, at), len(candles.time) - 1)
        same = candles.time[bar] == at
        if 2 * same.sum() < len(at):
            raise BadRequest(
                f"{int((~same).sum())} of the {len(at)} candles of the task itself lie at times that are no bars of "
                f"{series_id}: it is about another series or another timeframe.",
                code="series_mismatch",
                field="data",
            )
        prices = [value if isinstance(value, int | float) else np.nan for value in table.get(PRICE, ())]
        if len(prices) == len(at):
            there, here = np.array(prices, dtype=np.float64)[same], candles.close[bar[same]]
            other = int((~np.isclose(there, here, rtol=SAME_PRICE, atol=0)).sum())
            if 2 * other > len(there):
                notes.append(
                    f"{other:,} of {len(there):,} closing prices of the task differ from those of {series_id}: "
                    "is it the same instrument?"
                )
    return notes


def _chosen(tasks: Sequence[Mapping[str, Any]], series_id: str | None, task: str | None) -> list[Mapping[str, Any]]:
    if task is not None:
        found = [one for one in tasks if str(one.get("id")) == task]
        if not found:
            raise BadRequest(f"The file has no task {task!r}; it has {_ids(tasks)}.", code="unknown_task", field="task")
        return found
    own = [one for one in tasks if series_id is not None and series_named(one) == series_id]
    if own:
        return own
    unnamed = [one for one in tasks if series_named(one) is None or series_id is None]
    if tasks and not unnamed:
        others = ", ".join(sorted({repr(series_named(one)) for one in tasks})[:5])
        raise BadRequest(
            f"The tasks of this file are about other series: {others}.", code="series_mismatch", field="series_id"
        )
    marked = [one for one in unnamed if any(not _is_skipped(answer) for answer in one["annotations"])]
    if len(marked) > 1:
        raise not_a_file(
            f"it has annotations of several tasks ({_ids(marked)}), and no data.series_id says which one is of this "
            "series; name the task"
        )
    return marked or unnamed


def _ids(tasks: Sequence[Mapping[str, Any]]) -> str:
    ids = [str(one.get("id")) for one in tasks]
    return ", ".join(ids[:10]) + (", ..." if len(ids) > 10 else "")


def data_of(task: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the data of a task, empty when it has none."""
    data = task.get("data")
    return data if isinstance(data, dict) else {}


def series_named(task: Mapping[str, Any]) -> str | None:
    """Return the series that a task says it is about."""
    named = data_of(task).get("series_id")
    return named if isinstance(named, str) and named and named.isprintable() else None


def _is_skipped(annotation: Mapping[str, Any]) -> bool:
    return bool(annotation.get("was_cancelled"))


def table_of(value: Any) -> dict[str, Sequence[Any]] | None:
    """Return a time series that a task holds itself; None for anything else."""
    if not isinstance(value, dict):
        return None
    columns = {name: column for name, column in value.items() if isinstance(column, list)}
    table: dict[str, Sequence[Any]] = {str(name).strip().lower(): column for name, column in columns.items()}
    return table if column_of(table, TIME_COLUMNS) else None


def column_of(table: Mapping[str, Sequence[Any]], names: Sequence[str]) -> Sequence[Any]:
    """Return the first column that has one of these names; empty when there is none."""
    return next((table[name] for name in names if name in table), ())


def _source(region: Mapping[str, Any]) -> str:
    meta = region.get("meta")
    own = meta.get("candleloop") if isinstance(meta, dict) else None
    if isinstance(own, dict):
        said = own.get("declared_source") or own.get("origin")
        if isinstance(said, str) and said:
            return said
    origin = region.get("origin")
    return SOURCE if origin in (None, "manual") or not isinstance(origin, str) else f"{SOURCE} ({origin})"


def _time(value: Any) -> Any:
    """Return a number, which means milliseconds, as text; anything else as it is."""
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LATEST * 1_000:
        return iso_time(round(value * 1_000))
    return value


def microseconds(value: Any) -> int:
    """Return a time of a task as microseconds since 1970 UTC, or ``NO_TIME``."""
    try:
        return parse_instant(_time(value))
    except PydanticCustomError:
        return NO_TIME


def _texts(time: IntArray) -> list[str]:
    texts: list[str] = np.datetime_as_string(time.astype(np.dtype("M8[us]")), unit="us").tolist()
    return [text.replace("T", " ") for text in texts]


def _region(
    identity: str, label: str, start_time: int, end_time: int, time_format: str | None = TIME_FORMAT
) -> dict[str, Any]:
    start, end = (_written(time, time_format) for time in (start_time, end_time))
    return {
        "id": identity,
        "from_name": CONTROL,
        "to_name": OBJECT,
        "type": LABELS,
        "value": {"start": start, "end": end, "instant": start_time == end_time, LABELS: [label]},
    }


def _written(time: int, time_format: str | None) -> str | float:
    if time_format is None:
        return time / 1_000
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time)
    # Milliseconds are what d3 knows and Python does not.
    return moment.strftime(time_format.replace("%L", f"{moment.microsecond // 1_000:03d}"))
