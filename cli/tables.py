"""``candleloop predictions`` and ``candleloop signals``: what a model says of stored series, for other programs."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cli import remote
from cli.context import LabelSetName, open_prepared
from cli.output import clear_errors, write_output
from cli.remote import ServiceUrl, service_at, service_url

SeriesId = Annotated[str, typer.Argument(help="Series id.")]


class Of(StrEnum):
    """What becomes a signal."""

    PREDICTIONS = "predictions"
    ANNOTATIONS = "annotations"


def predictions(
    series: SeriesId,
    output: Annotated[Path, typer.Option("--output", "-o", help="Ends in .parquet, .csv, .jsonl or .json.")],
    label_set: LabelSetName = None,
    url: ServiceUrl = None,
) -> None:
    """Write the stored predictions of a series, each with its model version and the version of the series."""
    with clear_errors(as_json=False):
        from candleloop import pipeline
        from candleloop.pipeline.annotation_files import prediction_format_of

        if (address := service_url(url)) is not None:
            with service_at(address) as service:
                content = remote.predictions(service, series, prediction_format_of(output), label_set)
            write_output(content, output)
            return
        context, name = open_prepared(label_set)
        write_output(pipeline.export_stored_predictions(context, series, name, prediction_format_of(output)), output)


def signals(
    series: SeriesId,
    output: Annotated[Path, typer.Option("--output", "-o", help="Ends in .feather or .parquet.")],
    of: Annotated[Of, typer.Option(help="What the model proposes, or what holds.")] = Of.PREDICTIONS,
    label_set: LabelSetName = None,
    url: ServiceUrl = None,
) -> None:
    """Write a row per bar with a column per label, as a Freqtrade strategy merges it on date."""
    with clear_errors(as_json=False):
        import io

        import pyarrow as pa
        import pyarrow.parquet as pq
        from pyarrow import feather

        from candleloop import pipeline
        from candleloop.errors import BadRequest

        write = {".feather": feather.write_feather, ".parquet": pq.write_table}.get(output.suffix.lower())
        if write is None:
            raise BadRequest(f"{output.name}: the name must end in .feather or .parquet.", field="output")
        if (address := service_url(url)) is not None:
            with service_at(address) as service:
                found = pa.Table.from_pandas(service.signals(series, of=of.value, label_set=label_set))
        else:
            context, name = open_prepared(label_set)
            found = pipeline.signals(context, series, name, of.value)
        content = io.BytesIO()
        write(found, content)
        write_output(content.getvalue(), output)
