"""What every command opens, and the options that many share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from candleloop.context import Context

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
LabelSetName = Annotated[str | None, typer.Option("--label-set", help="Label set; the configured one unless given.")]


def open_prepared(name: str | None) -> tuple[Context, str]:
    """Open the context, bring the database up to date and return it with the name of the label set."""
    from candleloop import pipeline
    from candleloop.store.database import migrate
    from config.context import label_sets_on_disk, open_context
    from config.settings import settings

    if settings().service_url is not None:
        typer.echo(
            f"candleloop: this is about the data of {settings().home_path}, not about CANDLELOOP_SERVICE_URL.", err=True
        )
    settings().home_path.mkdir(parents=True, exist_ok=True)
    context = open_context()
    migrate(settings().database)
    pipeline.prepare(context, label_sets_on_disk())
    return context, name or context.config.label_set
