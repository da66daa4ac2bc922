"""The ``candleloop`` command: thin, over the same functions as the service.

Heavy libraries are imported inside the commands, so that ``--help`` answers at once.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from cli import remote
from cli.annotations import annotations_app, card
from cli.candle_files import DayFirst, ReaderName, Symbol, Timeframe, ZoneName, zone_question
from cli.context import AsJson, LabelSetName, open_prepared
from cli.doctor import doctor
from cli.doubting import agreement, disagreements
from cli.features import features
from cli.imports import import_, report
from cli.label_sets import label_set
from cli.output import ProgressLine, clear_errors, emit, emit_list, print_table, say_json, table
from cli.remote import ServiceUrl, service_at, service_url
from cli.tables import predictions, signals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from candleloop.pipeline import TrainingOutcome
    from candleloop.training.held_out import HeldOut

app = typer.Typer(
    name="candleloop",
    help="Candlestick pattern annotation that learns: import, label, train, predict, correct, retrain.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

app.add_typer(annotations_app, name="annotations")
app.command()(card)
app.command()(doctor)
app.command()(disagreements)
app.command()(agreement)
app.command()(features)
app.command("import")(import_)
app.command()(report)
app.command("label-set")(label_set)
app.command()(predictions)
app.command()(signals)


def main() -> NoReturn:
    """Run the command line and end the process at once.

    Python's own way out waits for, and tears down, what libraries leave running: a thread of pyarrow's that is late
    by then takes the process with it (``terminate called without an active exception``), after all is said and done.
    """
    code = 0
    try:
        app()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):  # nobody reads it any more
            stream.flush()
    os._exit(code)


@app.command()
def up(as_json: AsJson = False) -> None:
    """Start everything on this machine: Redis, MLflow, API, workers, relay, dashboard. Ctrl+C stops it."""
    with clear_errors(as_json=as_json):
        from config.settings import settings
        from workers.local_stack import say_line
        from workers.local_stack import up as start

        raise typer.Exit(start(settings(), say=say_json if as_json else say_line))


@app.command()
def prepare(as_json: AsJson = False) -> None:
    """Bring the database to the present schema and put the label sets of config/ into it; `up` does so by itself."""
    with clear_errors(as_json=as_json):
        from candleloop.store import label_sets

        context, _ = open_prepared(None)
        with context.database.read() as session:
            names = [one.name for one in label_sets.every(session)]
        emit({"label_sets": names}, [f"The database is ready. Label sets: {', '.join(names)}."], as_json=as_json)


@app.command()
def label(
    series: Annotated[list[str] | None, typer.Argument(help="Series ids; all unless given.")] = None,
    label_set: LabelSetName = None,
    url: ServiceUrl = None,
    as_json: AsJson = False,
) -> None:
    """Search series with TA-Lib and store what it finds as annotations."""
    with clear_errors(as_json=as_json):
        from dataclasses import asdict

        if (address := service_url(url)) is not None:
            with service_at(address) as service, ProgressLine() as progress:
                found = remote.label(service, series, label_set, progress)
            lines = [f"{count:,} of {label}" for label, count in found["by_label"].items()]
            emit(found, [f"{found['spans']:,} spans in {found['series']:,} series", *lines], as_json=as_json)
            return
        from candleloop import pipeline

        context, name = open_prepared(label_set)
        with ProgressLine() as progress:
            outcomes = [
                pipeline.auto_label_series(context, series_id, name, progress=progress)
                for series_id in series or pipeline.all_series(context)
            ]
        lines = [
            f"{outcome.series_id}: {outcome.spans:,} spans in {outcome.covered_bars:,} of {outcome.bars:,} bars"
            + ("" if outcome.covered_bars else ": flat bars and those of the warm-up are not searched")
            for outcome in outcomes
        ]
        emit(
            {"label_set": name, "labelled": [asdict(outcome) for outcome in outcomes]},
            lines or ["There are no series yet: candleloop import FILE, or --demo."],
            as_json=as_json,
        )


@app.command()
def train(label_set: LabelSetName = None, url: ServiceUrl = None, as_json: AsJson = False) -> None:
    """Train a model on today's annotations; it goes live when it passes the gate."""
    with clear_errors(as_json=as_json):
        if (address := service_url(url)) is not None:
            with service_at(address) as service, ProgressLine() as progress:
                done = remote.train(service, label_set, progress)
            verdict = "is live now" if done["promoted"] else "does not go live"
            warnings = [f"Warning: {warning}" for warning in done["warnings"]]
            line = f"Model {done['version']} {verdict}: {' '.join(done['reasons'])}"
            emit(done, [line, *warnings], as_json=as_json)
            return
        from candleloop import pipeline

        context, name = open_prepared(label_set)
        with ProgressLine() as progress:
            outcome = pipeline.run_training(context, name, progress=progress)
        emit(outcome.as_json(), _training_lines(outcome), as_json=as_json)


