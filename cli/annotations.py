"""The commands about annotations: import and export of span files, and the card of the data."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from cli import remote
from cli.context import AsJson, LabelSetName, open_prepared
from cli.output import ProgressLine, clear_errors, emit, write_output
from cli.remote import ServiceUrl, service_at, service_url

annotations_app = typer.Typer(
    help="Import and export annotations as files.", no_args_is_help=True, rich_markup_mode=None
)

SeriesId = Annotated[str, typer.Option("--series", help="The series that the spans belong to.")]


class Whose(StrEnum):
    """Who decided the spans of a file, as the importer says."""

    HUMAN = "human"
    TALIB = "talib"


class Written(StrEnum):
    """How spans are written in a file."""

    JSON = "json"
    CSV = "csv"
    JSONL = "jsonl"
    LABEL_STUDIO = "label-studio"
    BARS_CSV = "bars-csv"
    PARQUET = "parquet"


@annotations_app.command("import")
def import_(
    file: Annotated[
        Path,
        typer.Argument(
            help="Spans as JSON, JSON lines, CSV, Parquet or tasks of Label Studio, or a row per bar as CSV."
        ),
    ],
    series: SeriesId,
    as_: Annotated[Whose, typer.Option("--as", help="Whose marks they are: a person's, or TA-Lib's.")],
    complete: Annotated[
        bool, typer.Option("--complete", help="Every bar of the series was looked at: what is not marked is none.")
    ] = False,
    format: Annotated[Written | None, typer.Option(help="By the ending of the file unless given.")] = None,
    task: Annotated[
        str | None, typer.Option(help="Which of Label Studio's tasks; by data.series_id unless given.")
    ] = None,
    label_set: LabelSetName = None,
    url: ServiceUrl = None,
    as_json: AsJson = False,
) -> None:
    """Add the spans of a file to a series and say what was dropped and why."""
    with clear_errors(as_json=as_json):
        from candleloop import pipeline
        from candleloop.annotations.interchange import FileFormat, IngestReport

        chosen = None if format is None else FileFormat(format.value)
        how: dict[str, Any] = {"as_": as_.value, "format": chosen, "complete": complete, "task": task}
        if (address := service_url(url)) is not None:
            with service_at(address) as service:
                answer = remote.import_annotations(service, series, file, label_set=label_set, **how)
            report = IngestReport.model_validate(answer)
        else:
            context, name = open_prepared(label_set)
            report = pipeline.import_annotations(context, series, name, file, **how)
        emit(
            {"series_id": series, **report.model_dump(mode="json")},
            [f"{series}: {line}" for line in report.lines()],
            as_json=as_json,
        )


@annotations_app.command()
def export(
    series: SeriesId,
    format: Annotated[Written, typer.Option(help="How to write them.")] = Written.JSON,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Standard output unless given.")] = None,
    predictions: Annotated[
        bool, typer.Option("--predictions", help="label-studio: add the stored predictions, as such.")
    ] = False,
    label_set: LabelSetName = None,
    url: ServiceUrl = None,
) -> None:
    """Write the annotations of a series with their origin."""
    with clear_errors(as_json=False):
        from candleloop import pipeline
        from candleloop.annotations.interchange import FileFormat

        if (address := service_url(url)) is not None:
            with service_at(address) as service:
                how: dict[str, Any] = {"format": format.value, "label_set": label_set, "predictions": predictions}
                write_output(service.export_annotations(series, **how), output)
            return
        context, name = open_prepared(label_set)
        write_output(
            pipeline.export_annotations(context, series, name, FileFormat(format.value), with_predictions=predictions),
            output,
        )


@annotations_app.command("label-studio-config")
def label_studio_config(
    series: Annotated[str | None, typer.Option("--series", help="Draw the volume too if this series has one.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Standard output unless given.")] = None,
    label_set: LabelSetName = None,
) -> None:
    """Write the labelling configuration of a Label Studio project for exported tasks."""
    with clear_errors(as_json=False):
        from candleloop import pipeline

        context, name = open_prepared(label_set)
        write_output(pipeline.label_studio_config(context, name, series).encode(), output)


def card(label_set: LabelSetName = None, as_json: AsJson = False) -> None:
    """Describe what a training would learn from now: counts, overlap, people against TA-Lib."""
    with clear_errors(as_json=as_json):
        from candleloop import pipeline

        context, name = open_prepared(label_set)
        with ProgressLine() as progress:
            found = pipeline.describe(context, pipeline.take_snapshot(context, name), progress=progress)
        emit(found.model_dump(mode="json"), found.lines(), as_json=as_json)
