"""Tasks of Label Studio as prediction requests, and the answers as its predictions."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import orjson

from api.candle_input import read_predict_body
from api.model_holder import ServedModel
from api.service import Service
from candleloop import pipeline
from candleloop.annotations.interchange import label_studio
from candleloop.annotations.interchange.labelling_config import ProjectConfig
from candleloop.candles.frame import Candles
from candleloop.errors import BadCandles, BadRequest, NotFound
from candleloop.inference.answer import prediction_rows
from candleloop.store import series
from candleloop.times import iso_time

logger = logging.getLogger(__name__)

FIELDS = ("open", "high", "low", "close", "volume")


def predict_task(
    service: Service, served: ServedModel, config: ProjectConfig | None, task: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what the served model proposes for a task, from its threshold of the label on.

    The candles are the task's own, else those of the series that it names, the last ones of a long one. Addresses
    that a task names are never fetched. A task without candles that can be used has no spans; the log says why.
    """
    label_set, version = served.bundle.label_set, served.bundle.version
    names = {} if config is None else {"control": config.control, "chart": config.chart}
    form = label_studio.TIME_FORMAT if config is None else config.time_format
    series_id = label_studio.series_named(task)
    try:
        candles = _candles(service, task, series_id)
        found = served.predictor.predict(candles, series_id=series_id)
    except (BadCandles, BadRequest, NotFound) as error:
        logger.warning("No predictions for a task of Label Studio: %s", error.message)
        return label_studio.prediction([], version)
    time = candles.time
    shown = service.withheld.shown(label_set.name, series_id, time[found.spans.start], time[found.spans.end])
    proposed = []
    for position, row in enumerate(prediction_rows(found, time, label_set)):
        sure = row["confidence"] >= served.bundle.thresholds.get(row["label"], 0.0)
        if sure and (shown is None or shown[position]):
            start, end = (int(time[row[f"{which}_index"]]) for which in ("start", "end"))
            identity = row["id"] or f"{row['label']}-{start}-{end}"
            proposed.append({**row, "id": identity, "start_time": start, "end_time": end})
    return label_studio.prediction(proposed, version, time_format=form, **names)


def _candles(service: Service, task: Mapping[str, Any], series_id: str | None) -> Candles:
    most = service.context.config.prediction.max_candles
    for value in label_studio.data_of(task).values():
        table = label_studio.table_of(value)
        if table is not None:
            time = label_studio.column_of(table, label_studio.TIME_COLUMNS)
            columns = {name: table[name] for name in FIELDS if name in table}
            if all(len(column) == len(time) for column in columns.values()):
                time, columns = time[-most:], {name: column[-most:] for name, column in columns.items()}
            at = [label_studio.microseconds(one) for one in time]
            if label_studio.NO_TIME in at:
                raise BadRequest(f"Candle {at.index(label_studio.NO_TIME) + 1} has no time.", field="data")
            texts = [iso_time(one) for one in at]
            return read_predict_body(orjson.dumps({"candles": {"time": texts, **columns}}), max_candles=most).candles
    if series_id is None:
        raise BadRequest("It has no candles and names no series of this service.", field="data")
    with service.context.database.read() as session:
        series.get_series(session, series_id)
        bars = service.bar_times.of(session, series_id)
    return pipeline.read_series(service.context, series_id, start_time=int(bars[-most:][0]))
