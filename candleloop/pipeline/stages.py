"""The stages of ``dvc repro``, which hand files on in a folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from candleloop.context import Context
from candleloop.errors import BadRequest
from candleloop.inference.bundle import ModelBundle
from candleloop.pipeline.snapshots import describe, require_enough_labels, take_snapshot
from candleloop.pipeline.training import register, train_snapshot
from candleloop.progress import Progress, silent
from candleloop.storage import Storage
from candleloop.training.evaluation import Evaluation
from candleloop.training.report import tables
from candleloop.training.snapshot import Snapshot
from candleloop.training.train import TrainedModel


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
