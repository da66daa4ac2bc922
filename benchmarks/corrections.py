"""What twenty corrections change after 700 auto-labels, measured on human-decided test bars.

``python -m benchmarks.corrections`` takes the demo series. TA-Lib labels one of them (AAPL, IBM or MSFT in turn: about
700 marks, 570 of them outside the test bars) and a first model learns from that. Then the simulated person of
``benchmarks/_person.py`` decides on TA-Lib's marks, through the feedback that the API records, and the model is trained
again. This person has reviewed the test bars of all four series, so every score is against the person, not TA-Lib.

Decisions are drawn in two ways: ``any`` mark, right or wrong, as a review queue would show them; or only ``wrong``
ones, as someone would who corrects what catches the eye.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._person import (
    NOTHING,
    BoolArray,
    IntArray,
    Marked,
    World,
    drawn_marks,
    make_world,
    review,
    snapshots,
)
from candleloop import pipeline
from candleloop.annotations.truth import Truth, resolve
from candleloop.inference.bundle import ModelBundle
from candleloop.inference.predictor import Predictor
from candleloop.pipeline_config import PipelineConfig, SourceWeights
from candleloop.training.event_counts import EvaluationCase
from candleloop.training.gate import GateSide, decide, gate_bars, gate_side
from candleloop.training.measure import evaluation_case
from candleloop.training.snapshot import Snapshot

ROOT = Path(__file__).parents[1]
LABELLED = ("AAPL-1d", "IBM-1d", "MSFT-1d")
"""The series that TA-Lib labels, in turn; GOOG is too short to have 700 marks."""

FEW = (1, 3)
TWENTY = 20
MORE = (50, 100, 200)
WEIGHTS = (1.0, 3.0, 10.0, 30.0)
WAYS = ("any", "wrong")
SIMILAR = 10


@dataclass(frozen=True, eq=False)
class Model:
    """A trained model, how it does on the test bars and in the other series, and what it shows by series."""

    bundle: ModelBundle
    side: GateSide
    elsewhere: GateSide
    shown: dict[str, set[tuple[int, int, int]]]

    @property
    def macro_f1(self) -> float:
        """Event macro-F1 against the person on the test bars."""
        return float(self.side.evaluation.macro_f1 or 0.0)

    @property
    def elsewhere_macro_f1(self) -> float:
        """Event macro-F1 against the person on all bars of the series that teach nothing."""
        return float(self.elsewhere.evaluation.macro_f1 or 0.0)


def train(world: World, snapshot: Snapshot, config: PipelineConfig) -> Model:
    """Train on a snapshot and measure on the human-decided test bars."""
    bundle = pipeline.train_snapshot(replace(world.context, config=config), snapshot).bundle
    predictor = Predictor(bundle)
    cutoff = np.array([bundle.thresholds[name] for name in world.label_set.names])
    cases, others, shown = [], [], {}
    for one in snapshot.series:
        marked = world.series[one.series_id]
        truth = resolve(one.marks, marked.candles.time, len(world.label_set))
        cases.append(evaluation_case(predictor, one.series_id, marked.candles, truth, marked.test))
        found = predictor.predict(marked.candles)
        shown[one.series_id] = set(found.spans[found.confidence >= cutoff[found.spans.label]].rows())
        if one.series_id != world.labelled:
            usable: BoolArray = np.asarray(np.isfinite(marked.features).all(axis=1))
            others.append(EvaluationCase(one.series_id, all_seen(marked, truth), found.spans, found.confidence, usable))
    side, elsewhere = (
        gate_side(part, world.label_set, bundle.thresholds, config.evaluation, seed=config.training.seed)
        for part in (cases, others)
    )
    return Model(bundle, side, elsewhere, shown)


def all_seen(marked: Marked, truth: Truth) -> Truth:
    """Return what holds to the person on a whole series, asked or not."""
    spans = marked.truth[marked.truth.order()]
    everything = np.ones_like(truth.known)
    return replace(
        truth, spans=spans, by_human=np.ones(len(spans), dtype=np.bool_), known=everything, known_by_human=everything
    )


def asked_gate(
    world: World, snapshot: Snapshot, before: Model, after: Model, config: PipelineConfig
) -> tuple[bool, bool]:
    """Tell whether the gate lets the retrained model go live, and whether its whole interval lies below 0."""
    listed = [(one, world.series[one.series_id]) for one in snapshot.series]
    truths = [resolve(one.marks, marked.candles.time, len(world.label_set)) for one, marked in listed]
    bars = gate_bars(truths, [marked.test for _, marked in listed], config.gate)
    if bars.truth != "human":
        raise RuntimeError("the gate did not measure on human-reviewed test bars")
    decision = decide(after.side, before.side, config.gate, bars=bars, seed=config.training.seed)
    return decision.promote, decision.interval is not None and decision.interval[1] < 0


def decided_places(world: World, rows: IntArray, model: Model) -> tuple[int, int, int, int]:
    """Count, at decided marks: marks that do not hold, those still shown; spans that hold, those shown."""
    marked = world.series[world.labelled]
    shown = model.shown[world.labelled]
    wrong = [place for place, seen in _places(marked, rows) if place[0] != seen]
    right = [(seen, *place[1:]) for place, seen in _places(marked, rows) if seen != NOTHING]
    return len(wrong), sum(place in shown for place in wrong), len(right), sum(place in shown for place in right)


def similar_places(world: World, rows: IntArray, model: Model) -> tuple[int, int]:
    """Count marks like the decided ones at which nothing teaches, and those where the model agrees with the person.

    For each decided mark these are the nearest of the same label in the other series' and all test bars, by Euclidean
    distance of the standardised features at the last bar.
    """
    own = world.series[world.labelled]
    scale = np.nanstd(own.features, axis=0) + 1e-9
    agree = total = 0
    for label in np.unique(own.marks.label[rows]).tolist():
        parts = [_untaught(world, series_id, label) for series_id in world.series]
        features = np.concatenate([world.series[one].features[marked.marks.end[kept]] for one, marked, kept in parts])
        right = np.concatenate([_agrees(marked, kept, model.shown[one]) for one, marked, kept in parts])
        for row in rows[own.marks.label[rows] == label].tolist():
            apart = (((features - own.features[own.marks.end[row]]) / scale) ** 2).sum(axis=1)
            nearest = np.argsort(apart, kind="stable")[:SIMILAR]
            agree, total = agree + int(right[nearest].sum()), total + len(nearest)
    return total, agree


def _untaught(world: World, series_id: str, label: int) -> tuple[str, Marked, IntArray]:
    marked = world.series[series_id]
    usable = np.isfinite(marked.features).all(axis=1) & (marked.test | (series_id != world.labelled))
    return series_id, marked, np.flatnonzero((marked.marks.label == label) & usable[marked.marks.end])


def _agrees(marked: Marked, rows: IntArray, shown: set[tuple[int, int, int]]) -> BoolArray:
    return np.array([(place in shown) == (place[0] == seen) for place, seen in _places(marked, rows)], dtype=np.bool_)


def _places(marked: Marked, rows: IntArray) -> list[tuple[tuple[int, int, int], int]]:
    return list(zip(marked.marks[rows].rows(), marked.seen[rows].tolist(), strict=True))


@dataclass(frozen=True)
class Trial:
    """One retrain beside the model before: scores, the gate, and counts of places."""

    way: str
    weight: float
    decisions: int
    seed: int
    labelled: str
    before: float
    after: float
    elsewhere_before: float
    elsewhere_after: float
    passed: bool
    surely_worse: bool
    wrong: int
    wrong_shown_before: int
    wrong_shown_after: int
    right: int
    right_shown_before: int
    right_shown_after: int
    similar: int
    similar_agree_before: int
    similar_agree_after: int


def trial(world: World, snapshot: Snapshot, rows: IntArray, before: Model, way: str, weight: float, seed: int) -> Trial:
    """Train on a snapshot after some decisions and compare with the model before them."""
    config = weighted(world.context.config, weight)
    after = train(world, snapshot, config)
    wrong, wrong_before, right, right_before = decided_places(world, rows, before)
    _, wrong_after, _, right_after = decided_places(world, rows, after)
    similar, agree_before = similar_places(world, rows, before)
    passed, surely_worse = asked_gate(world, snapshot, before, after, config)
    return Trial(
        way=way,
        weight=weight,
        decisions=len(rows),
        seed=seed,
        labelled=world.labelled,
        before=before.macro_f1,
        after=after.macro_f1,
        elsewhere_before=before.elsewhere_macro_f1,
        elsewhere_after=after.elsewhere_macro_f1,
        passed=passed,
        surely_worse=surely_worse,
        wrong=wrong,
        wrong_shown_before=wrong_before,
        wrong_shown_after=wrong_after,
        right=right,
        right_shown_before=right_before,
        right_shown_after=right_after,
        similar=similar,
        similar_agree_before=agree_before,
        similar_agree_after=similar_places(world, rows, after)[1],
    )


def weighted(config: PipelineConfig, weight: float) -> PipelineConfig:
    """Return the configuration with another weight of people's decisions."""
    source_weights = SourceWeights(human=weight, talib=config.training.source_weights.talib)
    return config.model_copy(update={"training": config.training.model_copy(update={"source_weights": source_weights})})


