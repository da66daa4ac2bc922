"""Removing files that nothing needs any more; what the database says of them stays."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath

from sqlalchemy import or_, select

from candleloop.batch.order import INLINE, BatchOrder
from candleloop.candles.store import FOLDER as CANDLES
from candleloop.context import Context
from candleloop.errors import CandleloopError
from candleloop.storage import STAGING, Storage
from candleloop.store.jobs import ENDED
from candleloop.store.tables import ChampionRow, JobRow, ModelRow, PromotionRow
from candleloop.training.folds import FOLDER as FOLDS
from candleloop.training.snapshot import FOLDER as SNAPSHOTS

logger = logging.getLogger(__name__)

UNSEEN = timedelta(days=1)
"""A file that the database does not know is left alone for so long: somebody may be about to tell it."""


def tidy(context: Context, moment: datetime) -> dict[str, int]:
    """Remove results, orders, shards, snapshots, fold models and left-over temporary files that nothing needs.

    How long is a matter of ``keep`` in the configuration. What of it was removed may be seen in the answer: the number
    of files by kind.
    """
    keep = context.config.keep
    results_end = moment - timedelta(days=keep.results_days)
    snapshots_end = moment - timedelta(days=keep.snapshots_days)
    removed = {
        "results and shards": _tidy_batches(context, results_end),
        "orders": _tidy_orders(context, moment, results_end),
        "snapshots": _tidy_snapshots(context, moment, snapshots_end),
        "fold models": _tidy_folds(context, moment),
        "temporary files": _remove(context.storage, STAGING, moment - UNSEEN),
    }
    context.features().shrink()
    logger.info("Removed %s.", ", ".join(f"{count} {what}" for what, count in removed.items()))
    return removed


def _tidy_batches(context: Context, end: datetime) -> int:
    """Remove the shards of batches that have ended and the results of those that ended long ago."""
    count = 0
    for folder in _names(context.storage, "batches"):
        with context.database.read() as session:
            row = session.get(JobRow, folder)
        if row is None or row.status not in ENDED or row.ended_at is None:
            continue
        count += _remove(context.storage, f"batches/{folder}/shards")
        if row.ended_at < end:
            count += _remove(context.storage, f"batches/{folder}")
    return count


def _tidy_orders(context: Context, moment: datetime, end: datetime) -> int:
    """Remove orders, and the candles that came with them, that no job needs that runs, waits or ended lately."""
    with context.database.read() as session:
        rows = session.scalars(
            select(JobRow).where(JobRow.kind == "batch", or_(JobRow.status.not_in(ENDED), JobRow.ended_at >= end))
        )
        orders = {row.arguments.get("order") for row in rows}
    count = _remove(context.storage, "batches/orders", moment - UNSEEN, kept={str(order) for order in orders})
    candles = set()
    for name in _names(context.storage, "batches/orders"):
        try:
            order = BatchOrder.read(context.storage, f"batches/orders/{name}")
        except CandleloopError:
            continue
        candles |= {one.version for one in order.inline}
    folder = f"{CANDLES}/{INLINE}"
    kept = {f"{folder}/{name}" for name in _names(context.storage, folder) if name.partition(".")[0] in candles}
    return count + _remove(context.storage, folder, moment - UNSEEN, kept=kept)


def _tidy_snapshots(context: Context, moment: datetime, end: datetime) -> int:
    """Remove the snapshots of models that never served and were trained long ago, and of trainings that gave none."""
    with context.database.read() as session:
        served = select(PromotionRow.version)
        rows = session.scalars(
            select(ModelRow.snapshot).where(or_(ModelRow.trained_at >= end, ModelRow.version.in_(served)))
        )
        needed = set(rows)
    kept = {f"{SNAPSHOTS}/{name}" for name in _names(context.storage, SNAPSHOTS) if name.partition(".")[0] in needed}
    return _remove(context.storage, SNAPSHOTS, moment - UNSEEN, kept=kept)


def _tidy_folds(context: Context, moment: datetime) -> int:
    """Remove the fold models of versions that do not serve."""
    with context.database.read() as session:
        champions = set(session.scalars(select(ChampionRow.version)))
    kept = {f"{FOLDS}/{name}" for name in _names(context.storage, FOLDS) if name.partition("-")[0] in champions}
    return _remove(context.storage, FOLDS, moment - UNSEEN, kept=kept)


def _names(storage: Storage, folder: str) -> list[str]:
    """Return the last parts of the names in a folder."""
    return [PurePosixPath(str(entry["name"])).name for entry in _entries(storage, folder)]


def _entries(storage: Storage, folder: str) -> Iterator[dict[str, object]]:
    path = f"{storage.root}/{folder}"
    storage.filesystem.invalidate_cache()
    if storage.filesystem.exists(path):
        yield from storage.filesystem.ls(path, detail=True)


def _remove(storage: Storage, folder: str, before: datetime | None = None, *, kept: set[str] | None = None) -> int:
    """Remove the files of a folder that were written before a moment (all without one) and are not to be kept."""
    count = 0
    for entry in list(_entries(storage, folder)):
        name = f"{folder}/{PurePosixPath(str(entry['name'])).name}"
        if name in (kept or ()):
            continue
        if entry["type"] == "directory":
            if before is None:
                count += _remove(storage, name)
            continue
        try:
            if before is not None and storage.filesystem.modified(entry["name"]).astimezone(UTC) >= before:
                continue
            storage.filesystem.rm_file(entry["name"])
            count += 1
        except FileNotFoundError:
            continue
    path = f"{storage.root}/{folder}"
    if before is None and storage.filesystem.exists(path):
        storage.filesystem.rm(path, recursive=True)
    return count
