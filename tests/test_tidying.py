"""Old files go, what somebody needs stays, and so does every record."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from candleloop.batch.order import INLINE, BatchOrder, InlineCandles
from candleloop.candles.store import CandleStore
from candleloop.context import Context
from candleloop.store import jobs, models
from candleloop.store.tables import JobRow, now
from candleloop.tidying import tidy
from config.context import open_context
from tests.support.candles import random_candles
from tests.support.service import prepared

LONG_AGO = timedelta(days=400)


@pytest.fixture
def context(tmp_path: Path) -> Iterator[Context]:
    context = open_context(prepared(tmp_path / "home"))
    yield context
    context.database.dispose()


def names(context: Context) -> set[str]:
    root = Path(context.storage.root)
    folders = ("batches", "candles", "snapshots", "folds", ".staging")
    return {str(path.relative_to(root)) for folder in folders for path in (root / folder).rglob("*") if path.is_file()}


def age(context: Context, by: timedelta) -> None:
    """Let all files be older than they are."""
    then = (now() - by).timestamp()
    for name in names(context):
        os.utime(Path(context.storage.root) / name, (then, then))


def batch(context: Context, job_id: str, *, ended: datetime | None, seed: int, shards: bool = False) -> str:
    """Write down a batch with inline candles and its files; return the name of its order."""
    version = CandleStore(context.storage).write(INLINE, random_candles(50, seed=seed))
    order = BatchOrder(label_set="default", inline=(InlineCandles(version=version),)).write(context.storage)
    file = f"batches/{job_id}/result.json"
    with context.database.begin() as session:
        jobs.create(
            session,
            kind="batch",
            queue="batch",
            job_id=job_id,
            arguments={"label_set": "default", "order": order},
            label_set="default",
        )
        assert jobs.claim(session, job_id) is not None
        if ended is not None:
            assert jobs.succeed(session, job_id, 1, {"file": file, "media_type": "application/json"})
            session.execute(update(JobRow).where(JobRow.id == job_id).values(ended_at=ended))
            context.storage.write(file, b"{}")
    if shards:
        context.storage.write(f"batches/{job_id}/shards/000000", b"part")
    return order


def test_a_batch_is_forgotten_but_for_its_record_when_its_time_is_over(context: Context) -> None:
    old = batch(context, "old", ended=now() - timedelta(days=31), seed=1, shards=True)
    new = batch(context, "new", ended=now() - timedelta(days=29), seed=2, shards=True)
    running = batch(context, "running", ended=None, seed=3, shards=True)
    age(context, LONG_AGO)

    removed = tidy(context, now())

    left = names(context)
    assert old not in left
    assert {new, running, "batches/new/result.json", "batches/running/shards/000000"} <= left
    assert not [name for name in left if name.startswith(("batches/old", "batches/new/shards"))]
    assert len([name for name in left if name.startswith(f"candles/{INLINE}")]) == 2
    assert removed["results and shards"] == 3
    with context.database.read() as session:
        record = jobs.get(session, "old")
        assert (record.status, record.result) == (
            "succeeded",
            {"file": "batches/old/result.json", "media_type": "application/json"},
        )


def test_what_the_database_does_not_know_yet_is_left_alone_for_a_day(context: Context) -> None:
    order = BatchOrder(label_set="default", series=("S-1h",)).write(context.storage)
    for name in ("snapshots/0123456789abcdef.parquet", "folds/0123456789ab-4-200000.zip", ".staging/half"):
        context.storage.write(name, b"content")
    before = names(context)
    tidy(context, now())
    assert names(context) == before
    age(context, timedelta(days=2))
    tidy(context, now())
    assert names(context) == set()
    again = BatchOrder(label_set="default", series=("S-1h",)).write(context.storage)
    assert again == order
    tidy(context, now())
    assert names(context) == {order}, "the same order again counts as new"


def test_snapshots_of_models_that_served_or_are_young_stay(context: Context) -> None:
    trained = {"served": 300, "young": 89, "rejected": 91}
    with context.database.begin() as session:
        for number, (name, days) in enumerate(trained.items()):
            models.add_model(
                session,
                version=f"{number:012x}",
                label_set="default",
                family="xgboost",
                snapshot=f"{number:016x}",
                bundle_sha256="",
                metrics={},
                gate={},
                trained_at=now() - timedelta(days=days),
            )
            if name == "served":
                models.promote(session, "default", f"{number:012x}", expected_revision=None, how=models.How.MANUAL)
    for number in range(3):
        context.storage.write(f"snapshots/{number:016x}.parquet", b"marks")
        context.storage.write(f"snapshots/{number:016x}.card.json", b"{}")
        context.storage.write(f"folds/{number:012x}-4-200000.zip", b"models")
    age(context, LONG_AGO)
    tidy(context, now())
    assert names(context) == {
        "snapshots/0000000000000000.parquet",
        "snapshots/0000000000000000.card.json",
        "snapshots/0000000000000001.parquet",
        "snapshots/0000000000000001.card.json",
        "folds/000000000000-4-200000.zip",
    }
