"""The stages of the loop. The command line, ``dvc repro``, the jobs and the tests all call these functions.

Every stage takes a :class:`~candleloop.context.Context` and works on its database and storage; none reads the
environment.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from candleloop.annotations.interchange import (
    FileFormat,
    IngestReport,
    place_records,
    read_records,
    write_annotations,
    write_predictions,
)
from candleloop.annotations.label_set import LabelSet
from candleloop.annotations.places import to_times
from candleloop.annotations.truth import resolve
from candleloop.candles.demo import demo_files
from candleloop.candles.frame import Candles, IntArray
from candleloop.candles.merge import merge, refuse_other_timeframe, refuse_revision
from candleloop.candles.readers import import_candles, read_candles
from candleloop.candles.report import ImportReport, iso_time
from candleloop.candles.store import CandleStore
from candleloop.candles.timeframes import timeframe_name
from candleloop.context import Context
from candleloop.errors import BadRequest, BundleRefused, Conflict, NoModel, NotFound, TooFewLabels, Unavailable
from candleloop.inference.answer import model_facts, prediction_rows
from candleloop.inference.bundle import ModelBundle
from candleloop.inference.predictor import Predictor
from candleloop.patterns.auto_label import auto_label
from candleloop.progress import Progress, silent
from candleloop.storage import Storage
from candleloop.store import ingest, label_sets, marks, models, series
from candleloop.store.pages import MAX_PAGE
from candleloop.store.tables import SeriesRow
from candleloop.training import held_out
from candleloop.training.card import DatasetCard, dataset_card
from candleloop.training.evaluation import Evaluation
from candleloop.training.gate import GateBars, GateDecision, GateSide, decide, gate_bars, gate_side
from candleloop.training.measure import evaluation_case
from candleloop.training.report import tables
from candleloop.training.snapshot import Snapshot, SnapshotSeries
from candleloop.training.splits import last_share
from candleloop.training.tracking import Tracker
from candleloop.training.train import TrainedModel, train

PROMOTION_ATTEMPTS = 3
"""How often a candidate is compared again because somebody else promoted another model meanwhile."""


@dataclass(frozen=True)
class ImportOutcome:
    """What became of an imported file. ``created`` is false when exactly this content was there already."""

    series_id: str
    version: str
    symbol: str
    timeframe_seconds: int
    created: bool
    report: ImportReport


@dataclass(frozen=True)
class AppendOutcome:
    """What became of a file appended to a series.

    ``previous`` is the version before, ``version`` the one now (the same when nothing changed), ``bars`` the number of
    candles now. ``unchanged`` candles were stored already, ``revised`` ones got other values, ``inserted`` ones lie
    before the last stored one; ``flagged`` is the number of annotations over revised or inserted candles.
    """

    series_id: str
    version: str
    previous: str
    bars: int
    appended: int
    unchanged: int
    revised: int
    inserted: int
    flagged: int
    report: ImportReport


@dataclass(frozen=True)
class AutoLabelOutcome:
    """What an auto-label run found in one series."""

    series_id: str
    spans: int
    by_label: dict[str, int]
    covered_bars: int
    bars: int


@dataclass(frozen=True)
class TrainingOutcome:
    """A trained model version and what the gate said about it.

    ``previous`` is the version served before, ``champion`` the one served now; ``promoted`` says whether this training
    changed it.
    """

    version: str
    previous: str | None
    champion: str | None
    promoted: bool
    registry_version: str | None
    evaluation: Evaluation
    gate: GateDecision
    warnings: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return everything as plain JSON values."""
        return {
            "version": self.version,
            "previous": self.previous,
            "champion": self.champion,
            "promoted": self.promoted,
            "registry_version": self.registry_version,
            "evaluation": self.evaluation.model_dump(mode="json"),
            "gate": self.gate.model_dump(mode="json"),
            "warnings": list(self.warnings),
        }


def prepare(context: Context, sets: Iterable[LabelSet]) -> None:
    """Make the label sets known to the database.

    Raises
    ------
    Conflict
        When the database holds another definition under the name of one of them: label sets are frozen.
    """
    with context.database.begin() as session:
        for label_set in sets:
            label_sets.ensure(session, label_set)


