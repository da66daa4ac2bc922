"""Whether the list of labels to doubt finds errors that were planted, and what predicting out of fold is worth for it.

Four demo series, labelled by TA-Lib. In the bars that teach, a share of the labels is spoiled, a quarter each: another
label (swap), another place (badloc), removed (overlooked), invented (unsupported). A model is trained on that; then the
labels to doubt are listed, with predictions out of fold and with the model's own. Precision among the first N of the
list, N being the number of planted errors; a suspect is right when it overlaps a planted error. References: the same
list in the order of time, and ranked by the bare strength of the disagreement::

    python -m benchmarks.label_errors [--share 0.05] [--seeds 3] [--json]
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import delete, select, update

from candleloop import pipeline
from candleloop.annotations.identity import talib_annotation_id
from candleloop.annotations.marks import Origin
from candleloop.batch.run import Holder, run_batch
from candleloop.context import Context
from candleloop.loop.suspects import Suspect
from candleloop.pipeline_config import OutOfFoldConfig
from candleloop.store import jobs, series
from candleloop.store.database import migrate
from candleloop.store.tables import AnnotationRow, JobRow, ScoringRow
from config.context import label_sets_on_disk, open_context
from config.settings import Settings

Place = tuple[str, int, int]
"""Series, bar-open times of the first and last bar."""

KINDS = ("swap", "badloc", "overlooked", "unsupported")


def plant(context: Context, label_set: str, share: float, rng: np.random.Generator) -> dict[str, list[Place]]:
    """Spoil labels outside the test bars; return where, by kind."""
    found: dict[str, list[Place]] = {kind: [] for kind in KINDS}
    with context.database.begin() as session:
        labels = {label.name: label.bars for label in pipeline.take_snapshot(context, label_set).label_set.labels}
        for row in series.every_series(session):
            time = pipeline.read_series(context, row.id).time
            test = series.test_bars(session, row.id)
            last = len(time) if test is None else int(np.searchsorted(time, test[0]))
            marks = session.execute(
                select(AnnotationRow.id, AnnotationRow.label, AnnotationRow.start_time, AnnotationRow.end_time)
                .where(AnnotationRow.series_id == row.id, AnnotationRow.end_time < int(time[last - 1]))
                .order_by(AnnotationRow.start_time, AnnotationRow.label)
            ).all()
            taken = {int(bar) for mark in marks for bar in np.searchsorted(time, [mark[2], mark[3]])}
            chosen = rng.permutation(len(marks))[: int(len(marks) * share)]
            for turn, place in enumerate(chosen.tolist()):
                identity, label, start, end = marks[place]
                kind = KINDS[turn % 4]
                own = update(AnnotationRow).where(AnnotationRow.id == identity)
                first = int(np.searchsorted(time, start))
                if kind == "swap":
                    others = [name for name, bars in labels.items() if bars == labels[label] and name != label]
                    session.execute(own.values(label=str(rng.choice(others))))
                elif kind == "badloc":
                    step = 1 if start == end else 2
                    shifted = int(time[first + step]), int(time[first + step + int(np.searchsorted(time, end)) - first])
                    session.execute(own.values(start_time=shifted[0], end_time=shifted[1]))
                    end = shifted[1]
                elif kind == "overlooked":
                    session.execute(delete(AnnotationRow).where(AnnotationRow.id == identity))
                else:
                    bars = labels[label] or 1
                    free = [bar for bar in range(100, last - 50) if not taken & set(range(bar - 3, bar + bars + 3))]
                    at = int(rng.choice(free))
                    start, end = int(time[at]), int(time[at + bars - 1])
                    session.add(
                        AnnotationRow(
                            id=talib_annotation_id(row.id, label_set, label, start, end),
                            series_id=row.id,
                            label_set=label_set,
                            label=label,
                            start_time=start,
                            end_time=end,
                            origin=Origin.TALIB,
                        )
                    )
                found[kind].append((row.id, start, end))
    return found


def scored(context: Context, label_set: str, folds: int, number: int) -> list[Suspect]:
    """Score all series with so many folds and return the labels to doubt."""
    own = replace(context, config=context.config.model_copy(update={"out_of_fold": OutOfFoldConfig(folds=folds)}))
    job_id = f"score-{number}"
    with own.database.begin() as session:
        session.execute(update(ScoringRow).values(folds=None))
        session.add(JobRow(id=job_id, kind="batch", queue="batch", arguments={}, label_set=label_set))
    with own.database.begin() as session:
        claimed = jobs.claim(session, job_id)
    assert claimed is not None
    run_batch(own, Holder(job_id, claimed.attempts), label_set, None)
    return pipeline.list_suspects(own, label_set)[0]


def hits(suspects: list[Suspect], planted: list[Place]) -> list[bool]:
    """Tell which suspects overlap a planted error."""
    return [
        any(
            one.series_id == series_id and one.dispute.start_time <= end and one.dispute.end_time >= start
            for series_id, start, end in planted
        )
        for one in suspects
    ]


def run(share: float, seed: int) -> dict[str, Any]:
    """Plant, train, and measure once."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        settings = Settings(home=home, mlflow_url=f"sqlite:///{home / 'mlflow.db'}")
        context = open_context(settings)
        migrate(settings.database)
        pipeline.prepare(context, label_sets_on_disk(settings))
        label_set = context.config.label_set
        for one in pipeline.import_demo(context):
            pipeline.auto_label_series(context, one.series_id, label_set)
        planted = plant(context, label_set, share, np.random.default_rng(seed))
        everything = [place for places in planted.values() for place in places]
        with context.database.read() as session:
            marks = len(session.execute(select(AnnotationRow.id)).all())
        pipeline.run_training(context, label_set)
        n = len(everything)
        found: dict[str, Any] = {"planted": n, "labels": marks}
        for number, (name, folds) in enumerate((("out_of_fold", 4), ("own", 0))):
            suspects = scored(context, label_set, folds, number)
            first = suspects[:n]
            found[name] = {
                "suspects": len(suspects),
                "precision": float(np.mean(hits(first, everything))) if first else 0.0,
                "precision_first_half": float(np.mean(hits(first[: n // 2], everything))) if first else 0.0,
                "by_strength": float(
                    np.mean(hits(sorted(suspects, key=lambda one: -one.dispute.strength)[:n], everything))
                ),
                "by_time": float(
                    np.mean(hits(sorted(suspects, key=lambda one: one.dispute.start_time)[:n], everything))
                ),
                "recall": {
                    kind: float(
                        np.mean(
                            [
                                any(hits([one], [place])[0] for one in first if one.series_id == place[0])
                                for place in places
                            ]
                        )
                    )
                    for kind, places in planted.items()
                },
            }
        context.database.dispose()
        return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--share", type=float, default=0.05)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    runs = [run(chosen.share, seed) for seed in range(chosen.seeds)]
    if chosen.json:
        print(json.dumps(runs, indent=2))
        return
    planted, labels = (int(np.mean([one[name] for one in runs])) for name in ("planted", "labels"))
    print(f"{planted} errors planted in {labels} labels, {chosen.seeds} seeds; chance {planted / labels:.3f}")
    for name in ("out_of_fold", "own"):
        columns = {
            key: np.mean([one[name][key] for one in runs])
            for key in ("precision", "precision_first_half", "by_strength", "by_time", "suspects")
        }
        print(f"{name}: " + ", ".join(f"{key} {value:.3f}" for key, value in columns.items()))
        print("  recall " + ", ".join(f"{k} {np.mean([one[name]['recall'][k] for one in runs]):.3f}" for k in KINDS))


if __name__ == "__main__":
    main()