def everything(world: World, before: Model) -> dict[str, Any]:
    """Let the person review all bars of the labelled series: the most that its decisions can give."""
    review(world, world.labelled, ~world.series[world.labelled].test)
    after = train(world, pipeline.take_snapshot(world.context, world.label_set.name), world.context.config)
    return {
        "labelled": world.labelled,
        "before": before.macro_f1,
        "after": after.macro_f1,
        "elsewhere_before": before.elsewhere_macro_f1,
        "elsewhere_after": after.elsewhere_macro_f1,
    }


def run(
    config: PipelineConfig, *, seeds: int, weights: Sequence[float], few: Sequence[int], more: Sequence[int]
) -> dict[str, Any]:
    """Run all trials.

    Parameters
    ----------
    config
        The pipeline configuration; ``training.source_weights.human`` is the weight beside which others are tried.
    seeds
        How many draws of decisions; the labelled series take turns.
    weights
        Weights of people's decisions, tried with twenty of them.
    few, more
        Further numbers of decisions, below and above twenty, with the configured weight only.

    Returns
    -------
    dict
        ``trials``, ``everything`` and ``worlds``, all JSON-ready.
    """
    usual = config.training.source_weights.human
    counts = [*few, TWENTY, *more]
    found: dict[str, list[Any]] = {"worlds": [], "trials": [], "everything": []}
    for turn, labelled in enumerate(LABELLED[:seeds]):
        with tempfile.TemporaryDirectory() as folder:
            world = make_world(Path(folder), config, labelled)
            before = train(world, pipeline.take_snapshot(world.context, world.label_set.name), config)
            found["worlds"].append(about(world))
            for seed in range(turn, seeds, len(LABELLED)):
                for way in WAYS:
                    rows = drawn_marks(world, way, seed)
                    taken = snapshots(world, rows, counts, f"{way}-{seed}")
                    for count, snapshot in zip(counts, taken, strict=True):
                        for weight in weights if count == TWENTY else [usual]:
                            found["trials"].append(
                                asdict(trial(world, snapshot, rows[:count], before, way, weight, seed))
                            )
            found["everything"].append(everything(world, before))
            world.context.database.dispose()
    return found


