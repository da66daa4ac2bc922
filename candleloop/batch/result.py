"""One result from the shards of a batch job, piece by piece; it appears whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Any, BinaryIO

import orjson

from candleloop.batch.order import ResultFormat
from candleloop.batch.plan import PlannedInput
from candleloop.batch.row_groups import COPIED, join_row_groups
from candleloop.batch.shards import parquet_schema, shard_name
from candleloop.storage import Storage
from candleloop.store.tables import BatchShardRow


@dataclass
class InputOutcome:
    """What became of one input: its part of the result without the predictions themselves."""

    input: int
    series_id: str | None
    series_version: str
    predictions: int = 0
    warnings: list[str] = field(default_factory=list)
    problem: dict[str, Any] | None = None

    def facts(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "input": self.input,
            "series_id": self.series_id,
            "series_version": self.series_version,
            "warnings": self.warnings,
            "problem": self.problem,
        }


def input_outcomes(inputs: Sequence[PlannedInput], shards: Sequence[BatchShardRow]) -> list[InputOutcome]:
    """Put together what became of the pieces of each input.

    An input has a problem when each of its pieces has one: then none of its bars has what a prediction needs. Warnings
    about gaps count the bars of one piece, so an input of several pieces has only those that all of them have.
    """
    by_input: list[list[dict[str, Any]]] = [[] for _ in inputs]
    for shard in shards:
        for piece in shard.outcome or []:
            by_input[piece["input"]].append(piece)
    found = []
    for number, (wanted, pieces) in enumerate(zip(inputs, by_input, strict=True)):
        outcome = InputOutcome(number, wanted.series_id, wanted.version)
        outcome.predictions = sum(piece["predictions"] for piece in pieces)
        problems = [piece["problem"] for piece in pieces if piece["problem"] is not None]
        if len(problems) == len(pieces):
            outcome.problem = problems[0]
        said = [piece["warnings"] for piece in pieces if piece["problem"] is None]
        outcome.warnings = [text for text in said[0] if all(text in others for others in said)] if said else []
        found.append(outcome)
    return found


def result_name(job_id: str, format: ResultFormat) -> str:
    """Return the name of a job's result in the storage."""
    return f"batches/{job_id}/result.{format}"


def assemble(
    storage: Storage,
    job_id: str,
    format: ResultFormat,
    model: dict[str, Any],
    labels: Sequence[str],
    outcomes: Sequence[InputOutcome],
    shards: Sequence[BatchShardRow],
) -> str:
    """Write the result of a batch job from the files of its shards and return its name.

    A result that is there already is whole and stays.
    """
    name = result_name(job_id, format)
    if storage.exists(name):
        return name
    with storage.staged() as staged:
        if format is ResultFormat.PARQUET:
            facts = {"model": model, "results": [one.facts() for one in outcomes]}
            schema = parquet_schema(labels).with_metadata({"candleloop": orjson.dumps(facts).decode()})
            join_row_groups(staged.stream, schema, _files(storage, job_id, shards))
        elif format is ResultFormat.NDJSON:
            for file in _files(storage, job_id, shards):
                shutil.copyfileobj(file, staged.stream, COPIED)
            for one in outcomes:
                if one.problem is not None:
                    staged.stream.write(orjson.dumps(one.facts(), option=orjson.OPT_APPEND_NEWLINE))
        else:
            staged.stream.write(b'{"model":' + orjson.dumps(model) + b',"results":[')
            _write_json(staged.stream, _texts(storage, job_id, shards), outcomes)
            staged.stream.write(b"]}\n")
        staged.keep(name)
    return name


def drop_shards(storage: Storage, job_id: str) -> None:
    """Remove the files of the shards, which the result has made superfluous."""
    folder = storage.path(f"batches/{job_id}/shards")
    if storage.filesystem.exists(folder):
        storage.filesystem.rm(folder, recursive=True)


def _files(storage: Storage, job_id: str, shards: Sequence[BatchShardRow]) -> Iterator[BinaryIO]:
    """Open the file of each shard in order; it is closed when the next one is asked for."""
    for shard in shards:
        with storage.open(shard_name(job_id, shard.number)) as file:
            yield file


def _texts(storage: Storage, job_id: str, shards: Sequence[BatchShardRow]) -> Iterator[tuple[int, bytes]]:
    """Yield the predictions of each piece in order, with the number of its input."""
    for shard, file in zip(shards, _files(storage, job_id, shards), strict=True):
        for piece in shard.outcome or []:
            yield piece["input"], file.read(piece["bytes"])


def _write_json(stream: Any, texts: Iterator[tuple[int, bytes]], outcomes: Sequence[InputOutcome]) -> None:
    for number, pieces in groupby(texts, key=itemgetter(0)):
        stream.write((b"," if number else b"") + orjson.dumps(outcomes[number].facts())[:-1] + b',"predictions":[')
        separator = b""
        for _, text in pieces:
            if text:
                stream.write(separator + text)
                separator = b","
        stream.write(b"]}")
