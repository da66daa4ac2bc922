"""How good a configuration is on bars held out in another way than the frozen test bars; nothing is kept of the models.

Later time, another instrument, or both at random tell different things: whether a model holds up over time, whether it
carries over to a market it has never seen, and how much a careless split would flatter it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from candleloop.candles.frame import IntArray
from candleloop.errors import BadRequest, TooFewLabels
from candleloop.pipeline_config import PipelineConfig
from candleloop.progress import Progress, silent
from candleloop.training.evaluation import Evaluation, evaluate, summarise
from candleloop.training.event_counts import Counted, block_counts, count_case
from candleloop.training.snapshot import Snapshot, SnapshotSeries
from candleloop.training.splits import SeriesSplit, last_instant, random_split
from candleloop.training.train import CandlesOf, Learned, learn


class Split(StrEnum):
    """What is held out."""

    TEST_BARS = "test_bars"
    """The frozen test bars of each series."""
    ONE_INSTANT = "one_instant"
    """The latest fifth of all bars: every series is cut at the same instant, so no market tells another's future."""
    LEAVE_ONE_SERIES_OUT = "leave_one_series_out"
    """Each series once, learned from the others."""
    RANDOM = "random"
    """Short runs of bars at random. Test bars lie between bars that teach: a diagnosis of leakage, no measurement."""

    @classmethod
    def named(cls, name: str) -> Split:
        """Return the split of that name.

        Raises
        ------
        BadRequest
            Naming those that there are.
        """
        try:
            return cls(name)
        except ValueError:
            raise BadRequest(f"There is no split {name!r}; there are {', '.join(cls)}.", field="split") from None


class Fold(BaseModel):
    """One model of a split and its scores; ``name`` is the series or the instant held out."""

    model_config = ConfigDict(frozen=True)

    name: str
    evaluation: Evaluation


class HeldOut(BaseModel):
    """The scores over all folds together, and each by itself."""

    model_config = ConfigDict(frozen=True)

    split: Split
    evaluation: Evaluation
    folds: tuple[Fold, ...]

    @property
    def is_diagnosis(self) -> bool:
        """Whether the scores say nothing about how good the model is."""
        return self.split == Split.RANDOM


def evaluate_held_out(
    snapshot: Snapshot,
    candles_of: CandlesOf,
    config: PipelineConfig,
    split: Split,
    *,
    max_gap: int | None = None,
    progress: Progress = silent,
) -> HeldOut:
    """Train on what a split leaves and measure on what it holds out.

    Parameters
    ----------
    snapshot, candles_of, config, max_gap
        As in :func:`candleloop.training.train.train`.
    split
        What is held out. The purge and embargo of the configuration hold for all but the random one.
    progress
        Told the stage and how far it is.

    Returns
    -------
    HeldOut
        In ``evaluation`` the spans of all folds are counted together, each by the thresholds of its own model.

    Raises
    ------
    BadRequest
        When there are too few series to leave one out, or too few bars to cut.
    TooFewLabels
        As in :func:`candleloop.training.train.train`; the message says in which fold.
    """
    counted, folds = list[Counted](), list[Fold]()
    for name, part in _parts(snapshot, candles_of, split):
        learned = _learn(part, candles_of, config, split, name, max_gap, progress)
        thresholds = learned.bundle.thresholds
        evaluation = evaluate(
            learned.cases, snapshot.label_set, thresholds, config.evaluation, seed=config.training.seed
        )
        folds.append(Fold(name=name, evaluation=evaluation))
        counted.extend(count_case(case, snapshot.label_set, thresholds) for case in learned.cases)
    if len(folds) == 1:
        return HeldOut(split=split, evaluation=folds[0].evaluation, folds=tuple(folds))
    blocks = block_counts(counted, snapshot.label_set, block=config.evaluation.bootstrap_block)
    together = summarise(counted, blocks, snapshot.label_set, {}, config.evaluation, seed=config.training.seed)
    return HeldOut(split=split, evaluation=together, folds=tuple(folds))


def _parts(snapshot: Snapshot, candles_of: CandlesOf, split: Split) -> Iterator[tuple[str, Snapshot]]:
    """Yield the name of each fold and the snapshot with the bars it holds out as its test bars."""
    if split in (Split.TEST_BARS, Split.RANDOM):
        yield split.value, snapshot
        return
    times = {one.series_id: candles_of(one.series_id, one.version).time for one in snapshot.series}
    if split == Split.ONE_INSTANT:
        try:
            instant = last_instant(list(times.values()))
        except (ValueError, IndexError) as error:
            raise BadRequest(f"The series cannot be cut at one instant: {error}.", field="split") from error
        yield split.value, _holding_out(snapshot, {key: time[time >= instant] for key, time in times.items()})
        return
    if len(times) < 2:
        raise BadRequest(f"Leaving one series out needs two series at least; there are {len(times)}.", field="split")
    for left_out, time in times.items():
        yield left_out, _holding_out(snapshot, {left_out: time})


def _holding_out(snapshot: Snapshot, held: dict[str, IntArray]) -> Snapshot:
    """Return the snapshot with these bars of each series as its test bars, and no others."""
    parts = []
    for one in snapshot.series:
        time = held.get(one.series_id)
        first, last = (int(time[0]), int(time[-1])) if time is not None and len(time) else (None, None)
        parts.append(replace(one, test_start_time=first, test_end_time=last))
    return replace(snapshot, series=tuple(parts))


def _learn(
    part: Snapshot,
    candles_of: CandlesOf,
    config: PipelineConfig,
    split: Split,
    name: str,
    max_gap: int | None,
    progress: Progress,
) -> Learned:
    place = {one.series_id: number for number, one in enumerate(part.series)}

    def at_random(one: SnapshotSeries, time: IntArray) -> SeriesSplit:
        seed = config.training.seed + place[one.series_id]
        return random_split(len(time), calibration_share=config.split.calibration_share, seed=seed)

    divide = at_random if split == Split.RANDOM else None
    try:
        return learn(part, candles_of, config, max_gap=max_gap, divide=divide, progress=progress)
    except TooFewLabels as error:
        raise TooFewLabels(f"Held out {name}: {error.message}", **error.details) from error
