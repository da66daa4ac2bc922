"""``candleloop import`` and ``candleloop report``: candle files into series, and what was found in them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.candle_files import ZONE_HINT, DayFirst, ReaderName, Timeframe, ZoneName, zone_question
from cli.context import AsJson, open_prepared
from cli.output import ProgressLine, clear_errors, emit
from cli.remote import ServiceUrl, append_files, import_files, service_at, service_url

if TYPE_CHECKING:
    from candleloop.candles.report import ImportReport
    from candleloop.pipeline import AppendOutcome, ImportOutcome


def import_(
    files: Annotated[list[Path] | None, typer.Argument(help="Candle files of any known vendor.")] = None,
    demo: Annotated[bool, typer.Option("--demo", help="Import the demo series: daily AAPL, GOOG, IBM, MSFT.")] = False,
    symbol: Annotated[str | None, typer.Option(help="Instrument; taken from the file's name unless given.")] = None,
    series: Annotated[str | None, typer.Option(help="Series id; SYMBOL-TIMEFRAME unless given.")] = None,
    reader: ReaderName = None,
    timezone: ZoneName = None,
    timeframe: Timeframe = None,
    day_first: DayFirst = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse a file with any defect; gaps, flat and quiet bars are none.")
    ] = False,
    append: Annotated[bool, typer.Option("--append", help="Add newer candles to a series that is there.")] = False,
    revise: Annotated[bool, typer.Option("--revise", help="With --append: let stored candles change too.")] = False,
    url: ServiceUrl = None,
    as_json: AsJson = False,
) -> None:
    """Import candle files and print what was found in them."""
    with clear_errors(as_json=as_json):
        from candleloop import pipeline
        from candleloop.errors import BadRequest

        if bool(files) == demo:
            raise BadRequest("Name the files to import, or say --demo.")
        if revise and not append:
            raise BadRequest("--revise goes with --append.", field="revise")
        if append and demo:
            raise BadRequest("--append needs a file.", field="append")
        how: dict[str, Any] = {
            "symbol": symbol,
            "reader": reader,
            "timezone": timezone,
            "timeframe": timeframe,
            "day_first": day_first,
            "strict": strict,
        }
        if (address := service_url(url)) is not None:
            if demo:
                raise BadRequest("--demo imports into this machine's own data; send files to a service.", field="demo")
            with service_at(address) as service:
                if append:
                    answers = append_files(service, files or [], series, revise=revise, **how)
                else:
                    answers = import_files(service, files or [], series, **how)
                _say_sent(answers, append=append, as_json=as_json)
            return
        context, _ = open_prepared(None)
        done: list[dict[str, Any]] = []
        lines: list[str] = []
        try:
            with ProgressLine() as progress:
                how["ask_zone"] = zone_question(progress, as_json=as_json)
                for outcome in pipeline.import_demo(context, progress) if demo else []:
                    done.append(_import_as_json(outcome))
                    lines += _import_lines(outcome)
                for file in files or []:
                    if append:
                        added = pipeline.append_file(context, series, file, **how, revise=revise, progress=progress)
                        done.append(_append_as_json(added))
                        lines += _append_lines(added)
                    else:
                        outcome = pipeline.import_file(context, file, series_id=series, **how, progress=progress)
                        done.append(_import_as_json(outcome))
                        lines += _import_lines(outcome)
        finally:
            # When one of several files is refused, those before it are in all the same.
            if done:
                emit({"appended" if append else "imported": done}, lines, as_json=as_json)


def _say_sent(answers: Iterator[dict[str, Any]], *, append: bool, as_json: bool) -> None:
    """Print what a service made of the files; those before a refused one are in all the same."""
    done: list[dict[str, Any]] = []
    lines: list[str] = []
    try:
        for answer in answers:
            done.append(answer)
            if append:
                state = f"{answer['appended']:,} candles appended, {answer['bars']:,} candles now"
            else:
                state = "imported" if answer["created"] else "was there already, with the same candles"
            lines += [f"{answer['series_id']}: {state}", *_report_lines(_report_of(answer["report"]))]
    finally:
        if done:
            emit({"appended" if append else "imported": done}, lines, as_json=as_json)


def _report_of(shown: dict[str, Any]) -> ImportReport:
    """Return a report as the service shows it in the domain's form, whose times are microseconds."""
    from candleloop.candles.report import ImportReport
    from candleloop.loop.instants import parse_instant

    times = {name: parse_instant(shown[name]) for name in ("first_time", "last_time")}
    return ImportReport.model_validate({**shown, **times})


def _import_as_json(outcome: ImportOutcome) -> dict[str, Any]:
    return {
        "series_id": outcome.series_id,
        "series_version": outcome.version,
        "symbol": outcome.symbol,
        "timeframe_seconds": outcome.timeframe_seconds,
        "created": outcome.created,
        "report": outcome.report.model_dump(mode="json"),
    }


def _import_lines(outcome: ImportOutcome) -> list[str]:
    state = "imported" if outcome.created else "was there already, with the same candles"
    return [f"{outcome.series_id}: {state}", *_report_lines(outcome.report)]


def _append_as_json(outcome: AppendOutcome) -> dict[str, Any]:
    return {
        "series_id": outcome.series_id,
        "series_version": outcome.version,
        "previous_version": outcome.previous,
        "bars": outcome.bars,
        "appended": outcome.appended,
        "unchanged": outcome.unchanged,
        "revised": outcome.revised,
        "inserted": outcome.inserted,
        "flagged": outcome.flagged,
        "report": outcome.report.model_dump(mode="json"),
    }


def _append_lines(outcome: AppendOutcome) -> list[str]:
    changes = f"{outcome.appended:,} candles appended, {outcome.unchanged:,} were there already"
    if outcome.revised or outcome.inserted:
        changes += (
            f", {outcome.revised:,} revised, {outcome.inserted:,} put between, "
            f"{outcome.flagged:,} annotations flagged for another look"
        )
    return [
        f"{outcome.series_id}: {changes}; {outcome.bars:,} candles now",
        *_report_lines(outcome.report),
    ]


def _report_lines(report: ImportReport) -> list[str]:
    lines = [f"  {line}" for line in report.lines()]
    return [*lines, f"  note: {ZONE_HINT}"] if report.zone_is_assumed else lines


def report(
    series: Annotated[str, typer.Argument(help="Series id.")],
    rows: Annotated[
        Path | None, typer.Option("--rows", help="Write all rows of all defects to this file, as CSV.")
    ] = None,
    url: ServiceUrl = None,
    as_json: AsJson = False,
) -> None:
    """Print again what the last import into a series found in its file, or write down every row it is about."""
    with clear_errors(as_json=as_json):
        from candleloop import pipeline

        shown: dict[str, Any]
        content: bytes | None = None
        if (address := service_url(url)) is not None:
            with service_at(address) as service:
                shown = service.import_report(series)
                content = None if rows is None else service.import_report_rows(series)
            found = _report_of(shown)
        else:
            context, _ = open_prepared(None)
            found = pipeline.stored_report(context, series)
            shown = found.model_dump(mode="json")
            content = None if rows is None else pipeline.rows_of_report(context, found)
        if rows is not None and content is not None:
            _write(rows, content)
        emit({"series_id": series, "report": shown}, _report_lines(found), as_json=as_json)


def _write(file: Path, content: bytes) -> None:
    from candleloop.errors import BadRequest

    try:
        file.write_bytes(content)
    except OSError as error:
        raise BadRequest(f"{file}: cannot be written ({error.strerror}).", field="rows") from error