def _training_lines(outcome: TrainingOutcome) -> list[str]:
    verdict = "does not go live"
    if outcome.promoted:
        verdict = "is live now"
    elif outcome.champion == outcome.version:
        verdict = "is served already: the same inputs give the same model"
    return [
        f"Model {outcome.version} {verdict}: " + " ".join(outcome.gate.reasons),
        *_evaluation_lines(outcome.evaluation.model_dump(mode="json")),
        *(f"Warning: {warning}" for warning in outcome.warnings),
    ]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _evaluation_lines(evaluation: dict[str, Any], *, on: str = "the test bars") -> list[str]:
    rows = [
        (
            item["label"],
            str(item["support"]),
            _number(item["precision"]),
            _number(item["recall"]),
            _number(item["f1"]),
        )
        for item in evaluation["labels"]
    ]
    return [
        f"Event macro-F1 at IoU 0.5 on {on}: {_number(evaluation['macro_f1'])}",
        *table(("label", "support", "precision", "recall", "F1"), rows),
    ]


@app.command()
def evaluate(
    split: Annotated[
        str | None,
        typer.Option(
            help="Train anew and measure on what is held out: test_bars, one_instant, leave_one_series_out, or random "
            "(a diagnosis of leakage only). Nothing is stored."
        ),
    ] = None,
    label_set: LabelSetName = None,
    as_json: AsJson = False,
) -> None:
    """Measure the served model on today's truth in the test bars, or what its configuration learns on a split."""
    with clear_errors(as_json=as_json):
        from candleloop import pipeline

        context, name = open_prepared(label_set)
        if split is not None:
            with ProgressLine() as progress:
                held = pipeline.evaluate_held_out(context, name, split, progress=progress)
            emit(held.model_dump(mode="json"), _held_out_lines(held), as_json=as_json)
            return
        with ProgressLine() as progress:
            version, evaluation = pipeline.evaluate_champion(context, name, progress=progress)
        shown = evaluation.model_dump(mode="json")
        emit(
            {"version": version, "evaluation": shown}, [f"Model {version}", *_evaluation_lines(shown)], as_json=as_json
        )


def _held_out_lines(held: HeldOut) -> list[str]:
    rows = [(fold.name, str(fold.evaluation.spans), _number(fold.evaluation.macro_f1)) for fold in held.folds]
    return [
        f"Held out: {held.split.value}" + (" (a diagnosis of leakage, no measurement)" if held.is_diagnosis else ""),
        *_evaluation_lines(held.evaluation.model_dump(mode="json"), on="what was held out"),
        *(table(("held out", "spans", "macro-F1"), rows) if len(rows) > 1 else []),
    ]


