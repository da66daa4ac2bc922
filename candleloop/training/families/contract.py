"""What every model family promises, as checks: run over all families by the tests, and over a new one while it grows.

A family that passes learns what there is to learn, gives distributions over all classes of the label set, reads nothing
but the bars it says it reads, can be stored as plain files, and gives the same model for the same input.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from candleloop.errors import BundleRefused, TooFewLabels
from candleloop.training.families.base import FittedModel, ModelFamily, ProbabilityArray, TrainingBars

N_CLASSES = 5
N_FEATURES = 6
WARMUP = 20
SEED = 3
LEARNED = 0.75
"""Share of unseen bars whose class a model must know where two columns tell it."""
TOLERANCE = 1e-6
"""Largest difference between probabilities that should be equal: sums of floats may be taken in another order."""


@dataclass(frozen=True, slots=True)
class Breach:
    """One promise that a family broke: a word for it, and where and by how much."""

    promise: str
    detail: str


@dataclass(frozen=True)
class _Examined:
    family: ModelFamily
    fitted_type: type[FittedModel]

    def bars(self, *, seed: int = 0, n_bars: int = 900, classes: tuple[int, ...] = (0, 1, 2, 3, 4)) -> TrainingBars:
        """Return bars whose class is told by two columns; three groups, every third bar teaches nothing."""
        rng = np.random.default_rng(seed)
        features = rng.standard_normal((n_bars, N_FEATURES)).astype(np.float32)
        target = np.digitize(features[:, 0] + 0.3 * features[:, 1], [-1.0, -0.3, 0.3, 1.0]).astype(np.int16)
        bar = np.arange(n_bars)
        starts = np.array([0, n_bars // 2, n_bars * 4 // 5])
        group = (np.searchsorted(starts, bar, side="right") - 1).astype(np.int32)
        within = bar - starts[group]
        features[within < WARMUP] = np.nan
        rows = np.flatnonzero((within >= WARMUP + self.family.context) & (bar % 3 != 0) & np.isin(target, classes))
        return TrainingBars(features, group, rows, target[rows], np.ones(len(rows)), N_CLASSES)

    def fit(self, given: TrainingBars, validation: TrainingBars | None = None, *, threads: int = 1) -> FittedModel:
        return self.family.fit(given, validation, seed=SEED, threads=threads)


def breaches(family: ModelFamily, fitted_type: type[FittedModel]) -> list[Breach]:
    """Return every promise that a family breaks.

    Parameters
    ----------
    family
        The family, configured so that it learns from 500 samples.
    fitted_type
        The class that reads its files back.
    """
    examined = _Examined(family, fitted_type)
    found: list[Breach] = []
    for promise, check in CHECKS.items():
        try:
            found.extend(Breach(promise, detail) for detail in check(examined))
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            found.append(Breach(promise, f"fails with {type(error).__name__}: {error}"))
    return found


def _learns(examined: _Examined) -> Iterator[str]:
    unseen = examined.bars(seed=1)
    share = float((_probabilities(examined.fit(examined.bars()), unseen).argmax(axis=1) == unseen.target).mean())
    if share < LEARNED:
        yield f"knows the class of {share:.0%} of unseen bars"


def _distributions(examined: _Examined) -> Iterator[str]:
    given = examined.bars()
    model = examined.fit(given)
    asked = given.rows[[5, 2, 2]]
    probabilities = model.predict_probabilities(given.features, asked, given.group)
    if probabilities.shape != (3, N_CLASSES) or probabilities.dtype != np.float32:
        yield f"gives {probabilities.dtype} of shape {probabilities.shape} for 3 rows and {N_CLASSES} classes"
        return
    if (probabilities < 0).any() or np.abs(probabilities.sum(axis=1) - 1).max() > 1e-5:
        yield "rows do not add up to 1"
    if (probabilities[1] != probabilities[2]).any():
        yield "the same bar asked for twice has two answers"
    nothing = model.predict_probabilities(given.features, given.rows[:0], given.group)
    if nothing.shape != (0, N_CLASSES):
        yield f"gives shape {nothing.shape} for no rows"


def _each_bar_alone(examined: _Examined) -> Iterator[str]:
    given = examined.bars()
    model = examined.fit(given)
    together = _probabilities(model, given)[:40]
    alone = [model.predict_probabilities(given.features, given.rows[[k]], given.group) for k in range(40)]
    if _differ(np.concatenate(alone), together):
        yield "a bar is predicted otherwise alone than among others"


def _reads_its_context_only(examined: _Examined) -> Iterator[str]:
    given = examined.bars()
    model = examined.fit(given)
    if model.context != examined.family.context:
        yield f"the family reads {examined.family.context} bars back, its model says {model.context}"
    row = int(given.rows[given.group[given.rows] == 1][30])
    expected = model.predict_probabilities(given.features, np.array([row]), given.group)
    bar = np.arange(len(given.features))
    for what, others in (("after it", bar > row), ("further back than its context", bar < row - model.context)):
        changed = given.features.copy()
        changed[others] = 9.0
        if _differ(model.predict_probabilities(changed, np.array([row]), given.group), expected):
            yield f"bars {what} change the prediction for a bar"
    first = row - model.context
    cut = np.ascontiguousarray(given.features[first : row + 1])
    if _differ(model.predict_probabilities(cut, np.array([row - first])), expected):
        yield "a bar with its context alone, as one segment, is predicted otherwise"


def _keeps_places(examined: _Examined) -> Iterator[str]:
    given = examined.bars(classes=(0, 2, 4))
    probabilities = _probabilities(examined.fit(given), given)
    if probabilities[:, [1, 3]].any():
        yield "a class that was not there to learn has a probability"
    if (probabilities.argmax(axis=1) == given.target).mean() < LEARNED:
        yield "classes move to other columns where one is missing"
    model = examined.fit(examined.bars(classes=(0, 2)), examined.bars(seed=1))
    if _probabilities(model, given)[:, [1, 3, 4]].any():
        yield "a class that only the validation has gets a probability"


def _is_repeatable(examined: _Examined) -> Iterator[str]:
    def files(threads: int = 1) -> dict[str, bytes]:
        return dict(examined.fit(examined.bars(), examined.bars(seed=1), threads=threads).to_files())

    first = files()
    if files() != first:
        yield "the same input and seed give other bytes"
    if files(threads=2) != first:
        yield "two threads give other bytes than one"


def _survives_files(examined: _Examined) -> Iterator[str]:
    given = examined.bars()
    model = examined.fit(given)
    files = model.to_files()
    again = examined.fitted_type.from_files(files)
    if (_probabilities(again, given) != _probabilities(model, given)).any():
        yield "predicts otherwise after it was stored"
    if again.to_files() != files or again.context != model.context:
        yield "is stored otherwise the second time"
    if any(content.startswith(b"\x80") for content in files.values()):
        yield "a file is a pickle"
    for name, content in files.items():
        others = {key: value for key, value in files.items() if key != name}
        for damage, broken in (("missing", others), ("cut short", {**others, name: content[: len(content) // 2]})):
            try:
                examined.fitted_type.from_files(broken)
            except BundleRefused:
                continue
            yield f"{name} {damage} is not refused"


def _needs_two_classes(examined: _Examined) -> Iterator[str]:
    for classes in ((2,), ()):
        try:
            examined.fit(examined.bars(classes=classes))
        except TooFewLabels as refusal:
            if set(refusal.details["counts"]) == {str(k) for k in classes}:
                continue
        yield f"samples of {len(classes)} classes are not refused with their counts"


def _weighs(examined: _Examined) -> Iterator[str]:
    """Two contradicting halves: the heavier one wins."""
    given = examined.bars(n_bars=400)
    target = (np.arange(len(given)) % 2).astype(np.int16)
    same = replace(given, features=np.ones_like(given.features), target=target)
    model = examined.fit(replace(same, weight=np.where(target == 1, 10.0, 1.0)))
    share = float(_probabilities(model, same)[0, 1])
    if abs(share - 10 / 11) > 0.1:
        yield f"samples ten times as heavy as the others get a probability of {share:.2f}"


def _settles(examined: _Examined) -> Iterator[str]:
    given = examined.bars()
    first = examined.fit(given, examined.bars(seed=1))
    again = examined.family.settled(first).fit(given, seed=SEED)
    if np.abs(_probabilities(first, given) - _probabilities(again, given)).max() > TOLERANCE:
        yield "the settled family does not repeat what the validation chose"


def _tells_its_progress(examined: _Examined) -> Iterator[str]:
    told: list[tuple[int, int | None]] = []

    def progress(stage: str, done: int, total: int | None = None, unit: str = "steps") -> None:  # noqa: ARG001
        told.append((done, total))

    examined.family.fit(examined.bars(), seed=SEED, progress=progress)
    if not told or told[-1][0] != told[-1][1]:
        yield f"the last it tells is {told[-1] if told else 'nothing'}"


def _tells_what_matters(examined: _Examined) -> Iterator[str]:
    importance = examined.fit(examined.bars()).importance
    if importance.shape != (N_FEATURES,) or abs(importance.sum() - 1) > TOLERANCE or (importance < 0).any():
        yield f"importance is {importance}, not {N_FEATURES} shares"
    elif importance.argmax() != 0:
        yield f"column {importance.argmax()} is the most important one, not the one that tells the class"


def _sees_bars_ahead(examined: _Examined) -> Iterator[str]:
    """Learn from columns that come from bars ahead as from the same columns of the bars themselves."""
    given = examined.bars(n_bars=400)
    split = replace(given, offsets=(0, 2))
    wide = replace(given, features=split.read(np.arange(len(given.features))))
    if examined.fit(split).to_files() != examined.fit(wide).to_files():
        yield "features of bars ahead are not learned from as columns of the bar"


def _leaves_its_input(examined: _Examined) -> Iterator[str]:
    given, before = examined.bars(), examined.bars()
    _probabilities(examined.fit(given), given)
    if any(
        not np.array_equal(getattr(given, name), getattr(before, name), equal_nan=True)
        for name in ("features", "group", "rows", "target", "weight")
    ):
        yield "changes what it is given"


CHECKS: dict[str, Callable[[_Examined], Iterator[str]]] = {
    "learns": _learns,
    "distributions": _distributions,
    "each_bar_alone": _each_bar_alone,
    "context": _reads_its_context_only,
    "places": _keeps_places,
    "repeatable": _is_repeatable,
    "files": _survives_files,
    "two_classes": _needs_two_classes,
    "weights": _weighs,
    "settled": _settles,
    "progress": _tells_its_progress,
    "importance": _tells_what_matters,
    "ahead": _sees_bars_ahead,
    "untouched": _leaves_its_input,
}
"""Every promise by the word for it."""


def _probabilities(model: FittedModel, given: TrainingBars) -> ProbabilityArray:
    return model.predict_probabilities(given.features, given.rows, given.group)


def _differ(found: ProbabilityArray, expected: ProbabilityArray) -> bool:
    return bool(found.shape != expected.shape or np.abs(found - expected).max() > TOLERANCE)
