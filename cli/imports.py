"""``candleloop import`` and ``candleloop report``: candle files into series, and what was found in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.candle_files import ZONE_HINT, DayFirst, ReaderName, Timeframe, ZoneName, zone_question
from cli.context import AsJson, open_prepared
from cli.output import ProgressLine, clear_errors, emit, exit_code, problem_of, said
from cli.remote import ServiceUrl, append_file, import_file, service_at, service_url

if TYPE_CHECKING:
    from candleloop.candles.freqtrade import LeftOut
    from candleloop.candles.report import ImportReport
    from candleloop.pipeline import AppendOutcome, ImportOutcome


Taken = tuple[dict[str, Any], list[str]]
"""What became of a file: as JSON and as lines."""


@dataclass(frozen=True)
class CandleFile:
    """A file to import, and what is said of it.

    Parameters
    ----------
    in_folder
        Whether a folder was named, not the file: then the others go on when this one is refused.
    """

    path: Path
    how: dict[str, Any]
    in_folder: bool = False


def import_(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Candle files of any known vendor, or Freqtrade's data folder of an exchange."),
    ] = None,
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
        how: dict[str, Any] = {"reader": reader, "timezone": timezone, "day_first": day_first, "strict": strict}
        if append:
            how["revise"] = revise
        wanted, left_out = _listed(files or [], {"symbol": symbol, "series_id": series, "timeframe": timeframe})
        if (address := service_url(url)) is not None:
            if demo:
                raise BadRequest("--demo imports into this machine's own data; send files to a service.", field="demo")
            with service_at(address) as service:
                send = append_file if append else import_file
                _take_all(
                    wanted,
                    lambda file: _as_sent(send(service, file.path, **how, **file.how), append=append),
                    left_out,
                    append=append,
                    as_json=as_json,
                )
            return
        context, _ = open_prepared(None)

        def take(file: CandleFile) -> Taken:
            with ProgressLine() as progress:
                told = {**how, **file.how, "ask_zone": zone_question(progress, as_json=as_json), "progress": progress}
                if append:
                    return _appended(pipeline.append_file(context, source=file.path, **told))
                return _imported(pipeline.import_file(context, file.path, **told))

        with ProgressLine() as progress:
            first = list(map(_imported, pipeline.import_demo(context, progress) if demo else []))
        _take_all(wanted, take, left_out, first, append=append, as_json=as_json)


def _listed(files: Sequence[Path], given: dict[str, Any]) -> tuple[list[CandleFile], list[LeftOut]]:
    """Return the files to import, those in folders included, and what is left out of folders."""
    from candleloop import pipeline
    from candleloop.candles.freqtrade import read_folder
    from candleloop.candles.timeframes import parse_timeframe
    from candleloop.errors import BadRequest

    wanted: list[CandleFile] = []
    left_out: list[LeftOut] = []
    for path in files:
        if not path.is_dir():
            wanted.append(CandleFile(path, given))
            continue
        for name, value in given.items():
            if value is not None:
                option = name.removesuffix("_id")
                raise BadRequest(f"{path}: its files say the {option} themselves, each its own.", field=option)
        found = read_folder(path)
        left_out += found.left_out
        for one in found.files:
            series_id = pipeline.default_series_id(one.symbol, parse_timeframe(one.timeframe))
            said_by_name = {"symbol": one.symbol, "series_id": series_id, "timeframe": one.timeframe}
            wanted.append(CandleFile(one.path, said_by_name, in_folder=True))
    return wanted, left_out


def _take_all(
    files: Sequence[CandleFile],
    take: Callable[[CandleFile], Taken],
    left_out: Sequence[LeftOut],
    first: Sequence[Taken] = (),
    *,
    append: bool,
    as_json: bool,
) -> None:
    """Take files one by one and print what became of each; a refused one of a folder does not stop the others."""
    from candleloop.errors import CandleloopError

    done, refused = list(first), []
    try:
        for file in files:
            try:
                done.append(take(file))
            except CandleloopError as error:
                if not file.in_folder:
                    raise
                refused.append((file.path, error))
    finally:
        # When one of several files is refused, those before it are in all the same.
        shown: dict[str, Any] = {"appended" if append else "imported": [result for result, _ in done]}
        if any(file.in_folder for file in files):
            shown["refused"] = [{"file": str(path), **problem_of(problem)} for path, problem in refused]
            shown["left_out"] = [{"file": str(one.path), "reason": one.reason} for one in left_out]
        lines = [line for _, lines in done for line in lines]
        if done or refused:
            emit(shown, [*lines, *(f"left out: {one.path}: {one.reason}" for one in left_out)], as_json=as_json)
    if refused:
        if not as_json:
            for path, problem in refused:
                typer.echo(f"candleloop: {path}: {said(problem)}", err=True)
            typer.echo(f"candleloop: {len(refused):,} of {len(files):,} files were refused.", err=True)
        raise typer.Exit(max(exit_code(problem) for _, problem in refused))


def _as_sent(answer: dict[str, Any], *, append: bool) -> Taken:
    """Return what a service made of a file."""
    report = _report_of(answer["report"])
    return answer, _append_lines(answer, report) if append else _import_lines(answer, report)


def _report_of(shown: dict[str, Any]) -> ImportReport:
    """Return a report as the service shows it in the domain's form, whose times are microseconds."""
    from candleloop.candles.report import ImportReport
    from candleloop.loop.instants import parse_instant

    times = {name: parse_instant(shown[name]) for name in ("first_time", "last_time")}
    return ImportReport.model_validate({**shown, **times})


def _imported(outcome: ImportOutcome) -> Taken:
    shown = {
        "series_id": outcome.series_id,
        "series_version": outcome.version,
        "symbol": outcome.symbol,
        "timeframe_seconds": outcome.timeframe_seconds,
        "created": outcome.created,
        "report": outcome.report.model_dump(mode="json"),
    }
    return shown, _import_lines(shown, outcome.report)


def _import_lines(shown: Mapping[str, Any], report: ImportReport) -> list[str]:
    state = "imported" if shown["created"] else "was there already, with the same candles"
    return [f"{shown['series_id']}: {state}", *_report_lines(report)]


def _appended(outcome: AppendOutcome) -> Taken:
    shown = {
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
    return shown, _append_lines(shown, outcome.report)


def _append_lines(shown: Mapping[str, Any], report: ImportReport) -> list[str]:
    changes = f"{shown['appended']:,} candles appended, {shown['unchanged']:,} were there already"
    if shown["revised"] or shown["inserted"]:
        changes += (
            f", {shown['revised']:,} revised, {shown['inserted']:,} put between, "
            f"{shown['flagged']:,} annotations flagged for another look"
        )
    return [f"{shown['series_id']}: {changes}; {shown['bars']:,} candles now", *_report_lines(report)]


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