def import_file(
    context: Context,
    source: Path | bytes,
    *,
    name: str | None = None,
    symbol: str | None = None,
    series_id: str | None = None,
    reader: str | None = None,
    timezone: str | None = None,
    timeframe: str | None = None,
    day_first: bool | None = None,
    strict: bool = False,
    progress: Progress = silent,
) -> ImportOutcome:
    """Read a vendor file, store its candles and freeze its test bars; large files in constant memory.

    Parameters
    ----------
    source
        A path, or the content of a file; then ``name`` says what it was called.
    symbol, series_id
        What the series is called; taken from the file or its name unless given. The default id is ``SYMBOL-TIMEFRAME``.
    reader, timezone, timeframe, day_first, strict
        See :func:`candleloop.candles.readers.read_candles`.

    Raises
    ------
    NotACandleFile, BadCandles
        When the file holds no candles that can be used.
    Conflict
        When the series exists with other candles.
    """
    store = CandleStore(context.storage)
    with store.writer() as writer:
        imported = import_candles(
            source,
            writer,
            name=name,
            symbol=symbol,
            reader=reader,
            timezone=timezone,
            timeframe=timeframe,
            day_first=day_first,
            strict=strict,
            progress=progress,
        )
        report = imported.report
        symbol = _known_symbol(symbol or imported.symbol)
        series_id = series_id or _series_id(symbol, imported.timeframe_seconds)
        version = writer.finish(series_id)
    # The share of the places is the share of the bars; only one time has to be looked up.
    first_test = last_share(range(report.rows_kept))
    test_bars = None if first_test is None else (store.time_at(series_id, version, first_test[0]), report.last_time)
    with context.database.begin() as session:
        created = series.add_series(
            session,
            series_id=series_id,
            symbol=symbol,
            timeframe_seconds=imported.timeframe_seconds,
            source=imported.source,
            session_kind=imported.session.value,
            version=version,
            bars=report.rows_kept,
            first_time=report.first_time,
            last_time=report.last_time,
            report=report.model_dump(mode="json"),
            test_bars=test_bars,
        )
    return ImportOutcome(series_id, version, symbol, imported.timeframe_seconds, created, report)


def append_file(
    context: Context,
    series_id: str | None,
    source: Path | bytes,
    *,
    name: str | None = None,
    symbol: str | None = None,
    reader: str | None = None,
    timezone: str | None = None,
    timeframe: str | None = None,
    day_first: bool | None = None,
    strict: bool = False,
    revise: bool = False,
    progress: Progress = silent,
) -> AppendOutcome:
    """Add the candles of a vendor file to a series: a new version of the same series, the old one stays readable.

    Candles that are stored already may be in the file again. The test bars stay as they were frozen at import. Nothing
    of the series changes unless all of it does.

    Parameters
    ----------
    series_id
        The series; None for the one that :func:`import_file` would name after this file.
    source
        A path, or the content of a file; then ``name`` says what it was called.
    symbol
        Which symbol to read from a file that holds several; the one of the series unless given.
    reader, timezone, timeframe, day_first, strict
        See :func:`candleloop.candles.readers.read_candles`.
    revise
        Accept other values for stored candles, and candles before the last stored one; annotations over them are
        flagged.

    Raises
    ------
    NotFound
        When there is no such series.
    NotACandleFile, BadCandles
        When the file holds no candles that can be used; ``timeframe_denied`` when they are of another timeframe.
    Conflict
        ``candles_differ`` when the file would change stored candles and ``revise`` is not said, ``series_moved`` when
        somebody else changed the series at the same time.
    """
    row = None if series_id is None else _series_row(context, series_id)
    imported = read_candles(
        source,
        name=name,
        symbol=symbol or (row.symbol if row else None),
        reader=reader,
        timezone=timezone,
        timeframe=timeframe or (timeframe_name(row.timeframe_seconds) if row else None),
        day_first=day_first,
        strict=strict,
        progress=progress,
    )
    if row is None:
        row = _series_row(context, _series_id(symbol or imported.symbol, imported.timeframe_seconds))
    series_id, previous = row.id, row.version
    store = CandleStore(context.storage)
    stored = store.read(series_id, previous)
    refuse_other_timeframe(stored, imported, row.timeframe_seconds)
    merged = merge(stored, imported.candles)
    if not revise:
        refuse_revision(merged)
    candles, report = merged.candles, imported.report
    changed = np.sort(np.concatenate([merged.revised, merged.inserted]))
    version, flagged = previous, 0
    if merged.appended or len(changed):
        version = store.write(series_id, candles)
        with context.database.begin() as session:
            series.replace_version(
                session,
                series_id,
                expected_version=previous,
                version=version,
                bars=len(candles),
                first_time=int(candles.time[0]),
                last_time=int(candles.time[-1]),
                report=report.model_dump(mode="json"),
            )
            flagged = series.flag_annotations(session, series_id, changed.tolist())
    return AppendOutcome(
        series_id=series_id,
        version=version,
        previous=previous,
        bars=len(candles),
        appended=merged.appended,
        unchanged=merged.unchanged,
        revised=len(merged.revised),
        inserted=len(merged.inserted),
        flagged=flagged,
        report=report,
    )


