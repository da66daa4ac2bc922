"""Training on a snapshot, registering the model, and the gate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from candleloop.candles.store import CandleStore
from candleloop.context import Context
from candleloop.errors import BundleRefused, Conflict, NotFound, Unavailable
from candleloop.inference.bundle import ModelBundle
from candleloop.pipeline.measuring import champion_bundle, gate_sides
from candleloop.pipeline.snapshots import describe, require_enough_labels, take_snapshot
from candleloop.progress import Cancelled, Progress, silent
from candleloop.promotion import tell_mlflow
from candleloop.store import jobs, label_sets, models
from candleloop.training.evaluation import Evaluation
from candleloop.training.folds import what_taught
from candleloop.training.gate import GateDecision, decide
from candleloop.training.snapshot import Snapshot
from candleloop.training.tracking import Tracker
from candleloop.training.train import TrainedModel, train

PROMOTION_ATTEMPTS = 3
"""How often a candidate is compared again because somebody else promoted another model meanwhile."""


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


def train_snapshot(context: Context, snapshot: Snapshot, *, progress: Progress = silent) -> TrainedModel:
    """Fit, calibrate and evaluate a model on a snapshot; nothing is registered and nothing goes live.

    Raises
    ------
    TooFewLabels
        With the number of teaching spans by label.
    """
    features = context.features()
    trained = train(
        snapshot,
        CandleStore(context.storage).read,
        context.config,
        max_gap=context.max_gap,
        features_of=features.matrix,
        progress=progress,
    )
    features.shrink()
    return trained


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

    Raises
    ------
    Cancelled
        When the job was asked to stop before the model went live; then it does not.
    """
    bundle = trained.bundle
    label_set = bundle.label_set.name
    sha256 = bundle.save(context.storage)
    warnings = list(trained.warnings)
    tracker = Tracker(context.tracking_url, context.tracking_database)
    progress("recording the run in MLflow", 0, 1, "runs")
    try:
        run = tracker.log(trained, job_id=job_id)
    except Unavailable as error:
        run = None
        warnings.append(f"The run is not in MLflow: {error.message}")
    progress("recording the run in MLflow", 1, 1, "runs")
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
                if job_id is not None and not jobs.is_wanted(session, job_id, hold=True):
                    raise Cancelled
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
            tell_mlflow(context, label_set, bundle.version, run.registry_version)
        except Unavailable as error:
            warnings.append(f"The champion alias in MLflow moves when it is back: {error.message}")
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


def track_champion(context: Context, label_set_name: str) -> dict[str, str]:
    """Tell MLflow which version a label set serves, and of its training where it was away then.

    Returns
    -------
    dict
        ``version`` and its ``registry_version``.

    Raises
    ------
    NoModel
        When nothing is served.
    Unavailable
        When MLflow cannot be reached.
    NotFound, BundleRefused
        When it is to be told of a training whose bundle or snapshot is gone.
    """
    bundle, registry_version = champion_bundle(context, label_set_name)
    if registry_version is None:
        snapshot = Snapshot.read(context.storage, bundle.snapshot)
        _, counts, left_out = what_taught(bundle, snapshot, CandleStore(context.storage).read)
        trained = TrainedModel(
            bundle=bundle,
            evaluation=Evaluation.model_validate(bundle.metrics),
            counts=counts,
            left_out=left_out,
            warnings=("MLflow was away when it was trained; the run was written down later.",),
        )
        run = Tracker(context.tracking_url, context.tracking_database).log(trained)
        registry_version = run.registry_version
        with context.database.begin() as session:
            models.set_run(session, bundle.version, run_id=run.run_id, registry_version=registry_version)
    tell_mlflow(context, label_set_name, bundle.version, registry_version)
    return {"version": bundle.version, "registry_version": registry_version}


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


def _compare(context: Context, candidate: ModelBundle, held: str | None) -> tuple[GateDecision, str | None]:
    """Ask the gate; return its decision and why the champion could not be measured, if so."""
    champion, refused = None, None
    if held is not None:
        try:
            champion = ModelBundle.load(context.storage, held)
        except (BundleRefused, NotFound) as error:
            refused = error.message
    sides, bars = gate_sides(context, [candidate] if champion is None else [candidate, champion])
    decision = decide(
        sides[0],
        None if champion is None else sides[1],
        context.config.gate,
        bars=bars,
        seed=context.config.training.seed,
    )
    return decision, refused
