"""``candleloop features``: a candle file with the features that models see, as a new file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.candle_files import ZONE_HINT, DayFirst, ReaderName, Symbol, Timeframe, ZoneName, zone_question
from cli.context import AsJson
from cli.output import ProgressLine, clear_errors, emit


def features(
    file: Annotated[Path, typer.Argument(help="A candle file of any known vendor.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to; ends in .parquet or .csv.")],
    symbol: Symbol = None,
    reader: ReaderName = None,
    timezone: ZoneName = None,
    timeframe: Timeframe = None,
    day_first: DayFirst = None,
    as_json: AsJson = False,
) -> None:
    """Write candles with the configured features of each, as a model sees them."""
    with clear_errors(as_json=as_json):
        from dataclasses import asdict

        from candleloop.candles.readers import read_candles
        from candleloop.features.export import export_features
        from candleloop.features.matrix import FeatureSpec
        from config.context import open_context

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
                f"{done.path}: {done.bars:,} candles with {len(spec.names)} features, {done.bytes / 1e6:,.1f} MB",
                f"{done.bars - done.complete:,} candles are warming up ({done.warmup} after each gap) and have none.",
                *(f"  {line}" for line in imported.report.lines()),
                *([f"  note: {ZONE_HINT}"] if imported.report.zone_is_assumed else []),
            ],
            as_json=as_json,
        )
