"""The client: one method for one thing that the service does."""

from __future__ import annotations

import io
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import quote

import httpx
import pandas as pd

from client.frames import candle_columns, candle_frame, frame_of
from client.problems import JobFailed
from client.progress import Watch, watching
from client.transport import Transport

Json = dict[str, Any]

SPAN_COLUMNS = ("label", "start_time", "end_time")
PREDICTION_COLUMNS = (
    "id",
    *SPAN_COLUMNS,
    "start_index",
    "end_index",
    "confidence",
    "uncertainty",
    "provisional",
    "model_version",
)
ANNOTATION_COLUMNS = ("id", *SPAN_COLUMNS, "origin", "revision", "created_at")
STORED_COLUMNS = ("id", *SPAN_COLUMNS, "confidence", "model_version", "provisional", "out_of_fold", "stale")
DISAGREEMENT_COLUMNS = ("kind", "start_time", "end_time", "strength", "annotation", "prediction")

FIRST_POLL_SECONDS = 0.1
LONGEST_POLL_SECONDS = 2.0


class WaitedTooLong(Exception):
    """A job was not done when the caller's patience ended; it goes on."""


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a model proposes for candles.

    Parameters
    ----------
    spans
        One row per span: ``label``, ``start_time`` and ``end_time`` (bar opens, UTC, inclusive), ``start_index`` and
        ``end_index`` (rows of the candles given), ``confidence`` (probability that the span is right),
        ``probabilities`` (of each class), ``uncertainty``, ``provisional``, ``model_version``, and ``id`` where a
        series was named.
    model
        The model that answered: version, label set, thresholds.
    warnings
        What the service found worth saying.
    """

    spans: pd.DataFrame
    model: Json
    warnings: list[str]

    @property
    def found(self) -> pd.DataFrame:
        """The spans that reach the threshold of their label: those that count as found."""
        if self.spans.empty:
            return self.spans
        limit = self.spans["label"].map(self.model["thresholds"]).astype(float)
        return self.spans[self.spans["confidence"] >= limit]


class Client:
    """A candleloop service, from Python.

    Parameters
    ----------
    url
        Where the service listens, e.g. ``http://127.0.0.1:8001``.
    api_key
        Needed where the service asks for one.
    timeout
        Seconds that a call may take.
    retries
        How often a call is sent again that did not get through and that does no harm when it comes twice. Ten take
        some 20 seconds, in which a service starts again; where nobody has answered yet it is four at most.
    transport
        An httpx transport instead of the network, for a service in the same process.

    Notes
    -----
    Every method raises :class:`~client.problems.ServiceProblem` when the service refuses (its ``code``, ``detail``, and
    ``more`` with row and field), and :class:`~client.problems.ServiceAway` when it cannot be reached. Frames have UTC
    datetimes. A client may be used by several threads.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8001",
        *,
        api_key: str | None = None,
        timeout: float = 60.0,
        retries: int = 10,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._http = Transport(url, api_key, timeout=timeout, retries=retries, inner=transport)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- predicting

    def predict(
        self, candles: pd.DataFrame, *, series_id: str | None = None, label_set: str | None = None
    ) -> Prediction:
        """Find patterns in candles, at once.

        Parameters
        ----------
        candles
            See :func:`client.frames.candle_columns`.
        series_id
            Of which series they are; then each span has the ``id`` that feedback names.
        label_set
            Which patterns; those of the service's own label set unless given.
        """
        answer = self.predict_columns(candle_columns(candles), series_id=series_id, label_set=label_set)
        model = answer["model"]
        spans = [{**span, "model_version": model["version"]} for span in answer["predictions"]]
        return Prediction(frame_of(spans, PREDICTION_COLUMNS), model, answer["warnings"])

    def predict_columns(
        self, columns: Mapping[str, Sequence[Any]], *, series_id: str | None = None, label_set: str | None = None
    ) -> Json:
        """Find patterns in candles given as columns, and return the service's answer as it is."""
        body = _given({"candles": columns, "series_id": series_id, "label_set": label_set})
        answer: Json = self._http.json("POST", "/predict", repeatable=True, json=body)
        return answer

    def predict_batch(
        self,
        *,
        series: Sequence[str] = (),
        candles: Iterable[pd.DataFrame] = (),
        label_set: str | None = None,
        progress: bool | Watch = False,
        timeout: float | None = None,
    ) -> pd.DataFrame:
        """Find patterns in many series and candles, by workers; wait, and return all spans.

        Parameters
        ----------
        series
            Ids of stored series.
        candles
            Frames of candles; ``input`` in the answer counts the series first, then these, from 0.
        progress
            True shows a bar; a function is told the job at each poll.
        timeout
            Longest wait in seconds; None waits for ever. The job goes on when it is over.

        Raises
        ------
        JobFailed
            When the job failed or was cancelled.
        WaitedTooLong
            When the time is over.
        """
        job = self.start_batch(series=series, candles=candles, label_set=label_set, format="parquet")
        return self.batch_result(self.wait(job["id"], progress=progress, timeout=timeout)["id"])

    def start_batch(
        self,
        *,
        series: Sequence[str] = (),
        candles: Iterable[pd.DataFrame] = (),
        label_set: str | None = None,
        format: Literal["json", "ndjson", "parquet"] = "parquet",
        key: str | None = None,
    ) -> Json:
        """Ask for a batch prediction and return its job; the same ``key`` returns the first job again."""
        body = {
            "series": list(series),
            "requests": [{"candles": candle_columns(frame)} for frame in candles],
            "label_set": label_set,
            "format": format,
        }
        return self._start("/predict/batch", _given(body), key)

    def batch_result(self, job_id: str) -> pd.DataFrame:
        """Return the result of a batch that was asked for as Parquet."""
        return pd.read_parquet(io.BytesIO(self.result_file(job_id)))

    # --- jobs

    def auto_label(self, *, series: Sequence[str] | None = None, label_set: str | None = None) -> Json:
        """Have TA-Lib search series (all unless named) and store what it finds; returns the job."""
        return self._start("/autolabel", _given({"series": series, "label_set": label_set}))

    def train(self, *, label_set: str | None = None) -> Json:
        """Have a model trained on today's annotations; it goes live when it passes the gate. Returns the job."""
        return self._start("/train", _given({"label_set": label_set}))

    def job(self, job_id: str) -> Json:
        """Return a job as it is now."""
        answer: Json = self._get(f"/jobs/{_name(job_id)}")
        return answer

    def jobs(self, *, kind: str | None = None, status: str | None = None, label_set: str | None = None) -> pd.DataFrame:
        """List all jobs, the latest first."""
        return frame_of(
            self._http.items("/jobs", {"kind": kind, "status": status, "label_set": label_set}), ("id", "kind")
        )

    def cancel(self, job_id: str) -> Json:
        """Ask for a job to be stopped and return it."""
        answer: Json = self._http.json("DELETE", f"/jobs/{_name(job_id)}", repeatable=True)
        return answer

    def wait(self, job_id: str, *, progress: bool | Watch = False, timeout: float | None = None) -> Json:
        """Wait until a job has succeeded and return it.

        Raises
        ------
        JobFailed
            When it failed or was cancelled.
        WaitedTooLong
            When ``timeout`` seconds are over.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        pause = FIRST_POLL_SECONDS
        with watching(progress) as told:
            while True:
                job = self.job(job_id)
                told(job)
                if job["status"] == "succeeded":
                    return job
                if job["status"] in {"failed", "cancelled"}:
                    raise JobFailed(job)
                if deadline is not None and time.monotonic() >= deadline:
                    raise WaitedTooLong(f"Job {job_id} is {job['status']} after {timeout:g} s; it goes on.")
                time.sleep(pause)
                pause = min(LONGEST_POLL_SECONDS, pause * 1.5)

    def result(self, job_id: str) -> Any:
        """Return what a job gave: the result of a training or auto-labelling, or a batch's as JSON."""
        return self._get(f"/jobs/{_name(job_id)}/result")

    def result_file(self, job_id: str) -> bytes:
        """Return the result of a job as it was written."""
        return self._http.send("GET", f"/jobs/{_name(job_id)}/result", repeatable=True).content

    # --- series

    def import_file(
        self,
        file: str | Path | bytes,
        *,
        name: str | None = None,
        series_id: str | None = None,
        symbol: str | None = None,
        timezone: str | None = None,
        timeframe: str | None = None,
        day_first: bool | None = None,
        reader: str | None = None,
        strict: bool = False,
    ) -> Json:
        """Make a series of a vendor's candle file; the ``report`` in the answer says what was wrong with it."""
        how = {"symbol": symbol, "timezone": timezone, "timeframe": timeframe, "day_first": day_first}
        return self._send_file("/series", file, name, series_id=series_id, reader=reader, strict=strict, **how)

    def append_file(
        self,
        series_id: str,
        file: str | Path | bytes,
        *,
        name: str | None = None,
        symbol: str | None = None,
        timezone: str | None = None,
        timeframe: str | None = None,
        day_first: bool | None = None,
        reader: str | None = None,
        strict: bool = False,
        revise: bool = False,
    ) -> Json:
        """Add the candles of a vendor's file to a series; with ``revise`` stored candles may change."""
        path = f"/series/{_name(series_id)}/candles"
        how = {"symbol": symbol, "timezone": timezone, "timeframe": timeframe, "day_first": day_first}
        return self._send_file(path, file, name, reader=reader, strict=strict, revise=revise, **how)

    def series(self, *, label_set: str | None = None) -> pd.DataFrame:
        """List the series."""
        return frame_of(self._http.items("/series", {"label_set": label_set}), ("series_id", "bars"))

    def import_report(self, series_id: str) -> Json:
        """Return what the last import into a series found in its file; a defect names the first few of its rows."""
        report: Json = self._get(f"/series/{_name(series_id)}")["report"]
        return report

    def import_report_rows(self, series_id: str) -> bytes:
        """Return every row of every defect of the last import into a series, as CSV with a header."""
        return self._http.send("GET", f"/series/{_name(series_id)}/report/rows", repeatable=True).content

    def candles(self, series_id: str, *, start: Any = None, end: Any = None, last: int | None = None) -> pd.DataFrame:
        """Return candles of a series, the times as the index.

        Parameters
        ----------
        series_id
            The series.
        start, end
            From and to which bar-open time, both inclusive: anything that pandas takes for a time, UTC unless it says.
        last
            The last so many candles (before ``end``, exclusive, where given) instead.
        """
        path = f"/series/{_name(series_id)}/candles"
        if last is not None:
            before = _moment(end) or (pd.Timestamp.now("UTC") + pd.Timedelta(days=36_500)).isoformat()
            page = self._get(path, before=before, limit=last)
            return candle_frame(page["candles"])
        frames, cursor = [], None
        while True:
            page = self._get(path, start_time=_moment(start), end_time=_moment(end), limit=20_000, cursor=cursor)
            frames.append(candle_frame(page["candles"]))
            cursor = page["next_cursor"]
            if cursor is None:
                return pd.concat(frames)

    # --- annotations, predictions, disagreements of stored series

    def annotations(self, series_id: str, *, label_set: str | None = None, origin: str | None = None) -> pd.DataFrame:
        """Return the annotations of a series, by start."""
        params = {"label_set": label_set, "origin": origin, "limit": 1_000}
        return frame_of(self._http.items(f"/series/{_name(series_id)}/annotations", params), ANNOTATION_COLUMNS)

    def annotate(self, series_id: str, label: str, start: Any, end: Any, *, label_set: str | None = None) -> Json:
        """Mark a span as a person's annotation."""
        body = {"label": label, "start_time": _moment(start), "end_time": _moment(end), "label_set": label_set}
        path = f"/series/{_name(series_id)}/annotations"
        answer: Json = self._http.json("POST", path, repeatable=False, json=_given(body))
        return answer

    def predictions(
        self, series_id: str, *, label_set: str | None = None, min_confidence: float | None = None
    ) -> pd.DataFrame:
        """Return the stored predictions of a series, by start."""
        params = {"label_set": label_set, "min_confidence": min_confidence, "limit": 1_000}
        return frame_of(self._http.items(f"/series/{_name(series_id)}/predictions", params), STORED_COLUMNS)

    def disagreements(self, series_id: str, *, label_set: str | None = None, kind: str | None = None) -> pd.DataFrame:
        """Return where the model and what holds disagree on a series."""
        params = {"label_set": label_set, "kind": kind, "limit": 1_000}
        return frame_of(self._http.items(f"/series/{_name(series_id)}/disagreements", params), DISAGREEMENT_COLUMNS)

    def suspects(
        self,
        *,
        series: Sequence[str] | None = None,
        kinds: Sequence[str] | None = None,
        unlabelled: bool = False,
        most: int = 50,
        label_set: str | None = None,
    ) -> Json:
        """Return the ``most`` labels that are likeliest to be wrong or missing, over all series unless some are named.

        Beside the ``items`` there are the number of each kind (``counts``), and of series that are ``left_out`` because
        nobody has labelled them; with ``unlabelled`` they are compared too.
        """
        params = {"series_id": series, "kind": kinds, "unlabelled": unlabelled, "label_set": label_set}
        page = self._get("/disagreements", **params, limit=min(most, 1_000))
        items = page["items"]
        while page["next_cursor"] is not None and len(items) < most:
            page = self._get(
                "/disagreements", **params, limit=min(most - len(items), 1_000), cursor=page["next_cursor"]
            )
            items += page["items"]
        return {**page, "items": items}

    def agreement(
        self, first: str, second: str, *, series: Sequence[str] | None = None, label_set: str | None = None
    ) -> Json:
        """Return how far two annotators agree: event F1 by label, neither of them the truth.

        An annotator is ``talib``, ``people``, or a name.
        """
        params = {"first": first, "second": second, "series_id": series, "label_set": label_set}
        answer: Json = self._get("/agreement", **params)
        return answer

    def export_annotations(
        self, series_id: str, *, format: str = "json", label_set: str | None = None, predictions: bool = False
    ) -> bytes:
        """Return the annotations of a series as a file; a task of Label Studio can hold the predictions beside them.

        Formats are ``json``, ``csv``, ``jsonl``, ``bars-csv`` (a row per bar), ``parquet`` and ``label-studio``.
        """
        params = {"series_id": series_id, "format": format, "label_set": label_set, "predictions": predictions}
        return self._http.send("GET", "/annotations/export", repeatable=True, params=params).content

    def export_predictions(
        self,
        series_id: str,
        *,
        format: Literal["json", "csv", "jsonl", "parquet"] = "parquet",
        label_set: str | None = None,
    ) -> bytes:
        """Return the stored predictions of a series as a file, each with model version and version of the series."""
        params = {"format": format, "label_set": label_set}
        path = f"/series/{_name(series_id)}/predictions/export"
        return self._http.send("GET", path, repeatable=True, params=params).content

    def signals(
        self,
        series_id: str,
        *,
        of: Literal["predictions", "annotations"] = "predictions",
        label_set: str | None = None,
    ) -> pd.DataFrame:
        """Return a row per bar with ``date`` (UTC) and a column per label, as a Freqtrade strategy merges it.

        The value is the confidence of a prediction (1 for an annotation) on the bar from which on it is known, else 0.
        """
        params = {"of": of, "label_set": label_set}
        return self._table(f"/series/{_name(series_id)}/signals", params)

    def features(self, series_id: str) -> pd.DataFrame:
        """Return the candles of a series with the features that models see; NaN while those are warming up."""
        return pd.read_parquet(io.BytesIO(self.features_file(series_id)))

    def features_file(self, series_id: str) -> bytes:
        """Return the same as a Parquet file, whose metadata say what each feature is."""
        return self._http.send("GET", f"/series/{_name(series_id)}/features", repeatable=True).content

    def import_annotations(
        self,
        series_id: str,
        file: str | Path | bytes,
        *,
        as_: Literal["human", "talib"],
        format: str = "json",
        label_set: str | None = None,
        complete: bool = False,
        task: str | None = None,
    ) -> Json:
        """Add the spans of a file to a series; the answer says which were kept, and why others were not."""
        content, _ = _file(file, "annotations")
        params = {
            "series_id": series_id,
            "as": as_,
            "format": format,
            "label_set": label_set,
            "complete": complete,
            "task": task,
        }
        answer: Json = self._http.json("POST", "/annotations/import", repeatable=True, params=params, content=content)
        return answer

    # --- feedback

    def confirm(self, series_id: str, target: Mapping[str, Any], *, label_set: str | None = None) -> Json:
        """Say that a prediction or a TA-Lib annotation is right; ``target`` is a row of their frames."""
        return self._decide("confirm", series_id, target, label_set)

    def correct(
        self,
        series_id: str,
        target: Mapping[str, Any],
        *,
        label: str | None = None,
        start: Any = None,
        end: Any = None,
        label_set: str | None = None,
    ) -> Json:
        """Say what is right instead of a prediction or TA-Lib annotation; what is not given stays."""
        correction = {
            "label": target["label"] if label is None else label,
            "start_time": _moment(target["start_time"] if start is None else start),
            "end_time": _moment(target["end_time"] if end is None else end),
        }
        return self._decide("correct", series_id, target, label_set, correction=correction)

    def dismiss(
        self,
        series_id: str,
        target: Mapping[str, Any],
        *,
        reason: Literal["nothing_here", "wrong_label", "wrong_edges", "duplicate", "unsure"],
        note: str | None = None,
        label_set: str | None = None,
    ) -> Json:
        """Say that a prediction or TA-Lib annotation is wrong, and why; ``unsure`` leaves it open for others."""
        return self._decide("dismiss", series_id, target, label_set, reason=reason, **_given({"note": note}))

    def undo(self, series_id: str, event_id: str, *, label_set: str | None = None) -> Json:
        """Take back a decision; ``event_id`` is in what the decision answered."""
        event = {"event_id": uuid.uuid4().hex, "verb": "undo", "series_id": series_id, "undoes": event_id}
        return self.feedback([event], label_set=label_set)[0]

    def feedback(self, events: Sequence[Mapping[str, Any]], *, label_set: str | None = None) -> list[Json]:
        """Send feedback events as they are and return what became of each, in their order.

        An event that is sent twice counts once, so this is safe to repeat.
        """
        body = _given({"label_set": label_set, "events": list(events)})
        answer = self._http.json("POST", "/feedback", repeatable=True, json=body)
        results: list[Json] = answer["results"]
        return results

    # --- models

    def model(self, *, label_set: str | None = None) -> Json:
        """Return the served model with its metrics by label, and the feedback that waits."""
        answer: Json = self._get("/model/info", label_set=label_set)
        return answer

    def models(self, *, label_set: str | None = None) -> pd.DataFrame:
        """List the trained model versions, the latest first."""
        return frame_of(self._http.items("/models", {"label_set": label_set}), ("version", "champion"))

    def promote(self, version: str, *, override: bool = False, reason: str | None = None) -> Json:
        """Let a version serve. One that failed the gate needs ``override`` and a ``reason``."""
        body = _given({"override": override, "reason": reason})
        answer: Json = self._http.json("POST", f"/models/{_name(version)}/promote", repeatable=False, json=body)
        return answer

    def label_sets(self) -> list[Json]:
        """Return the label sets with their labels."""
        return list(self._http.items("/label-sets", {}))

    # --- common

    def _table(self, path: str, params: Json) -> pd.DataFrame:
        """Return what is sent as Parquet."""
        return pd.read_parquet(io.BytesIO(self._http.send("GET", path, repeatable=True, params=params).content))

    def _get(self, path: str, **params: Any) -> Any:
        return self._http.json("GET", path, repeatable=True, params=params)

    def _send_file(self, path: str, file: str | Path | bytes, name: str | None, **params: Any) -> Json:
        """Send a vendor's candle file; sent twice it changes nothing the second time."""
        content, called = _file(file, name)
        params = {"name": called, **params}
        answer: Json = self._http.json("POST", path, repeatable=True, params=params, content=content)
        return answer

    def _start(self, path: str, body: Json, key: str | None = None) -> Json:
        """Ask for a job. The key lets the service know the call again when its answer was lost on the way."""
        headers = {"Idempotency-Key": key or uuid.uuid4().hex}
        answer: Json = self._http.json("POST", path, repeatable=True, json=body, headers=headers)["job"]
        return answer

    def _decide(self, verb: str, series_id: str, target: Mapping[str, Any], label_set: str | None, **more: Any) -> Json:
        is_annotation = "origin" in target
        shown = {
            "kind": "annotation" if is_annotation else "prediction",
            "id": target["id"],
            "label": target["label"],
            "start_time": _moment(target["start_time"]),
            "end_time": _moment(target["end_time"]),
        }
        if not is_annotation:
            shown |= {"confidence": float(target["confidence"]), "model_version": target["model_version"]}
        event = {"event_id": uuid.uuid4().hex, "verb": verb, "series_id": series_id, "target": shown, **more}
        return self.feedback([event], label_set=label_set)[0]


def _given(body: Mapping[str, Any]) -> Json:
    return {name: value for name, value in body.items() if value is not None}


def _name(value: str) -> str:
    return quote(value, safe="")


def _moment(value: Any) -> str | None:
    """Return a time as ISO-8601 text in UTC."""
    if value is None:
        return None
    moment = pd.Timestamp(value)
    return (moment.tz_localize("UTC") if moment.tz is None else moment.tz_convert("UTC")).isoformat()


def _file(file: str | Path | bytes, name: str | None) -> tuple[bytes, str]:
    if isinstance(file, bytes):
        return file, name or "candles"
    path = Path(file)
    return path.read_bytes(), name or path.name