@app.command()
def predict(
    file: Annotated[Path, typer.Argument(help="A candle file of any known vendor.")],
    label_set: LabelSetName = None,
    min_confidence: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Show spans from this confidence; the model's thresholds unless given."),
    ] = None,
    last: Annotated[int | None, typer.Option(min=1, help="Use the last so many candles only.")] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Write what is shown to a file, too; ends in .json, .csv, .jsonl or .parquet."
        ),
    ] = None,
    symbol: Symbol = None,
    reader: ReaderName = None,
    timezone: ZoneName = None,
    timeframe: Timeframe = None,
    day_first: DayFirst = None,
    url: ServiceUrl = None,
    as_json: AsJson = False,
) -> None:
    """Find patterns in a candle file with the served model."""
    with clear_errors(as_json=as_json):
        from candleloop import pipeline

        with ProgressLine() as progress:
            how: dict[str, Any] = {
                "last": last,
                "reader": reader,
                "timezone": timezone,
                "day_first": day_first,
                "symbol": symbol,
                "timeframe": timeframe,
                "ask_zone": zone_question(progress, as_json=as_json),
                "progress": progress,
            }
            if (address := service_url(url)) is not None:
                with service_at(address) as service:
                    facts = remote.predict(service, file, label_set, **how)
                    answered = facts.pop("predictions")
                found, count = answered.__iter__, len(answered)
            else:
                context, name = open_prepared(label_set)
                predicted = pipeline.predict_file(context, file, name, **how)
                facts, found, count = predicted.facts, predicted.rows, len(predicted.found)
        model = facts["model"]

        def shown() -> Iterator[dict[str, Any]]:
            for item in found():
                if item["confidence"] >= (
                    model["thresholds"][item["label"]] if min_confidence is None else min_confidence
                ):
                    yield item

        def rows() -> Iterator[tuple[str, ...]]:
            for item in shown():
                yield (
                    item["label"],
                    item["start_time"],
                    item["end_time"],
                    f"{item['confidence']:.2f}",
                    "yes" if item["provisional"] else "",
                )

        if output is not None:
            pipeline.export_predictions(shown(), facts, output)
        if as_json:
            emit_list("predictions", shown(), facts)
            return
        many = print_table(("label", "first bar", "last bar", "confidence", "provisional"), rows)
        rest = f", {count - many} less confident ones not shown" if count > many else ""
        typer.echo(f"{many} spans by model {model['version']}{rest}.")
        for warning in facts["warnings"]:
            typer.echo(f"Warning: {warning}")


@app.command("models")
def models_(label_set: LabelSetName = None, url: ServiceUrl = None, as_json: AsJson = False) -> None:
    """List the trained model versions; the served one is marked."""
    with clear_errors(as_json=as_json):
        from candleloop import pipeline

        if (address := service_url(url)) is not None:
            with service_at(address) as service:
                name, found = remote.models(service, label_set)
        else:
            context, name = open_prepared(label_set)
            found = pipeline.list_models(context, name)
        rows = [
            (
                ("* " if item["champion"] else "  ") + item["version"],
                item["family"],
                item["trained_at"][:19].replace("T", " "),
                _number(item["macro_f1"]),
                item["registry_version"] or "-",
            )
            for item in found
        ]
        lines = table(("  version", "family", "trained (UTC)", "macro-F1", "registry"), rows)
        emit(
            {"label_set": name, "models": found},
            lines if rows else ["No model yet: candleloop import --demo, candleloop label, candleloop train."],
            as_json=as_json,
        )


@app.command()
def stage(
    name: Annotated[str, typer.Argument(help="snapshot, train or register.")],
    folder: Annotated[Path, typer.Option(help="Where the stages hand their results on.")] = Path("pipeline_output"),
    label_set: LabelSetName = None,
) -> None:
    """Run one stage of `dvc repro`; each reads what the one before left in the folder."""
    with clear_errors(as_json=False):
        from candleloop import pipeline

        context, chosen = open_prepared(label_set)
        with ProgressLine() as progress:
            for line in pipeline.run_stage(context, name, folder, chosen, progress=progress):
                progress.clear()
                typer.echo(line)


if __name__ == "__main__":
    main()