def import_demo(context: Context, progress: Progress = silent) -> list[ImportOutcome]:
    """Import the demo series: daily candles of four US stocks from the package ``bokeh_sampledata``."""
    files = demo_files()
    outcomes = []
    for done, (symbol, path) in enumerate(files):
        progress("importing demo series", done, len(files), "series")
        outcomes.append(import_file(context, path, symbol=symbol))
    progress("importing demo series", len(files), len(files), "series")
    return outcomes


def read_series(
    context: Context, series_id: str, *, start_time: int | None = None, end_time: int | None = None
) -> Candles:
    """Return the candles of a series' current version between two bar-open times, both inclusive.

    Raises
    ------
    NotFound
        When there is no such series.
    """
    with context.database.read() as session:
        version = series.get_series(session, series_id).version
    return CandleStore(context.storage).read(series_id, version, start_time=start_time, end_time=end_time)


def auto_label_series(
    context: Context,
    series_id: str,
    label_set_name: str,
    *,
    job_id: str | None = None,
    progress: Progress = silent,
) -> AutoLabelOutcome:
    """Search a series with TA-Lib and store the spans it finds, with the range it searched.

    Earlier ``talib`` annotations of this series and label set are replaced; what a person decided stays.
    """
    with context.database.read() as session:
        label_set = label_sets.get(session, label_set_name)
    candles = read_series(context, series_id)
    found = auto_label(candles, label_set, context.config.auto_label, max_gap=context.max_gap, progress=progress)
    with context.database.begin() as session:
        marks.replace_talib(
            session,
            series_id,
            label_set,
            labels=found.labels,
            spans=to_times(found.spans, candles.time),
            covered=_runs(found.covered, candles.time),
            job_id=job_id,
        )
    counts = np.bincount(found.spans.label, minlength=len(label_set)).tolist()
    return AutoLabelOutcome(
        series_id,
        len(found.spans),
        dict(zip(label_set.names, counts, strict=True)),
        int(found.covered.sum()),
        len(candles),
    )


def all_series(context: Context) -> list[str]:
    """Return the ids of all series, in order."""
    with context.database.read() as session:
        return [row.id for row in series.every_series(session)]


def take_snapshot(context: Context, label_set_name: str) -> Snapshot:
    """Collect what a training run sees at this moment: all marks of the label set and the versions of their series."""
    with context.database.read() as session:
        label_set = label_sets.get(session, label_set_name)
        parts = []
        for row in series.every_series(session):
            test = series.test_bars(session, row.id)
            parts.append(
                SnapshotSeries(
                    series_id=row.id,
                    version=row.version,
                    test_start_time=None if test is None else test[0],
                    test_end_time=None if test is None else test[1],
                    marks=marks.load_marks(session, row.id, label_set),
                )
            )
    return Snapshot(label_set=label_set, series=tuple(parts))


def train_snapshot(context: Context, snapshot: Snapshot, *, progress: Progress = silent) -> TrainedModel:
    """Fit, calibrate and evaluate a model on a snapshot; nothing is registered and nothing goes live.

    Raises
    ------
    TooFewLabels
        With the number of teaching spans by label.
    """
    return train(
        snapshot, CandleStore(context.storage).read, context.config, max_gap=context.max_gap, progress=progress
    )


def require_enough_labels(context: Context, label_set_name: str) -> dict[str, int]:
    """Return the number of spans outside the test bars by label, people's and TA-Lib's together.

    Raises
    ------
    TooFewLabels
        When no label has enough of them to learn from; ``counts`` says what there is.
    """
    teaching = take_snapshot(context, label_set_name).counts().teaching
    counts = {label: teaching.human[label] + teaching.talib[label] for label in teaching.human}
    minimum = context.config.training.min_spans_per_label
    if max(counts.values()) < minimum:
        found = ", ".join(f"{label} {count}" for label, count in counts.items())
        raise TooFewLabels(
            f"No label has {minimum} spans to learn from outside the test bars: auto-label a series or annotate more. "
            f"There are: {found}.",
            counts=counts,
            minimum=minimum,
        )
    return counts


