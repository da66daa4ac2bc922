"""What a worker does with a shard: predict its pieces, keep the predictions of stored series, write its file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy.orm import Session

from candleloop.annotations.marks import TimeSpans
from candleloop.batch.order import ResultFormat
from candleloop.batch.plan import Piece, PlannedInput
from candleloop.batch.windows import piece_windows, with_votes
from candleloop.candles.frame import IntArray
from candleloop.candles.store import CandleStore
from candleloop.errors import BadCandles
from candleloop.inference.answer import prediction_texts
from candleloop.inference.predictor import Predictions, Predictor
from candleloop.loop.window_files import SeriesWindows
from candleloop.storage import Storage
from candleloop.store.predictions import BACKGROUND, drop_predictions, upsert_predictions

WRITTEN: dict[str, Any] = {
    "compression": "zstd",
    "use_dictionary": ["series_id", "label", "model_version"],
    "column_encoding": dict.fromkeys(("start_time", "end_time", "start_index", "end_index"), "DELTA_BINARY_PACKED"),
    "write_statistics": ["input", "series_id", "label", "start_time", "end_time", "confidence"],
}
"""How Parquet is written. Dictionaries of what hardly comes twice are made in vain, and statistics pay where somebody
looks for rows: with these it takes half the time and a quarter less space."""


@dataclass(frozen=True, eq=False, slots=True)
class Predicted:
    """The predictions of a piece, with the bar-open times that their spans refer to; or why there are none.

    ``unseen`` tells which spans have no bar that their model learned from, bool array of shape (n_spans,); None where
    that was not looked up.
    """

    piece: Piece
    time: IntArray
    found: Predictions | None
    problem: dict[str, Any] | None = None
    unseen: npt.NDArray[np.bool_] | None = None
    windows: SeriesWindows | None = None


def predict_piece(
    predictor: Predictor,
    store: CandleStore,
    wanted: PlannedInput,
    piece: Piece,
    *,
    top_share: float,
    committee: Predictor | None = None,
) -> Predicted:
    """Predict a piece of an input, and score its windows where they are wanted; ``committee`` votes about them.

    Raises
    ------
    NotFound
        When its candles are not stored any more.
    """
    candles = store.read(wanted.store_id, wanted.version, start_time=piece.read_from, end_time=piece.read_to)
    try:
        examined = predictor.examine(candles, max_gap=wanted.max_gap, for_windows=bool(wanted.window_bars))
    except BadCandles as error:
        problem = {"code": error.code, "detail": error.message, **error.details}
        windows = piece_windows(predictor, wanted, piece, candles.time)
        return Predicted(piece, candles.time, None, problem, windows=windows)
    if committee is not None and wanted.window_bars:
        examined = with_votes(predictor, examined, committee, max_gap=wanted.max_gap)
    windows = piece_windows(predictor, wanted, piece, candles.time, examined, top_share=top_share)
    found = predictor.propose(examined, series_id=wanted.series_id)
    ends = candles.time[found.spans.end]
    kept = (ends >= piece.keep_from) & (ends <= piece.keep_to)
    return Predicted(piece, candles.time, found if kept.all() else found[kept], windows=windows)


def store_predictions(session: Session, predictor: Predictor, wanted: PlannedInput, made: Predicted) -> None:
    """Replace what the database holds of this model version on the bars of a piece of a stored series."""
    assert wanted.series_id is not None
    bundle, piece = predictor.bundle, made.piece
    place = wanted.series_id, bundle.label_set.name, bundle.version
    drop_predictions(
        session, *place, first_time=piece.keep_from, last_time=piece.keep_to, earliest_start=piece.read_from
    )
    if made.found is None:
        return
    spans = made.found.spans
    times = TimeSpans(spans.label, made.time[spans.start], made.time[spans.end])
    unseen = made.unseen
    if unseen is None:
        unseen = np.zeros(len(spans), dtype=np.bool_)
    if made.unseen is None and wanted.test_bars is not None:
        unseen = (times.start_time >= wanted.test_bars[0]) & (times.end_time <= wanted.test_bars[1])
    upsert_predictions(
        session,
        wanted.series_id,
        bundle.label_set,
        bundle.version,
        times,
        confidence=made.found.confidence,
        probabilities=made.found.probabilities,
        uncertainty=made.found.uncertainty,
        provisional=made.found.provisional,
        out_of_fold=unseen,
    )


def shard_name(job_id: str, number: int) -> str:
    """Return the name of a shard's file in the storage."""
    return f"batches/{job_id}/shards/{number:06d}"


