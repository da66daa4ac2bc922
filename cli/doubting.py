"""The commands that say what to doubt: labels that are probably wrong, and how far two annotators agree."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from cli.context import AsJson, LabelSetName, open_prepared
from cli.output import ProgressLine, clear_errors, emit, table


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
    label_set: LabelSetName = None,
    as_json: AsJson = False,
) -> None:
    """List labels that are probably wrong or missing, the likeliest first, over all series."""
    with clear_errors(as_json=as_json), ProgressLine() as progress:
        from candleloop import pipeline
        from candleloop.loop.disagreement import Kind
        from candleloop.loop.instants import format_instant

        context, name = open_prepared(label_set)
        kinds = None if kind is None else [Kind(one.value) for one in kind]
        found = pipeline.list_suspects(context, name, series_ids=series, kinds=kinds, progress=progress)
        progress.clear()
        rows: list[dict[str, Any]] = []
        for one in found[:most]:
            dispute = one.dispute
            rows.append(
                {
                    "series_id": one.series_id,
                    "kind": dispute.kind.value,
                    "likelihood": round(one.likelihood, 4),
                    "out_of_fold": one.out_of_fold,
                    "start_time": format_instant(dispute.start_time),
                    "end_time": format_instant(dispute.end_time),
                    "annotated": None if dispute.annotation is None else dispute.annotation[0],
                    "predicted": None if dispute.prediction is None else dispute.prediction.label,
                }
            )
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
        shown = f"{len(rows)} of {len(found)} disagreements, the label most likely to be wrong first."
        emit({"items": rows, "found": len(found)}, [*table(header, lines), shown], as_json=as_json)


def agreement(
    first: Annotated[str, typer.Argument(help="talib, people, or the name of an annotator.")],
    second: Annotated[str, typer.Argument(help="The same.")],
    series: SeriesIds = None,
    label_set: LabelSetName = None,
    as_json: AsJson = False,
) -> None:
    """Say how far two annotators agree: event F1 by label, neither of them the truth."""
    with clear_errors(as_json=as_json):
        from dataclasses import asdict

        from candleloop import pipeline

        context, name = open_prepared(label_set)
        found = pipeline.measure_agreement(context, name, first, second, series_ids=series)
        lines = [
            (one.label, str(one.first), str(one.second), str(one.matched), "-" if one.f1 is None else f"{one.f1:.3f}")
            for one in found.labels
        ]
        macro = "-" if found.macro_f1 is None else f"{found.macro_f1:.3f}"
        total = f"Event macro-F1 {macro} on {found.bars} bars of {found.series} series."
        emit(asdict(found), [*table(("label", first, second, "both", "F1"), lines), total], as_json=as_json)
