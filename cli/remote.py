"""The same commands on another machine's service: over HTTP, by the Python client."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.output import ProgressLine

if TYPE_CHECKING:
    from candleloop.annotations.interchange import FileFormat
    from client import Client

ServiceUrl = Annotated[
    str | None,
    typer.Option(
        "--url",
        help="Do it on the service at this address, e.g. http://candles.example:8001; CANDLELOOP_SERVICE_URL unless "
        "given. Its key is CANDLELOOP_API_KEY.",
    ),
]


def service_url(given: str | None) -> str | None:
    """Return the address of the service that is meant; None means this machine's own data."""
    if given is not None:
        return given
    from config.settings import settings

    return settings().service_url


@contextmanager
def service_at(url: str) -> Iterator[Client]:
    """Open a client of the service at an address, with the errors of :func:`our_errors`."""
    from client import Client
    from config.settings import settings

    key = settings().api_key
    with our_errors(), Client(url, api_key=None if key is None else key.get_secret_value()) as service:
        yield service


@contextmanager
def our_errors() -> Iterator[None]:
    """Turn the client's errors into ours, so that every command ends in one way.

    Raises
    ------
    CandleloopError
        In place of the client's own errors.
    """
    from candleloop.errors import BadRequest, CandleloopError, Unavailable
    from client import JobFailed, ServiceAway, ServiceProblem

    try:
        yield
    except ServiceProblem as problem:
        kind = BadRequest if problem.status in {400, 413, 415, 422} else CandleloopError
        raise kind(problem.detail, code=problem.code, **problem.more) from None
    except ServiceAway as error:
        raise Unavailable(str(error), code="service_away", field="url") from None
    except JobFailed as error:
        raise CandleloopError(str(error), code=(error.job["error"] or {"code": "cancelled"})["code"]) from None


def import_file(service: Client, file: Path, **how: Any) -> dict[str, Any]:
    """Send a candle file and return what became of it."""
    with our_errors():
        return service.import_file(_readable(file), **how)


def append_file(service: Client, file: Path, *, series_id: str | None, **how: Any) -> dict[str, Any]:
    """Send a candle file to be added to a series and return what became of it."""
    from candleloop.errors import BadRequest

    if series_id is None:
        raise BadRequest("Say which series on the service the candles belong to.", code="bad_series_id", field="series")
    with our_errors():
        return service.append_file(series_id, _readable(file), **how)


def import_annotations(service: Client, series_id: str, file: Path, *, format: FileFormat | None, **how: Any) -> Any:
    """Send a file of spans, whose ending says its format where nobody does, and return the report."""
    from candleloop.pipeline.annotation_files import format_of

    chosen = format or format_of(file)
    return service.import_annotations(series_id, _readable(file), format=chosen.value, **how)


def label(service: Client, series: Sequence[str] | None, label_set: str | None, progress: ProgressLine) -> Any:
    """Have TA-Lib search series and return the job's result."""
    return _done(service, service.auto_label(series=series or None, label_set=label_set), progress)


def train(service: Client, label_set: str | None, progress: ProgressLine) -> Any:
    """Have a model trained and return the job's result."""
    return _done(service, service.train(label_set=label_set), progress)


def predict(service: Client, file: Path, label_set: str | None, **how: Any) -> dict[str, Any]:
    """Read a candle file here and have the service find patterns in it.

    The answer is that of ``POST /predict``, with the version of the candles.
    """
    from candleloop import pipeline
    from candleloop.times import iso_times

    candles, warnings = pipeline.candles_to_predict(file, **how)
    columns = {name: values.tolist() for name, values in candles.columns().items()}
    answer = service.predict_columns({"time": iso_times(candles.time), **columns}, label_set=label_set)
    return {**answer, "series_version": candles.version(), "warnings": [*answer["warnings"], *warnings]}


def predictions(service: Client, series_id: str, format: FileFormat, label_set: str | None) -> bytes:
    """Return the stored predictions of a series as a file."""
    chosen: Any = format.value  # the service says which formats have a place for predictions
    return service.export_predictions(series_id, format=chosen, label_set=label_set)


def suspects(service: Client, *, kinds: Sequence[str] | None, **how: Any) -> tuple[list[dict[str, Any]], int, int]:
    """Return labels to doubt, how many there are, and the number of series left out that nobody has labelled."""
    page = service.suspects(kinds=kinds, **how)
    rows = [
        {
            **{name: one[name] for name in ("series_id", "kind", "out_of_fold", "start_time", "end_time")},
            "likelihood": round(one["likelihood"], 4),
            "annotated": None if one["annotation"] is None else one["annotation"]["label"],
            "predicted": None if one["prediction"] is None else one["prediction"]["label"],
        }
        for one in page["items"]
    ]
    found = sum(count for kind, count in page["counts"].items() if kinds is None or kind in kinds)
    return rows, found, page["left_out"]


def models(service: Client, label_set: str | None) -> tuple[str | None, list[dict[str, Any]]]:
    """Return the label set, the service's own unless named, and its models as ``candleloop models`` shows them."""
    name = label_set or next((one["name"] for one in service.label_sets() if one["is_default"]), None)
    found = [
        {
            "version": row["version"],
            "champion": row["champion"],
            "family": row["family"],
            "trained_at": row["trained_at"].isoformat(),
            "macro_f1": row["metrics"].get("macro_f1"),
            "registry_version": row["registry_version"],
        }
        for row in service.models(label_set=name).to_dict("records")
    ]
    return name, found


def _done(service: Client, job: Mapping[str, Any], progress: ProgressLine) -> Any:
    def show(seen: Mapping[str, Any]) -> None:
        at = seen["progress"]
        progress(at["stage"] or seen["status"], at["done"], at["total"], at["unit"])

    return service.result(service.wait(job["id"], progress=show)["id"])


def _readable(file: Path) -> Path:
    from candleloop.errors import BadRequest

    if not file.is_file():
        raise BadRequest(f"{file}: there is no such file.", field="files")
    return file
