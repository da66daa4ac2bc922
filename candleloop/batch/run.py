"""Batch prediction from the order to the result, with any number of helpers.

The job plans its shards when it first starts, and then works on them like each of its helpers. What is done stays
done, whoever dies: a job that starts again finds its plan and goes on with the shards that are left.
"""

from __future__ import annotations

import errno
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from candleloop.batch.order import INLINE, BatchOrder
from candleloop.batch.out_of_fold import OutOfFold, load_folds, prepare_folds
from candleloop.batch.plan import Piece, PlannedInput, pieces_of, shards_of
from candleloop.batch.result import assemble, drop_shards, input_outcomes
from candleloop.batch.shards import outcomes_of, predict_piece, shard_name, store_predictions, write_shard
from candleloop.batch.windows import read_piece_windows, write_piece_windows
from candleloop.candles.store import CandleStore
from candleloop.context import Context
from candleloop.errors import BundleRefused, Conflict, NoModel, NotFound, Unavailable
from candleloop.inference.answer import model_facts
from candleloop.inference.bundle import ModelBundle
from candleloop.inference.predictor import Predictor
from candleloop.loop.window_files import drop_other_windows, windows_name, write_windows
from candleloop.loop.windows import series_windows
from candleloop.progress import Cancelled, Progress, silent
from candleloop.store import batches, jobs, label_sets, models, series
from candleloop.store import predictions as stored
from candleloop.store.tables import BatchPlanRow, BatchShardRow

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.03
"""How often a job that has nothing left to do looks whether its helpers are done."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who works on shards: a job, in one of its attempts."""

    job_id: str
    attempt: int