def about(world: World) -> dict[str, Any]:
    """Say how many marks there are and how many of them hold to the person."""
    own = world.series[world.labelled]
    return {
        "labelled": world.labelled,
        "marks": len(own.marks),
        "marks_that_teach": len(drawn_marks(world, "any", 0)),
        "hold": float((own.seen == own.marks.label).mean()),
        "other_label": float(((own.seen != own.marks.label) & (own.seen != NOTHING)).mean()),
        "test_spans": int(sum(marked.test[marked.truth.end].sum() for marked in world.series.values())),
        "test_bars": int(sum(marked.test.sum() for marked in world.series.values())),
    }


def mean_and_interval(values: Sequence[float]) -> tuple[float, float | None]:
    """Return the mean and half the width of its 95 % interval by Student's t; None for fewer than two values."""
    from scipy.stats import t

    if len(values) < 2:
        return float(np.mean(values)), None
    half = t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values))
    return float(np.mean(values)), float(half)


def summary(trials: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one row for each way, weight and number of decisions."""
    rows = []
    for key in dict.fromkeys((one["way"], one["weight"], one["decisions"]) for one in trials):
        own = [one for one in trials if (one["way"], one["weight"], one["decisions"]) == key]
        total = {name: sum(one[name] for one in own) for name in own[0] if name not in {"way", "labelled"}}
        change = [one["after"] - one["before"] for one in own]
        rows.append(
            {
                "way": key[0],
                "weight": key[1],
                "decisions": key[2],
                "trials": len(own),
                "before": total["before"] / len(own),
                "after": total["after"] / len(own),
                "change": mean_and_interval(change),
                "mean_size_of_change": float(np.mean(np.abs(change))),
                "change_elsewhere": mean_and_interval(
                    [one["elsewhere_after"] - one["elsewhere_before"] for one in own]
                ),
                "passed": total["passed"] / len(own),
                "surely_worse": total["surely_worse"] / len(own),
                **{
                    f"{name}_{when}": total[f"{name}_{when}"] / max(total[name.split("_")[0]], 1)
                    for name in ("wrong_shown", "right_shown", "similar_agree")
                    for when in ("before", "after")
                },
            }
        )
    return rows


def print_tables(found: dict[str, Any]) -> None:
    """Print what was measured."""
    for one in found["worlds"]:
        print(
            f"{one['labelled']}: TA-Lib made {one['marks']} marks, {one['marks_that_teach']} of them teach. To the "
            f"person {one['hold']:.0%} hold, {one['other_label']:.0%} have another label. The test bars: "
            f"{one['test_spans']} spans that hold in {one['test_bars']} reviewed bars."
        )
    print(
        "\nEvent macro-F1 against the person; changes with 95 % intervals over the draws. 'Elsewhere' is all bars of\n"
        "the three series that teach nothing. 'Passed': what the gate lets through; 'worse': where its paired\n"
        "bootstrap interval lies wholly below 0. The last columns are shares, before > after: decided marks that do\n"
        "not hold and are shown, decided spans that hold and are shown, similar undecided marks where the model\n"
        "agrees with the person.\n"
    )
    print(
        f"{'marks':<6}{'weight':>7}{'decided':>8}{'before':>8}{'after':>7}{'change':>17}{'|change|':>9}"
        f"{'elsewhere':>17}{'passed':>7}{'worse':>6}{'wrong shown':>14}{'right shown':>14}{'similar agree':>15}"
    )
    for row in summary(found["trials"]):
        print(
            f"{row['way']:<6}{row['weight']:>7g}{row['decisions']:>8}{row['before']:>8.3f}{row['after']:>7.3f}"
            f"{_spread(row['change']):>17}{row['mean_size_of_change']:>9.3f}{_spread(row['change_elsewhere']):>17}"
            f"{row['passed']:>7.0%}{row['surely_worse']:>6.0%}"
            + "".join(
                f"{row[f'{name}_before']:>{width - 7}.0%} > {row[f'{name}_after']:>4.0%}"
                for name, width in (("wrong_shown", 14), ("right_shown", 14), ("similar_agree", 15))
            )
        )
    for one in found["everything"]:
        print(
            f"{one['labelled']} reviewed completely: {one['before']:.3f} > {one['after']:.3f}, elsewhere "
            f"{one['elsewhere_before']:.3f} > {one['elsewhere_after']:.3f}"
        )


def _spread(mean_and_half: tuple[float, float | None]) -> str:
    mean, half = mean_and_half
    return f"{mean:+.3f}" if half is None else f"{mean:+.3f} \u00b1 {half:.3f}"


def main() -> None:
    """Run all, print the tables and write JSON where asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="three draws, twenty decisions only")
    parser.add_argument("--seeds", type=int, help="number of draws of decisions (9, quick: 3)")
    parser.add_argument("--config", type=Path, default=ROOT / "config/pipeline.yaml")
    parser.add_argument("--json", type=Path, help="file for everything that was measured")
    chosen = parser.parse_args()
    started = time.perf_counter()
    config = one_threaded(PipelineConfig.load(chosen.config))
    found = run(
        config,
        seeds=chosen.seeds or (3 if chosen.quick else 9),
        weights=WEIGHTS,
        few=() if chosen.quick else FEW,
        more=() if chosen.quick else MORE,
    )
    print_tables(found)
    print(f"{time.perf_counter() - started:.0f} s")
    if chosen.json:
        chosen.json.write_text(json.dumps({**found, "summary": summary(found["trials"])}, indent=2) + "\n")


def one_threaded(config: PipelineConfig) -> PipelineConfig:
    """Return the configuration for many small trainings: one thread, no bootstrap beyond the gate's own."""
    return config.model_copy(
        update={
            "training": config.training.model_copy(update={"threads": 1}),
            "evaluation": config.evaluation.model_copy(update={"bootstrap_samples": 0}),
        }
    )


if __name__ == "__main__":
    main()
