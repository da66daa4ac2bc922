"""Measuring the served model and what a split holds out, on today's truth."""

from __future__ import annotations

from collections.abc import Sequence

from candleloop.annotations.truth import resolve
from candleloop.candles.store import CandleStore
from candleloop.context import Context
from candleloop.errors import NoModel
from candleloop.inference.bundle import ModelBundle
from candleloop.inference.predictor import Predictor
from candleloop.pipeline.snapshots import take_snapshot
from candleloop.progress import Progress, silent
from candleloop.store import label_sets, models
from candleloop.training import held_out
from candleloop.training.evaluation import Evaluation
from candleloop.training.gate import GateBars, GateSide, gate_bars, gate_side
from candleloop.training.measure import evaluation_case


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
    sides, _ = gate_sides(context, [bundle], progress=progress)
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


def gate_sides(
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
