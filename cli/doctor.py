"""``candleloop doctor``: leaks and disagreements, looked for on the user's own series."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.context import AsJson, LabelSetName, open_prepared
from cli.output import ProgressLine, clear_errors, emit


def doctor(
    series: Annotated[list[str] | None, typer.Argument(help="Series ids; all unless given.")] = None,
    label_set: LabelSetName = None,
    quick: Annotated[bool, typer.Option("--quick", help="Leave out the checks that fit models.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check on your own series that nothing leaks and that requests, batches and training agree. Exit code 1 if not."""
    with clear_errors(as_json=as_json):
        from candleloop.doctor import examine

        context, name = open_prepared(label_set)
        with ProgressLine() as progress:
            report = examine(context, name, series or (), quick=quick, progress=progress)
        emit(report.as_json(), report.lines(), as_json=as_json)
        if not report.clean:
            raise typer.Exit(1)
