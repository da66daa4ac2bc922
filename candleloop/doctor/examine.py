"""The whole examination, over the user's series and configuration."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from candleloop import pipeline
from candleloop.annotations.encodings import encoding_for
from candleloop.candles.segments import default_max_gap
from candleloop.candles.store import CandleStore
from candleloop.context import Context
from candleloop.doctor.learning import PERMUTED, SPLIT, check_learning
from candleloop.doctor.report import Check, DoctorReport, judged, skipped
from candleloop.doctor.series import (
    Examined,
    check_features_agree,
    check_no_future,
    check_predictions_agree,
    check_predictions_no_future,
    check_promises,
)
from candleloop.errors import BundleRefused, NoModel, NotFound
from candleloop.features.matrix import FeatureSpec
from candleloop.inference.predictor import Predictor
from candleloop.progress import Progress, silent
from candleloop.training.corpus import build_corpus
from candleloop.training.families import family_for
from candleloop.training.snapshot import Snapshot

SERVED = "Can the served model be examined?"


def examine(
    context: Context,
    label_set_name: str,
    series_ids: Sequence[str] = (),
    *,
    quick: bool = False,
    progress: Progress = silent,
) -> DoctorReport:
    """Look for leaks and for bars that look different to training, batch and request.

    Parameters
    ----------
    context
        The user's data and configuration.
    label_set_name
        Whose marks and champion are looked at.
    series_ids
        The series; all of them when empty.
    quick
        Leave out the checks that fit models.
    progress
        Told the checks that are done.

    Raises
    ------
    NotFound
        When a series or the label set does not exist, or there is no series at all.
    BadConfiguration
        When the configuration names features that cannot be loaded.
    """
    snapshot = pipeline.take_snapshot(context, label_set_name)
    known = [one.series_id for one in snapshot.series]
    for series_id in series_ids:
        if series_id not in known:
            raise NotFound(f"There is no series {series_id!r}; there are {', '.join(known) or 'none'}.", field="series")
    if not known:
        raise NotFound("There are no series yet: candleloop import FILE, or --demo.", code="no_series", field="series")
    chosen = tuple(one for one in snapshot.series if not series_ids or one.series_id in series_ids)
    snapshot = Snapshot(label_set=snapshot.label_set, series=chosen)
    seed = context.config.training.seed
    spec = FeatureSpec.from_config(context.config.features)

    store, examined = CandleStore(context.storage), []
    for done, one in enumerate(chosen):
        progress("reading", done, len(chosen), "series")
        candles = store.read(one.series_id, one.version)
        gap = context.max_gap or default_max_gap(candles.time)
        examined.append(Examined.of(one.series_id, candles, gap))

    steps = 6 if quick else 7
    progress("examining", 0, steps, "checks")
    checks = [check_features_agree(examined, spec, np.random.default_rng(seed))]
    progress("examining", 1, steps, "checks")
    checks.append(check_no_future(examined, spec, np.random.default_rng(seed)))
    progress("examining", 2, steps, "checks")
    checks.append(check_promises(examined, spec, seed))
    progress("examining", 3, steps, "checks")
    checks.extend(_served(context, label_set_name, examined, np.random.default_rng(seed)))
    progress("examining", steps - 1, steps, "checks")
    if quick:
        checks.extend(
            skipped(name, question, "Left out by --quick.")
            for name, question in (("permuted_labels", PERMUTED), ("split_gap", SPLIT))
        )
    else:
        checks.extend(_learned(context, snapshot, spec, progress))
    progress("examining", steps, steps, "checks")
    return DoctorReport(label_set_name, tuple(one.series_id for one in examined), tuple(checks))


def _served(context: Context, label_set_name: str, examined: list[Examined], rng: np.random.Generator) -> list[Check]:
    try:
        bundle, _ = pipeline.champion_bundle(context, label_set_name)
        predictor = Predictor(bundle, threads=context.config.training.threads)
    except NoModel:
        return [skipped("served_model", SERVED, "There is no model yet: candleloop train.")]
    except BundleRefused as error:
        return [judged("served_model", SERVED, [error.message], "", "No: it cannot be loaded.")]
    return [check_predictions_agree(examined, predictor, rng), check_predictions_no_future(examined, predictor, rng)]


def _learned(context: Context, snapshot: Snapshot, spec: FeatureSpec, progress: Progress) -> list[Check]:
    config = context.config
    corpus = build_corpus(
        snapshot,
        CandleStore(context.storage).read,
        spec,
        encoding_for(config.encoding, snapshot.label_set),
        # A calibration slice to hold out as later time, also where the configuration has a small one.
        config.split.model_copy(update={"calibration_share": max(config.split.calibration_share, 0.2)}),
        context=family_for(config.training).context,
        max_gap=context.max_gap,
        progress=progress,
    )
    return check_learning(corpus, config.training, np.random.default_rng(config.training.seed), progress)
