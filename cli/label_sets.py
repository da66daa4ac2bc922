"""``candleloop label-set``: a label set of TA-Lib's functions, as a file to keep and change."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.output import clear_errors, write_output


def label_set(
    name: Annotated[str, typer.Argument(help="Name of the label set, such as one-and-two.")],
    functions: Annotated[
        list[str],
        typer.Argument(
            help="Functions (CDLHAMMER) and groups of them: one-candle, two-candles, three-candles, four-candles, "
            "five-candles, confirmed-later."
        ),
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where to, as config/label_sets/NAME.yaml.")
    ] = None,
) -> None:
    """Write a label set of TA-Lib's functions: of groups, or of some by name."""
    with clear_errors(as_json=False):
        from pydantic import ValidationError

        from candleloop.errors import BadRequest
        from candleloop.patterns.label_sets import as_yaml, functions_of, label_set_of

        chosen = functions_of(functions)
        try:
            made = label_set_of(name, chosen)
        except ValidationError as error:
            told = "small letters, digits and dashes, a letter first"
            raise BadRequest(f"{name!r} is no name for a label set: {told}.", field="name", value=name) from error
        heading = f"TA-Lib's {', '.join(functions)}. Made by candleloop label-set; its order is frozen once it is used."
        write_output(as_yaml(made, heading).encode(), output)
