"""What every query strategy promises, as checks: run over all strategies by the tests, over a new one as it grows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace

import numpy as np

from candleloop.loop.pool import ReviewPool
from candleloop.loop.strategies.base import Strategy
from candleloop.loop.windows import IntArray, WindowScores

N_LABELS = 4
N_FEATURES = 6
LABELS = ("morning_star", "hammer", "doji", "bullish_harami")
SEED = 3


@dataclass(frozen=True, slots=True)
class Breach:
    """One promise that a strategy broke: a word for it, and where and by how much."""

    promise: str
    detail: str


def breaches(strategy: Strategy) -> list[Breach]:
    """Return every promise that a strategy breaks."""
    found: list[Breach] = []
    for promise, check in CHECKS.items():
        try:
            found.extend(Breach(promise, detail) for detail in check(strategy))
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            found.append(Breach(promise, f"fails with {type(error).__name__}: {error}"))
    return found


def example_pool(n_windows: int = 60, *, n_seen: int = 12, seed: int = 0) -> ReviewPool:
    """Return a pool of three series with scores of every kind."""
    rng = np.random.default_rng(seed)
    start = np.arange(n_windows) // 3 * 60
    scores = WindowScores(
        least_confidence=rng.random(n_windows).astype(np.float32),
        margin=rng.random(n_windows).astype(np.float32),
        entropy=rng.random(n_windows).astype(np.float32),
        vote_entropy=rng.random(n_windows).astype(np.float32),
        margin_by_label=rng.random((n_windows, N_LABELS)).astype(np.float32),
        expected=(2 * rng.random((n_windows, N_LABELS)) ** 4).astype(np.float32),
        torn_bar=rng.integers(60, size=n_windows).astype(np.int32),
        torn_classes=rng.integers(N_LABELS + 1, size=(n_windows, 2)).astype(np.int16),
        embedding=rng.standard_normal((n_windows, N_FEATURES)).astype(np.float32),
    )
    return ReviewPool(
        scores=scores,
        series=np.arange(n_windows) % 3,
        start=start,
        end=start + 59,
        test=np.zeros(n_windows, dtype=np.bool_),
        disagreement=np.where(rng.random(n_windows) < 0.3, rng.random(n_windows), 0.0),
        labelled=np.array([40, 3, 0, 7]),
        seen_embedding=rng.standard_normal((n_seen, N_FEATURES)).astype(np.float32),
        seen_labels=rng.random((n_seen, N_LABELS)) < 0.3,
        marked=rng.integers(3, size=n_windows),
    )


def _ask(strategy: Strategy, pool: ReviewPool, k: int, seed: int = SEED) -> IntArray:
    return strategy.query(pool, k, np.random.default_rng(seed))


def _faults(strategy: Strategy, pool: ReviewPool, k: int) -> Iterator[str]:
    rows = _ask(strategy, pool, k)
    if not isinstance(rows, np.ndarray) or rows.dtype != np.int64 or rows.ndim != 1:
        yield f"gives {type(rows).__name__} and not an int64 array of one dimension"
    elif len(rows) != min(k, len(pool)):
        yield f"gives {len(rows)} of {len(pool)} windows when asked for {k}"
    elif len(np.unique(rows)) != len(rows):
        yield "gives a window twice"
    elif len(rows) and (int(rows.min()) < 0 or int(rows.max()) >= len(pool)):
        yield f"gives rows from {rows.min()} to {rows.max()} of a pool of {len(pool)}"


def _chooses(strategy: Strategy) -> Iterator[str]:
    for k in (0, 1, 7, 59, 60):
        yield from _faults(strategy, example_pool(), k)


def _more_than_there_is(strategy: Strategy) -> Iterator[str]:
    yield from _faults(strategy, example_pool(), 1_000)
    yield from _faults(strategy, example_pool(1), 5)
    yield from _faults(strategy, example_pool(0), 5)


def _is_repeatable(strategy: Strategy) -> Iterator[str]:
    for pool in (example_pool(), _all_equal(example_pool())):
        if not np.array_equal(_ask(strategy, pool, 20), _ask(strategy, pool, 20)):
            yield "the same seed gives another choice"


def _all_equal_scores(strategy: Strategy) -> Iterator[str]:
    yield from _faults(strategy, _all_equal(example_pool()), 20)


def _unscored_last(strategy: Strategy) -> Iterator[str]:
    pool = example_pool()
    known = np.arange(len(pool)) % 4 != 0
    scores = _masked(pool.scores, known)
    partly = replace(pool, scores=scores, disagreement=np.where(known, pool.disagreement, 0.0))
    yield from _faults(strategy, partly, 50)
    if not known[_ask(strategy, partly, int(known.sum()))].all():
        yield "a window without scores comes before one with scores"


def _without_a_model(strategy: Strategy) -> Iterator[str]:
    pool = example_pool(n_seen=0)
    blank = replace(
        pool,
        scores=WindowScores.unknown(len(pool), N_LABELS, N_FEATURES),
        disagreement=np.zeros(len(pool)),
        labelled=np.zeros(N_LABELS, dtype=np.int64),
    )
    yield from _faults(strategy, blank, 20)
    yield from _wordless(strategy, blank)


def _says_why(strategy: Strategy) -> Iterator[str]:
    yield from _wordless(strategy, example_pool())
    yield from _wordless(strategy, example_pool(n_seen=0))


def _wordless(strategy: Strategy, pool: ReviewPool) -> Iterator[str]:
    for row in _ask(strategy, pool, 20).tolist():
        reason = strategy.explain(pool, row, LABELS)
        if not reason.code.replace("_", "").isalpha() or not reason.code.islower():
            yield f"the code {reason.code!r} is no word"
        if not reason.text.endswith(".") or "nan" in reason.text.lower().split() or "_" in reason.text:
            yield f"{reason.text!r} is no sentence for people"
        if reason.value is not None and not np.isfinite(reason.value):
            yield f"the value is {reason.value}"


def _leaves_its_input(strategy: Strategy) -> Iterator[str]:
    pool, before = example_pool(), example_pool()
    rows = _ask(strategy, pool, 20)
    strategy.explain(pool, int(rows[0]), LABELS)
    for held, kept in ((pool, before), (pool.scores, before.scores)):
        for field in fields(held):
            value = getattr(held, field.name)
            if isinstance(value, np.ndarray) and not np.array_equal(value, getattr(kept, field.name), equal_nan=True):
                yield f"changes {field.name}"


def _masked(scores: WindowScores, known: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> WindowScores:
    """Return the scores with what a model would not have said about the other windows."""
    blank = WindowScores.unknown(len(scores), N_LABELS, N_FEATURES)
    return WindowScores(
        *(
            np.where(
                known.reshape(-1, *[1] * (getattr(scores, field.name).ndim - 1)),
                getattr(scores, field.name),
                getattr(blank, field.name),
            )
            for field in fields(scores)
        )
    )


def _all_equal(pool: ReviewPool) -> ReviewPool:
    scores = pool.scores[np.zeros(len(pool), dtype=np.int64)]
    return replace(pool, scores=scores, disagreement=np.full(len(pool), 0.5))


CHECKS: dict[str, Callable[[Strategy], Iterator[str]]] = {
    "chooses": _chooses,
    "more_than_there_is": _more_than_there_is,
    "repeatable": _is_repeatable,
    "all_equal": _all_equal_scores,
    "unscored_last": _unscored_last,
    "without_a_model": _without_a_model,
    "says_why": _says_why,
    "untouched": _leaves_its_input,
}
"""Every promise by the word for it."""