def run_training(
    context: Context, label_set_name: str, *, job_id: str | None = None, progress: Progress = silent
) -> TrainingOutcome:
    """Train on today's marks, register the model and let it go live when it passes the gate.

    Raises
    ------
    TooFewLabels
        With the number of teaching spans by label.
    """
    require_enough_labels(context, label_set_name)
    snapshot = take_snapshot(context, label_set_name)
    snapshot.write(context.storage)
    describe(context, snapshot, progress=progress)
    trained = train_snapshot(context, snapshot, progress=progress)
    return register(context, trained, job_id=job_id, progress=progress)


def register(
    context: Context, trained: TrainedModel, *, job_id: str | None = None, progress: Progress = silent
) -> TrainingOutcome:
    """Store a trained model, track it, compare it with the champion on today's truth and promote it if it passes.

    Safe to repeat: the same model again changes nothing. MLflow may be away: the model is stored, compared and served
    all the same, and a warning says that the run is not tracked.
    """
    bundle = trained.bundle
    label_set = bundle.label_set.name
    sha256 = bundle.save(context.storage)
    warnings = list(trained.warnings)
    tracker = Tracker(context.tracking_url)
    progress("tracking the run", 0, 1, "runs")
    try:
        run = tracker.log(trained, job_id=job_id)
    except Unavailable as error:
        run = None
        warnings.append(f"The run is not in MLflow: {error.message}")
    progress("tracking the run", 1, 1, "runs")
    for attempt in range(1, PROMOTION_ATTEMPTS + 1):
        progress("comparing with the champion", 0, 1, "models")
        with context.database.read() as session:
            champion = models.champion(session, label_set)
            held, revision = (None, None) if champion is None else (champion.version, champion.revision)
            pinned = champion is not None and champion.pinned
        decision, refused = _compare(context, bundle, held)
        try:
            with context.database.begin() as session:
                models.add_model(
                    session,
                    version=bundle.version,
                    label_set=label_set,
                    family=bundle.family,
                    snapshot=bundle.snapshot,
                    bundle_sha256=sha256,
                    metrics=trained.evaluation.model_dump(mode="json"),
                    gate=decision.model_dump(mode="json"),
                    trained_at=bundle.trained_at,
                    registry_version=None if run is None else run.registry_version,
                    run_id=None if run is None else run.run_id,
                    job_id=job_id,
                )
                if decision.promote and not pinned:
                    models.promote(
                        session,
                        label_set,
                        bundle.version,
                        expected_revision=revision,
                        how=models.How.AUTOMATIC,
                        reason=decision.reasons[0],
                    )
        except Conflict as error:
            if error.code not in {"champion_moved", "champion_pinned"} or attempt == PROMOTION_ATTEMPTS:
                raise
            continue
        break
    progress("comparing with the champion", 1, 1, "models")
    if refused is not None:
        warnings.append(f"The champion {held} could not be compared with: {refused}")
    if decision.promote and pinned and held != bundle.version:
        warnings.append(f"The model passed the gate, but version {held} is pinned and stays.")
    served = bundle.version if decision.promote and not pinned else held
    if served == bundle.version and run is not None:
        try:
            tracker.set_champion(label_set, run.registry_version)
        except Unavailable as error:
            warnings.append(f"The champion alias in MLflow did not move: {error.message}")
    return TrainingOutcome(
        version=bundle.version,
        previous=held,
        champion=served,
        promoted=served == bundle.version and held != bundle.version,
        registry_version=None if run is None else run.registry_version,
        evaluation=trained.evaluation,
        gate=decision,
        warnings=tuple(warnings),
    )


def champion_bundle(context: Context, label_set_name: str) -> tuple[ModelBundle, str | None]:
    """Return the model that a label set serves and its number in the MLflow registry.

    Raises
    ------
    NoModel
        When there is none yet; the message says how to get one.
    BundleRefused
        When its bundle is damaged or of another TA-Lib version.
    """
    with context.database.read() as session:
        label_sets.get(session, label_set_name)
        champion = models.champion(session, label_set_name)
        if champion is None:
            raise NoModel(
                f"Label set {label_set_name!r} has no model yet. Import a series, auto-label or annotate it, train: "
                "candleloop import FILE, candleloop label, candleloop train.",
                label_set=label_set_name,
            )
        row = models.get(session, champion.version)
        sha256, registry_version = row.bundle_sha256, row.registry_version
    return ModelBundle.load(context.storage, champion.version, sha256=sha256), registry_version


