"""How commands print: people read lines, programs read JSON, errors say what is wrong in one place."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from candleloop.errors import CandleloopError


def emit(result: Any, lines: list[str], *, as_json: bool) -> None:
    """Print ``result`` as JSON, or ``lines`` for people."""
    if as_json:
        typer.echo(json.dumps(result, ensure_ascii=False, default=str))
    else:
        for line in lines:
            typer.echo(line)


def emit_list(name: str, items: Iterable[Any], rest: Mapping[str, Any]) -> None:
    """Print ``rest`` as JSON, before it the items under ``name``, one after another: they may be a million."""
    typer.echo(f'{{"{name}": [', nl=False)
    for place, item in enumerate(items):
        typer.echo((", " if place else "") + json.dumps(item, ensure_ascii=False, default=str), nl=False)
    typer.echo("], " + json.dumps(rest, ensure_ascii=False, default=str)[1:])


def say_json(text: str) -> None:
    """Print a line of a command that goes on, as a JSON object on a line of its own."""
    typer.echo(json.dumps({"message": text.strip()}, ensure_ascii=False))


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return aligned lines; all but the first column are right-aligned."""
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    return [_aligned(row, widths) for row in [header, *rows]]


def print_table(header: Sequence[str], rows: Callable[[], Iterable[Sequence[str]]]) -> int:
    """Print what :func:`table` returns, of rows that may be a million, and return their number.

    ``rows`` is called twice: for the widths, and to print.
    """
    widths, count = [len(cell) for cell in header], 0
    for row in rows():
        widths = [max(width, len(cell)) for width, cell in zip(widths, row, strict=True)]
        count += 1
    typer.echo(_aligned(header, widths))
    for row in rows():
        typer.echo(_aligned(row, widths))
    return count


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = enumerate(zip(row, widths, strict=True))
    return "  ".join(cell.rjust(width) if column else cell.ljust(width) for column, (cell, width) in cells).rstrip()


OPTIONS = {
    "no_symbol": "--symbol NAME",
    "several_symbols": "--symbol NAME",
    "no_such_symbol": "--symbol NAME",
    "no_timeframe": "--timeframe 1h",
    "ambiguous_dates": "--day-first or --no-day-first",
    "columns_in_doubt": "--reader NAME",
    "series_exists": "--append, or --series ID",
    "candles_differ": "--revise",
    "bad_series_id": "--series ID",
    "no_format": "--format NAME",
}
"""What a person can say about each problem; the domain's sentences know of no command line."""


@contextmanager
def clear_errors(*, as_json: bool) -> Iterator[None]:
    """Turn the domain's errors into one clear message on standard error.

    The exit code is 2 where the input is wrong and 1 where something else stands in the way.
    """
    from candleloop import errors

    try:
        yield
    except errors.CandleloopError as error:
        typer.echo(json.dumps(problem_of(error), default=str) if as_json else f"candleloop: {said(error)}", err=True)
        raise typer.Exit(exit_code(error)) from None


def problem_of(error: CandleloopError) -> dict[str, Any]:
    """Return an error as JSON shows it."""
    return {"code": error.code, "detail": error.message, **error.details}


def said(error: CandleloopError) -> str:
    """Return an error in words, with the option that helps."""
    option = OPTIONS.get(error.code)
    return error.message + (f" Option: {option}." if option else "")


def exit_code(error: CandleloopError) -> int:
    """Return what a command ends with after an error."""
    from candleloop import errors

    wrong_input = (errors.BadCandles, errors.NotACandleFile, errors.BadConfiguration, errors.BadRequest)
    return 2 if isinstance(error, wrong_input) else 1


def write_output(content: bytes, output: Path | None) -> None:
    """Write a file, or to standard output where none is named.

    Raises
    ------
    BadRequest
        When the file cannot be written.
    """
    from candleloop.errors import BadRequest

    if output is None:
        typer.echo(content, nl=False)
        return
    try:
        output.write_bytes(content)
    except OSError as error:
        raise BadRequest(f"{output}: cannot be written ({error.strerror}).", field="output") from error


class ProgressLine:
    """Shows progress on one line of a terminal; says nothing where standard error is no terminal."""

    def __init__(self) -> None:
        self.shown = False

    def __call__(self, stage: str, done: int, total: int | None = None, unit: str = "steps") -> None:
        """Show how far ``stage`` is."""
        if sys.stderr.isatty():
            share = "" if not total else f" {100 * done // total:3d} %"
            told = "" if total == 1 else f"{share}  {done:,}{f' of {total:,}' if total else ''} {unit}"
            sys.stderr.write(f"\r\033[K{stage}{told}")
            sys.stderr.flush()
            self.shown = True

    def clear(self) -> None:
        """Wipe the line, so that something else can be written there."""
        if self.shown:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()
            self.shown = False

    def __enter__(self) -> ProgressLine:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()
