"""The commands that say what to doubt: labels that are probably wrong, and how far two annotators agree."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from cli import remote
from cli.context import AsJson, LabelSetName, open_prepared
from cli.output import ProgressLine, clear_errors, emit, table
from cli.remote import ServiceUrl, service_at, service_url


class KindName(StrEnum):
    """How model and labels disagree."""

    OVERLOOKED = "overlooked"
    UNSUPPORTED = "unsupported"
    SWAP = "swap"
    BADLOC = "badloc"


SeriesIds = Annotated[list[str] | None, typer.Option("--series", help="Only this series; may be given several times.")]


def disagreements(
    series: SeriesIds = None,
    kind: Annotated[list[KindName] | None, typer.Option(help="Only this kind; may be given several times.")] = None,
    most: Annotated[int, typer.Option(min=1, help="How many to list.")] = 50,
    every: Annotated[
        bool,
        typer.Option(
            "--all", help="With series that nobody has labelled: all that the model is sure of is overlooked there."
        ),
    ] = False,
    label_set: LabelSetName = None,
    url: ServiceUrl = None,
    as_json: AsJson = False,
) -> None:
    """List labels that are probably wrong or missing, the likeliest first, over all series."""
    with clear_errors(as_json=as_json), ProgressLine() as progress:
        kinds = None if kind is None else [one.value for one in kind]
        if (address := service_url(url)) is not None:
            with service_at(address) as service:
                rows, found, left_out = remote.suspects(
                    service, series=series, kinds=kinds, unlabelled=every, most=most, label_set=label_set
                )
        else:
            rows, found, left_out = _suspects(series, kinds, every, most, label_set, progress)
        progress.clear()
        header = ("series", "kind", "likely", "from", "to", "annotated", "the model says", "out of fold")
        lines = [
            (
                row["series_id"],
                row["kind"],
                f"{row['likelihood']:.0%}",
                row["start_time"],
                row["end_time"],
                row["annotated"] or "-",
                row["predicted"] or "-",
                "yes" if row["out_of_fold"] else "no",
            )
            for row in rows
        ]
        more = "; --most N lists more" if len(rows) < found else ""
        shown = [f"{len(rows)} of {found} disagreements, the label most likely to be wrong first{more}."]
        if left_out:
            shown.append(
                f"Left out: {left_out} series with predictions that nobody has labelled; --all shows them too."
            )
        emit({"items": rows, "found": found, "left_out": left_out}, [*table(header, lines), *shown], as_json=as_json)


def _suspects(
    series: list[str] | None,
    kinds: list[str] | None,
    every: bool,
    most: int,
    label_set: str | None,
    progress: ProgressLine,
) -> tuple[list[dict[str, Any]], int, int]:
    """Return what :func:`cli.remote.suspects` returns, of this machine's own data."""
    from candleloop import pipeline
    from candleloop.loop.disagreement import Kind
    from candleloop.loop.instants import format_instant

    context, name = open_prepared(label_set)
    chosen = None if kinds is None else [Kind(one) for one in kinds]
    found, left_out = pipeline.list_suspects(
        context, name, series_ids=series, kinds=chosen, unlabelled=every, progress=progress
    )
    rows = [
        {
            "series_id": one.series_id,
            "kind": one.dispute.kind.value,
            "likelihood": round(one.likelihood, 4),
            "out_of_fold": one.out_of_fold,
            "start_time": format_instant(one.dispute.start_time),
            "end_time": format_instant(one.dispute.end_time),
            "annotated": None if one.dispute.annotation is None else one.dispute.annotation[0],
            "predicted": None if one.dispute.prediction is None else one.dispute.prediction.label,
        }
        for one in found[:most]
    ]
    return rows, len(found), left_out


def agreement(
    first: Annotated[str, typer.Argument(help="talib, people, or the name of an annotator.")],
    second: Annotated[str, typer.Argument(help="The same.")],
    series: SeriesIds = None,
    label_set: LabelSetName = None,
    url: ServiceUrl = None,
    as_json: AsJson = False,
) -> None:
    """Say how far two annotators agree: event F1 by label, neither of them the truth."""
    with clear_errors(as_json=as_json):
        from dataclasses import asdict

        from candleloop import pipeline

        if (address := service_url(url)) is not None:
            with service_at(address) as service:
                found = service.agreement(first, second, series=series, label_set=label_set)
        else:
            context, name = open_prepared(label_set)
            measured = pipeline.measure_agreement(context, name, first, second, series_ids=series)
            found = {**asdict(measured), "label_set": name}

        def score(f1: float | None) -> str:
            return "-" if f1 is None else f"{f1:.3f}"

        lines = [
            (one["label"], str(one["first"]), str(one["second"]), str(one["matched"]), score(one["f1"]))
            for one in found["labels"]
        ]
        total = f"Event macro-F1 {score(found['macro_f1'])} on {found['bars']} bars of {found['series']} series."
        emit(found, [*table(("label", first, second, "both", "F1"), lines), total], as_json=as_json)
