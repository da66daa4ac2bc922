"""``candleloop features``: a candle file with the features that models see, as a new file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.candle_files import ZONE_HINT, DayFirst, ReaderName, Symbol, Timeframe, ZoneName, zone_question
from cli.context import AsJson, open_prepared
from cli.output import ProgressLine, clear_errors, emit, table
from cli.remote import ServiceUrl, service_at, service_url

if TYPE_CHECKING:
    from candleloop.features.export import Exported
    from candleloop.features.matrix import FeatureSpec


def features(
    file: Annotated[Path | None, typer.Argument(help="A candle file of any known vendor.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where to; ends in .parquet or .csv.")] = None,
    series: Annotated[str | None, typer.Option(help="A stored series instead of a file.")] = None,
    catalogue: Annotated[
        bool, typer.Option("--list", help="Say what each feature is, and which the configuration uses; write nothing.")
    ] = False,
    symbol: Symbol = None,
    reader: ReaderName = None,
    timezone: ZoneName = None,
    timeframe: Timeframe = None,
    day_first: DayFirst = None,
    url: ServiceUrl = None,
    as_json: AsJson = False,
) -> None:
    """Write candles with the configured features of each, as a model sees them."""
    with clear_errors(as_json=as_json):
        from dataclasses import asdict

        from candleloop import pipeline
        from candleloop.candles.readers import read_candles
        from candleloop.errors import BadRequest
        from candleloop.features.export import export_features, save_features
        from candleloop.features.matrix import FeatureSpec
        from config.context import open_context

        if url is not None and series is None:
            raise BadRequest("A service gives the features of its series: name one by --series.", field="series")
        if catalogue:
            if file is not None or series is not None or output is not None:
                raise BadRequest("--list is about features alone: name no file, series or output.", field="list")
            _list(FeatureSpec.from_config(open_context().config.features), as_json=as_json)
            return
        if (file is None) == (series is None):
            raise BadRequest("Name a candle file, or a series by --series.", field="file")
        if output is None:
            raise BadRequest("Say where to by -o FILE.parquet or FILE.csv.", field="output")
        if series is not None:
            if (address := service_url(url)) is not None:
                with service_at(address) as service:
                    done = save_features(service.features_file(series), output)
            else:
                context, _ = open_prepared(None)
                with ProgressLine() as progress:
                    done = pipeline.export_series_features(context, series, output, progress=progress)
            emit({**asdict(done), "path": str(done.path), "series_id": series}, _lines(done), as_json=as_json)
            return
        assert file is not None, "one of the two is given"
        context = open_context()
        spec = FeatureSpec.from_config(context.config.features)
        with ProgressLine() as progress:
            imported = read_candles(
                file,
                symbol=symbol,
                reader=reader,
                timezone=timezone,
                timeframe=timeframe,
                day_first=day_first,
                ask_zone=zone_question(progress, as_json=as_json),
                progress=progress,
            )
            done = export_features(imported.candles, spec, output, max_gap=context.max_gap, progress=progress)
        emit(
            {
                **asdict(done),
                "path": str(done.path),
                "symbol": imported.symbol,
                "report": imported.report.model_dump(mode="json"),
            },
            [
                *_lines(done),
                *(f"  {line}" for line in imported.report.lines()),
                *([f"  note: {ZONE_HINT}"] if imported.report.zone_is_assumed else []),
            ],
            as_json=as_json,
        )


def _list(spec: FeatureSpec, *, as_json: bool) -> None:
    """Print the catalogue and the user's own features."""
    from dataclasses import asdict

    from candleloop.features.catalogue import CATALOGUE

    own = [feature for feature in spec.features if feature.name not in CATALOGUE]
    every = [*CATALOGUE.values(), *own]
    figures = [[one.name, "yes" if one.name in spec.names else "", str(one.lookback), str(one.warmup)] for one in every]
    told = ["what it is [unit]", *(f"{one.source} [{one.unit}]" for one in every)]
    lines = zip(table(("feature", "used", "look-back", "warm-up"), figures), told, strict=True)
    emit(
        {"features": [{**asdict(one), "used": one.name in spec.names} for one in every]},
        [f"{line}  {what}" for line, what in lines],
        as_json=as_json,
    )


def _lines(done: Exported) -> list[str]:
    return [
        f"{done.path}: {done.bars:,} candles with {done.features} features, {done.bytes / 1e6:,.1f} MB",
        f"{done.bars - done.complete:,} candles are warming up ({done.warmup} after each gap) and have none.",
    ]