def run_batch(
    context: Context,
    holder: Holder,
    label_set: str,
    order_name: str | None,
    *,
    invite: Callable[[int], None] | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Do a batch job to its end.

    Parameters
    ----------
    holder
        The batch job itself.
    order_name
        The order in the storage. None scores again the series whose stored predictions are not the champion's, without
        a result file.
    invite
        Called with the number of open shards once there is a plan; may start a helper.

    Returns
    -------
    dict
        ``file`` and ``media_type`` of the result (None without one), the model version, and counts.

    Raises
    ------
    NoModel
        When the label set has no champion.
    Unavailable
        When the storage has no space left.
    Cancelled
        When the job was asked to stop: then no shard is given out any more, and no result is made.
    """
    job_id = holder.job_id
    order = None if order_name is None else BatchOrder.read(context.storage, order_name)
    with _space():
        plan, why_seen = _plan(context, job_id, label_set, order, progress)
        if invite is not None:
            invite(_report(context, job_id, progress).open_shards)
        bundle, registry_version = _bundle(context, plan)
        _work(context, job_id, holder, plan, order, bundle, progress)
        while _report(context, job_id, progress).open_shards:
            _require_wanted(context, job_id)
            time.sleep(POLL_SECONDS)
            _work(context, job_id, holder, plan, order, bundle, progress)
        _require_wanted(context, job_id)
        return _finish(context, job_id, label_set, plan, order, bundle, registry_version, why_seen)


def help_batch(
    context: Context,
    job_id: str,
    holder: Holder,
    order_name: str | None,
    *,
    invite: Callable[[int], None] | None = None,
    progress: Progress = silent,
) -> int:
    """Work on the shards of another job until none is free; return how many were done.

    ``invite`` is that of :func:`run_batch`.
    """
    with context.database.read() as session:
        plan = batches.plan_of(session, job_id)
    if plan is None:
        return 0
    order = None if order_name is None else BatchOrder.read(context.storage, order_name)
    with _space():
        if invite is not None:
            invite(_report(context, job_id, progress).open_shards)
        return _work(context, job_id, holder, plan, order, None, progress)


def _plan(
    context: Context, job_id: str, label_set: str, order: BatchOrder | None, progress: Progress
) -> tuple[BatchPlanRow, str | None]:
    """Return the plan of a job, and make it when the job starts for the first time.

    Returns
    -------
    plan : BatchPlanRow
    why_seen : str or None
        Why stored predictions on bars that taught are the model's own; None when they are out of fold.
    """
    with context.database.read() as session:
        plan = batches.plan_of(session, job_id)
    if plan is not None:
        return plan, None if order else prepare_folds(context, ModelBundle.load(context.storage, plan.model_version))
    version, why_seen = _chosen_version(context, label_set, progress, fold=order is None)
    committee = _committee(context, version) if order is None else None
    other = None if committee is None else committee.bundle.version
    with context.database.read() as session:
        if order is None:
            rows = stored.stale_series(session, label_set, version, committee=other)
        else:
            rows = [series.get_series(session, series_id) for series_id in order.series]
        wanted = [(row.id, row.version, row.id, series.test_bars(session, row.id)) for row in rows]
    inline = [] if order is None else [(INLINE, one.version, one.series_id, None) for one in order.inline]
    bundle = ModelBundle.load(context.storage, version)
    store, review = CandleStore(context.storage), context.config.review
    inputs, pieces = [], list[tuple[int, Piece]]()
    for number, (store_id, candles_version, series_id, test_bars) in enumerate([*wanted, *inline]):
        bars = store.all_times(store_id, candles_version)
        is_stored = number < len(wanted)
        one = PlannedInput(
            store_id=store_id,
            version=candles_version,
            series_id=series_id,
            stored=is_stored,
            bars=len(bars),
            max_gap=bundle.max_gap(bars),
            test_bars=test_bars,
            window_bars=review.window_bars if is_stored else 0,
            context_bars=review.context_bars if is_stored else 0,
            committee=other if is_stored else None,
        )
        inputs.append(one.model_dump(mode="json"))
        # Pieces end where windows do, so that each worker divides its bars as the whole series is divided.
        borders = None
        if one.window_bars:
            borders, *_ = series_windows(bars, max_gap=one.max_gap, test_bars=test_bars, window_bars=one.window_bars)
        beside = max(one.context_bars, 0 if committee is None else committee.bundle.warmup_candles)
        pieces += pieces_of(number, bars, bundle, borders=borders, beside=beside)
    with context.database.begin() as session:
        batches.save_plan(session, job_id, model_version=version, inputs=inputs, shards=shards_of(pieces))
    return BatchPlanRow(job_id=job_id, model_version=version, inputs=inputs), why_seen


def _chosen_version(context: Context, label_set: str, progress: Progress, *, fold: bool) -> tuple[str, str | None]:
    """Return the champion, with its fold models made if they are asked for; begin again when it changes meanwhile."""

    def champion() -> str:
        with context.database.read() as session:
            label_sets.get(session, label_set)
            found = models.champion(session, label_set)
        if found is None:
            raise NoModel(f"Label set {label_set!r} has no model yet.", label_set=label_set)
        return found.version

    while True:
        version = champion()
        if not fold:
            return version, None
        bundle = ModelBundle.load(context.storage, version)
        why_seen = prepare_folds(context, bundle, go_on=lambda: champion() == version, progress=progress)  # noqa: B023
        if champion() == version:
            return version, why_seen


def _committee(context: Context, version: str) -> Predictor | None:
    """Return the model of another family that votes beside a version; None where none is asked for or can be used."""
    if not context.config.review.asks_committee:
        return None
    with context.database.read() as session:
        row = models.of_other_family(session, version)
    if row is None:
        return None
    try:
        return Predictor(ModelBundle.load(context.storage, row.version, sha256=row.bundle_sha256))
    except (NotFound, BundleRefused) as error:
        logger.warning("Model %s cannot vote beside %s: %s", row.version, version, error.message)
        return None


def _bundle(context: Context, plan: BatchPlanRow) -> tuple[ModelBundle, str | None]:
    with context.database.read() as session:
        row = models.get(session, plan.model_version)
    return ModelBundle.load(context.storage, row.version, sha256=row.bundle_sha256), row.registry_version


def _work(
    context: Context,
    job_id: str,
    holder: Holder,
    plan: BatchPlanRow,
    order: BatchOrder | None,
    bundle: ModelBundle | None,
    progress: Progress,
) -> int:
    """Do one free shard after another, finishing one and taking the next at once; the model is loaded for the first."""
    inputs = [PlannedInput.model_validate(raw) for raw in plan.inputs]
    predictor: Predictor | None = None
    scorer: OutOfFold | None = None
    committee: Predictor | None = None
    finish: Callable[[Session], None] | None = None
    done = 0
    while True:
        with context.database.begin() as session:
            if finish is not None:
                finish(session)
            shard = batches.claim_shard(session, job_id, holder=holder.job_id, attempt=holder.attempt)
        if finish is not None:
            done += 1
            _report(context, job_id, progress)
        if shard is None:
            return done
        if predictor is None:
            predictor = Predictor(bundle or _bundle(context, plan)[0])
            folds = load_folds(context, plan.model_version) if order is None else None
            scorer = None if folds is None else OutOfFold(predictor, folds)
            voting = {one.committee for one in inputs if one.committee is not None}
            committee = next((Predictor(ModelBundle.load(context.storage, one)) for one in voting), None)
        finish = _do(context, shard, holder, inputs, order, predictor, scorer, committee)


def _do(
    context: Context,
    shard: BatchShardRow,
    holder: Holder,
    inputs: list[PlannedInput],
    order: BatchOrder | None,
    predictor: Predictor,
    scorer: OutOfFold | None,
    committee: Predictor | None,
) -> Callable[[Session], None]:
    """Predict a shard and write its file; return what says in the database that it is done."""
    store = CandleStore(context.storage)
    pieces = [Piece.model_validate(raw) for raw in shard.pieces]
    top_share = context.config.review.top_share
    made = [
        predict_piece(predictor, store, inputs[piece.input], piece, top_share=top_share, committee=committee)
        if scorer is None
        else scorer.predict_piece(store, inputs[piece.input], piece, top_share=top_share, committee=committee)
        for piece in pieces
    ]
    write_piece_windows(context.storage, shard.job_id, shard.number, made)
    if order is None:
        outcomes = outcomes_of(made)
    else:
        name = shard_name(shard.job_id, shard.number)
        outcomes = write_shard(context.storage, name, order.format, predictor, inputs, made)

    def finish(session: Session) -> None:
        if not batches.finish_shard(session, shard, holder=holder.job_id, attempt=holder.attempt, outcome=outcomes):
            raise Conflict(f"Shard {shard.number} of job {shard.job_id} was given to another worker.")
        for one in made:
            wanted = inputs[one.piece.input]
            if wanted.stored and not (order is not None and _is_scored(session, wanted, predictor.bundle)):
                store_predictions(session, predictor, wanted, one)

    return finish


def _is_scored(session: Session, wanted: PlannedInput, bundle: ModelBundle) -> bool:
    """Tell whether a series shows predictions of this model, made out of fold, which those of an order are not."""
    found = stored.scoring(session, wanted.store_id, bundle.label_set.name)
    if found is None or found.folds is None:
        return False
    return (found.model_version, found.series_version) == (bundle.version, wanted.version)


def _report(context: Context, job_id: str, progress: Progress) -> batches.Standing:
    with context.database.read() as session:
        standing = batches.standing(session, job_id)
    progress("predicting", standing.bars_done, standing.bars, "candles")
    return standing


def _require_wanted(context: Context, job_id: str) -> None:
    with context.database.read() as session:
        if not jobs.is_wanted(session, job_id):
            raise Cancelled


def _finish(
    context: Context,
    job_id: str,
    label_set: str,
    plan: BatchPlanRow,
    order: BatchOrder | None,
    bundle: ModelBundle,
    registry_version: str | None,
    why_seen: str | None,
) -> dict[str, Any]:
    inputs = [PlannedInput.model_validate(raw) for raw in plan.inputs]
    with context.database.read() as session:
        shards = batches.shards_of(session, job_id)
    outcomes = input_outcomes(inputs, shards)
    file = None
    if order is not None:
        facts = model_facts(bundle, registry_version)
        names = bundle.label_set.names
        file = assemble(context.storage, job_id, order.format, facts, names, outcomes, shards)
        _require_wanted(context, job_id)
    folds = None
    if order is None:
        found = load_folds(context, bundle.version)
        folds = 0 if found is None else sum(one is not None for one in found.bundles)
    windows = read_piece_windows(context.storage, job_id, shards)
    for number, one in enumerate(inputs):
        if one.stored:
            name = None
            if number in windows:
                name = windows_name(one.store_id, label_set, bundle.version, job_id, committee=one.committee)
                write_windows(context.storage, name, windows[number])
            with context.database.begin() as session:
                if order is not None and _is_scored(session, one, bundle):
                    continue
                shown = stored.finish_scoring(
                    session,
                    one.store_id,
                    label_set,
                    model_version=bundle.version,
                    series_version=one.version,
                    job_id=job_id,
                    folds=folds,
                    windows=name,
                )
            if shown and name is not None:
                drop_other_windows(context.storage, name)
    drop_shards(context.storage, job_id)
    return {
        "file": file,
        "media_type": None if order is None else order.format.media_type,
        "model_version": bundle.version,
        "inputs": len(inputs),
        "candles": sum(one.bars for one in inputs),
        "predictions": sum(one.predictions for one in outcomes),
        "problems": sum(one.problem is not None for one in outcomes),
        "folds": folds,
        "warnings": [] if why_seen is None else [f"Bars that taught are predicted by the model itself: {why_seen}."],
    }


@contextmanager
def _space() -> Iterator[None]:
    """Say in our words that a disk is full; what was being written is gone, so the job can be tried again."""
    try:
        yield
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        raise Unavailable("The storage has no space left.", code="storage_full") from error
