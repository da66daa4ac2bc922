"""What every command that reads a candle file shares: its options, and the question for the time zone."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from cli.output import ProgressLine

if TYPE_CHECKING:
    from candleloop.candles.readers import AskZone

Symbol = Annotated[
    str | None, typer.Option(help="Which instrument of a file that holds several; else how to call the one it holds.")
]
ReaderName = Annotated[str | None, typer.Option("--reader", help="Vendor family; recognised by content unless given.")]
ZoneName = Annotated[
    str | None, typer.Option("--timezone", help="Time zone of times without offset, e.g. Europe/Berlin.")
]
Timeframe = Annotated[str | None, typer.Option(help="What the file claims to hold, e.g. 1h; checked.")]
DayFirst = Annotated[bool | None, typer.Option(help="How to read 01.02.2024 where the file does not tell.")]

ZONE_HINT = "nothing tells the time zone of these times: say --timezone ZONE if it is not UTC"


def zone_question(progress: ProgressLine, *, as_json: bool) -> AskZone | None:
    """Return how to ask for the time zone of a file; None where nobody is there to answer."""
    if as_json or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None

    def ask(name: str, first_time: str) -> str:
        from candleloop.candles.readers.times import zone_called
        from candleloop.errors import BadRequest

        progress.clear()
        typer.echo(f"{name} does not say in which time zone its times are; the first is {first_time}.", err=True)
        while True:
            answer: str = typer.prompt("Time zone, such as America/New_York", default="UTC", err=True)
            try:
                zone_called(answer)
            except BadRequest as error:
                typer.echo(error.message, err=True)
            else:
                return answer

    return ask