def write_shard(
    storage: Storage,
    name: str,
    format: ResultFormat,
    predictor: Predictor,
    inputs: Sequence[PlannedInput],
    made: Sequence[Predicted],
) -> list[dict[str, Any]]:
    """Write the predictions of the pieces of a shard and return what became of each piece.

    They are written as the result has them, so that putting it together is copying: one row group, or texts.

    Returns
    -------
    list of dict
        For each piece its ``input``, the number of ``predictions``, how many ``bytes`` of the file they take (text
        formats), ``warnings`` and ``problem``.
    """
    bundle = predictor.bundle
    outcomes = []
    with storage.staged() as staged:
        if format is ResultFormat.PARQUET:
            schema = parquet_schema(bundle.label_set.names)
            table = pa.concat_tables([_table(one, inputs[one.piece.input], predictor, schema) for one in made])
            pq.write_table(table, staged.stream, row_group_size=max(len(table), 1), **WRITTEN)
            outcomes = outcomes_of(made)
        else:
            for one in made:
                text = _text(one, inputs[one.piece.input], format, predictor)
                staged.stream.write(text)
                outcomes.append(_outcome(one, len(text)))
        staged.keep(name)
    return outcomes


def outcomes_of(made: Sequence[Predicted]) -> list[dict[str, Any]]:
    """Return what became of each piece where no file is wanted."""
    return [_outcome(one, 0) for one in made]


def parquet_schema(labels: Sequence[str]) -> pa.Schema:
    """Return the columns of a Parquet result: one row for each prediction."""
    moment = pa.timestamp("us", "UTC")
    return pa.schema(
        [
            ("input", pa.int32()),
            ("series_id", pa.string()),
            ("id", pa.string()),
            ("label", pa.string()),
            ("start_time", moment),
            ("end_time", moment),
            ("start_index", pa.int64()),
            ("end_index", pa.int64()),
            ("confidence", pa.float64()),
            ("uncertainty", pa.float64()),
            ("provisional", pa.bool_()),
            ("model_version", pa.string()),
            *((f"probability_{name}", pa.float32()) for name in (BACKGROUND, *labels)),
        ]
    )


def _text(one: Predicted, wanted: PlannedInput, format: ResultFormat, predictor: Predictor) -> bytes:
    """Return the predictions of a piece: lines that say which input each is about, or items of a JSON array."""
    if one.found is None:
        return b""
    of_which = {"input": one.piece.input, "series_id": wanted.series_id}
    is_lines = format is ResultFormat.NDJSON
    more, separator, end = (of_which, "\n", "\n") if is_lines else (None, ",", "")
    label_set, first_bar = predictor.bundle.label_set, one.piece.first_bar
    texts = prediction_texts(one.found, one.time, label_set, first_bar=first_bar, more=more)
    return (separator.join(texts) + end).encode() if texts else b""


def _table(one: Predicted, wanted: PlannedInput, predictor: Predictor, schema: pa.Schema) -> pa.Table:
    if one.found is None:
        return schema.empty_table()
    found, spans, n = one.found, one.found.spans, len(one.found)
    names = np.array(predictor.bundle.label_set.names, dtype=object)
    columns = [
        np.full(n, one.piece.input, dtype=np.int32),
        [wanted.series_id] * n,
        [None] * n if found.ids is None else found.ids,
        names[spans.label],
        one.time[spans.start],
        one.time[spans.end],
        spans.start + one.piece.first_bar,
        spans.end + one.piece.first_bar,
        found.confidence,
        found.uncertainty,
        found.provisional,
        [predictor.bundle.version] * n,
        *found.probabilities.T,
    ]
    arrays = [pa.array(column, type=field.type) for column, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


def _outcome(one: Predicted, size: int) -> dict[str, Any]:
    found = one.found
    return {
        "input": one.piece.input,
        "predictions": 0 if found is None else len(found),
        "bytes": size,
        "warnings": [] if found is None else list(found.warnings),
        "problem": one.problem,
    }