def evaluate_champion(context: Context, label_set_name: str, *, progress: Progress = silent) -> tuple[str, Evaluation]:
    """Measure the served model on today's truth in the test bars; return its version and its scores."""
    bundle, _ = champion_bundle(context, label_set_name)
    sides, _ = _gate_sides(context, [bundle], progress=progress)
    return bundle.version, sides[0].evaluation


def evaluate_held_out(
    context: Context, label_set_name: str, split: str, *, progress: Progress = silent
) -> held_out.HeldOut:
    """Train on today's marks and measure on what a split holds out; nothing is stored and nothing goes live.

    ``split`` is the name of a :class:`~candleloop.training.held_out.Split`.

    Raises
    ------
    BadRequest
        When there is no such split, or too few series or bars for it.
    TooFewLabels
        With the number of teaching spans by label.
    """
    chosen = held_out.Split.named(split)
    snapshot = take_snapshot(context, label_set_name)
    return held_out.evaluate_held_out(
        snapshot, CandleStore(context.storage).read, context.config, chosen, max_gap=context.max_gap, progress=progress
    )


def predict_file(
    context: Context,
    source: Path,
    label_set_name: str,
    *,
    last: int | None = None,
    reader: str | None = None,
    timezone: str | None = None,
    day_first: bool | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Find patterns in a vendor file with the served model; the answer has the form of ``POST /predict``."""
    bundle, registry_version = champion_bundle(context, label_set_name)
    imported = read_candles(source, reader=reader, timezone=timezone, day_first=day_first, progress=progress)
    candles = imported.candles[-last:] if last is not None else imported.candles
    found = Predictor(bundle).predict(candles, max_gap=context.max_gap)
    defects = [line for defect in imported.report.defects for line in [f"{defect.kind}: {defect.count} rows"]]
    return {
        "predictions": prediction_rows(found, candles.time, bundle.label_set),
        "model": model_facts(bundle, registry_version),
        "warnings": [*found.warnings, *defects],
    }


def export_predictions(result: Mapping[str, Any], path: Path) -> None:
    """Write what :func:`predict_file` found to a file, marked as a model's so that no import takes it for annotations.

    Raises
    ------
    BadRequest
        When the ending of the file is none of json, csv and jsonl, or it cannot be written.
    """
    model = result["model"]
    # A file that was only looked at is no series.
    more = {"series_id": None, "label_set": model["label_set"], "model_version": model["version"]}
    content = write_predictions([{**row, **more} for row in result["predictions"]], _format_of(path))
    try:
        path.write_bytes(content)
    except OSError as error:
        raise BadRequest(f"{path}: cannot be written ({error.strerror}).", field="output") from error


def list_models(context: Context, label_set_name: str) -> list[dict[str, Any]]:
    """Return the latest trained versions of a label set, newest first."""
    with context.database.read() as session:
        label_sets.get(session, label_set_name)
        champion = models.champion(session, label_set_name)
        return [
            {
                "version": row.version,
                "family": row.family,
                "trained_at": row.trained_at.isoformat(),
                "macro_f1": row.metrics.get("macro_f1"),
                "registry_version": row.registry_version,
                "champion": champion is not None and champion.version == row.version,
                "pinned": champion is not None and champion.version == row.version and champion.pinned,
                "promoted_by_gate": row.gate.get("promote"),
            }
            for row in models.list_models(session, label_set=label_set_name).items
        ]


def run_stage(
    context: Context, name: str, folder: Path, label_set_name: str, *, progress: Progress = silent
) -> list[str]:
    """Run one stage for ``dvc repro``, handing files on in ``folder``; return what to tell the user.

    ``snapshot`` writes what training would see now, ``train`` makes a model and its metrics from it, ``register``
    stores, compares and perhaps promotes it: the three parts of :func:`run_training`.
    """
    folder = folder.resolve()
    if name == "snapshot":
        require_enough_labels(context, label_set_name)
        snapshot = take_snapshot(context, label_set_name)
        _empty_folder(folder / "snapshot")
        beside = Storage(f"file://{folder / 'snapshot'}")
        snapshot.write(beside)
        describe(context, snapshot, storage=beside, progress=progress)
        (folder / "snapshot" / "hash").write_text(snapshot.content_hash())
        return [f"Snapshot {snapshot.content_hash()} of {len(snapshot.series)} series."]
    if name == "train":
        content_hash = (folder / "snapshot" / "hash").read_text()
        snapshot = Snapshot.read(Storage(f"file://{folder / 'snapshot'}"), content_hash)
        trained = train_snapshot(context, snapshot, progress=progress)
        _empty_folder(folder / "model")
        _write_trained(trained, folder / "model")
        (folder / "metrics.json").write_text(trained.evaluation.model_dump_json(indent=2) + "\n")
        _empty_folder(folder / "plots")
        for table, text in tables(trained).items():
            (folder / "plots" / table).write_text(text)
        return [f"Model {trained.bundle.version}, event macro-F1 {trained.evaluation.macro_f1}."]
    if name == "register":
        outcome = register(context, _read_trained(folder / "model"), progress=progress)
        (folder / "registered.json").write_text(json.dumps(outcome.as_json(), indent=2) + "\n")
        return [f"Model {outcome.version}: {' '.join(outcome.gate.reasons)}", *outcome.warnings]
    raise BadRequest(f"There is no stage {name!r}; there are snapshot, train and register.", field="name")


def describe(
    context: Context, snapshot: Snapshot, *, storage: Storage | None = None, progress: Progress = silent
) -> DatasetCard:
    """Make the card of a snapshot and write it beside where the snapshot is, the context's storage unless given."""
    card = dataset_card(
        snapshot,
        CandleStore(context.storage).read,
        context.config.auto_label,
        max_gap=context.max_gap,
        progress=progress,
    )
    card.write(storage or context.storage)
    return card


def import_annotations(
    context: Context,
    series_id: str,
    label_set_name: str,
    source: Path | bytes,
    *,
    as_: Literal["human", "talib"],
    format: FileFormat | None = None,
    complete: bool = False,
) -> IngestReport:
    """Add the spans of a file to a series, as a person's (origin ``imported``) or as TA-Lib's.

    Parameters
    ----------
    source
        A path, or the content of a file; then ``format`` says what it is.
    as_
        What the importer says; what the file says itself is only kept as ``declared_source``.
    format
        Told by the ending of the file unless given.
    complete
        The person who marked these spans has looked at every bar of the series for every label: it becomes reviewed,
        so that what they left out teaches background.

    Raises
    ------
    BadRequest
        When the file cannot be read, holds predictions, or is about other candles or labels, or when spans of TA-Lib
        are called complete: its searches are covered, not reviewed.
    NotFound
        When there is no such series or label set.
    """
    if complete and as_ == "talib":
        raise BadRequest("Only a person's annotations can be complete; let TA-Lib search itself.", field="complete")
    if isinstance(source, Path):
        content, format = _span_file(source, format)
    elif format is None:
        raise BadRequest("Say which format the content has: json, csv or jsonl.", field="format")
    else:
        content = source
    records = read_records(content, format)
    with context.database.read() as session:
        label_set = label_sets.get(session, label_set_name)
    time = read_series(context, series_id).time
    placed = place_records(records, series_id, time, label_set)
    with context.database.begin() as session:
        new = ingest.add_imported(
            session, series_id, label_set, to_times(placed.spans, time), placed.sources, as_talib=as_ == "talib"
        )
        if complete:
            ingest.add_reviewed(session, series_id, label_set, int(time[0]), int(time[-1]))
    return placed.report(label_set, new)


def export_annotations(context: Context, series_id: str, label_set_name: str, format: FileFormat) -> bytes:
    """Return the annotations of a series as a file, in the order of time, each with its origin."""
    with context.database.read() as session:
        series.get_series(session, series_id)
        label_sets.get(session, label_set_name)
        rows: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            page = marks.list_annotations(session, series_id, label_set_name, limit=MAX_PAGE, cursor=cursor)
            rows += [
                {
                    "series_id": series_id,
                    "label_set": label_set_name,
                    "label": row.label,
                    "start_time": iso_time(row.start_time),
                    "end_time": iso_time(row.end_time),
                    "origin": row.origin,
                    "declared_source": row.declared_source,
                }
                for row in page.items
            ]
            cursor = page.next_cursor
            if cursor is None:
                break
    return write_annotations(rows, format)


def _span_file(path: Path, format: FileFormat | None) -> tuple[bytes, FileFormat]:
    format = format or _format_of(path)
    try:
        return path.read_bytes(), format
    except OSError as error:
        raise BadRequest(f"{path}: cannot be read ({error.strerror}).", field="source") from error


def _format_of(path: Path) -> FileFormat:
    ending = path.suffix.lower().lstrip(".")
    if ending not in set(FileFormat):
        raise BadRequest(f"{path.name}: its ending does not say whether it is json, csv or jsonl.", field="format")
    return FileFormat(ending)


def _compare(context: Context, candidate: ModelBundle, held: str | None) -> tuple[GateDecision, str | None]:
    """Ask the gate; return its decision and why the champion could not be measured, if so."""
    champion, refused = None, None
    if held is not None:
        try:
            champion = ModelBundle.load(context.storage, held)
        except (BundleRefused, NotFound) as error:
            refused = error.message
    sides, bars = _gate_sides(context, [candidate] if champion is None else [candidate, champion])
    decision = decide(
        sides[0],
        None if champion is None else sides[1],
        context.config.gate,
        bars=bars,
        seed=context.config.training.seed,
    )
    return decision, refused


def _gate_sides(
    context: Context, bundles: Sequence[ModelBundle], *, progress: Progress = silent
) -> tuple[list[GateSide], GateBars]:
    """Measure models of one label set on today's truth in the test bars."""
    label_set = bundles[0].label_set
    snapshot = take_snapshot(context, label_set.name)
    store = CandleStore(context.storage)
    candles = [store.read(one.series_id, one.version) for one in snapshot.series]
    truths = [resolve(one.marks, own.time, len(label_set)) for one, own in zip(snapshot.series, candles, strict=True)]
    bars = gate_bars(
        truths,
        [one.test_bars(own.time) for one, own in zip(snapshot.series, candles, strict=True)],
        context.config.gate,
    )
    sides = []
    for bundle in bundles:
        predictor = Predictor(bundle, threads=context.config.training.threads)
        cases = []
        for done, (one, own, truth, mask) in enumerate(zip(snapshot.series, candles, truths, bars.masks, strict=True)):
            progress("measuring", done, len(candles), "series")
            cases.append(evaluation_case(predictor, one.series_id, own, truth, mask, max_gap=context.max_gap))
        sides.append(
            gate_side(cases, label_set, bundle.thresholds, context.config.evaluation, seed=context.config.training.seed)
        )
    return sides, bars


def _write_trained(trained: TrainedModel, folder: Path) -> None:
    (folder / "model.zip").write_bytes(trained.bundle.to_bytes())
    facts = {"counts": trained.counts, "left_out": trained.left_out, "warnings": trained.warnings}
    (folder / "training.json").write_text(json.dumps(facts, indent=2) + "\n")


def _read_trained(folder: Path) -> TrainedModel:
    bundle = ModelBundle.from_bytes((folder / "model.zip").read_bytes())
    facts = json.loads((folder / "training.json").read_text())
    return TrainedModel(
        bundle=bundle,
        evaluation=Evaluation.model_validate(bundle.metrics),
        counts=facts["counts"],
        left_out=tuple(facts["left_out"]),
        warnings=tuple(facts["warnings"]),
    )


def _empty_folder(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def _known_symbol(symbol: str | None) -> str:
    if symbol is None:
        raise BadRequest("The file does not say which instrument this is: give a symbol.", field="symbol")
    return symbol


def _series_id(symbol: str | None, timeframe_seconds: int) -> str:
    return f"{_slug(_known_symbol(symbol))}-{timeframe_name(timeframe_seconds)}"


def _series_row(context: Context, series_id: str) -> SeriesRow:
    with context.database.read() as session:
        return series.get_series(session, series_id)


def _slug(symbol: str) -> str:
    return "".join(character if character.isalnum() or character in "._" else "-" for character in symbol).strip("-.")


def _runs(mask: np.ndarray[Any, np.dtype[np.bool_]], time: IntArray) -> list[tuple[int, int]]:
    """Return the runs of true bars as pairs of bar-open times, both inclusive."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(int(time[start]), int(time[end - 1])) for start, end in edges.reshape(-1, 2).tolist()]
