"""Checks on candles alone: a bar has the same features and predictions however it comes, and no future is read."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from candleloop.candles.frame import PRICE_FIELDS, Candles
from candleloop.candles.segments import segment_slices
from candleloop.doctor.report import Check, judged, skipped
from candleloop.features.contract import TOLERANCE, breaches
from candleloop.features.matrix import FeatureSpec, feature_matrix
from candleloop.inference.predictor import Predictions, Predictor
from candleloop.times import iso_times

CUTS = 25
"""Places of each series at which it is cut or its future is changed."""

MOST_BARS = 50_000
"""Bars of each series that are examined, the latest of its longest run without a gap."""

CONTRACT_BARS = 3_000


@dataclass(frozen=True, eq=False, slots=True)
class Examined:
    """One series under examination.

    Parameters
    ----------
    series_id
        Its id.
    candles
        Its longest run without a gap, at most ``MOST_BARS`` of it.
    max_gap
        Longest step inside a segment of the whole series, microseconds.
    """

    series_id: str
    candles: Candles
    max_gap: int

    @classmethod
    def of(cls, series_id: str, candles: Candles, max_gap: int) -> Examined:
        """Choose the run to look at."""
        runs = segment_slices(candles, max_gap=max_gap)
        longest = max(runs, key=lambda run: run.stop - run.start, default=slice(0, 0))
        return cls(series_id, candles[max(longest.start, longest.stop - MOST_BARS) : longest.stop], max_gap)

    def at(self, bar: int) -> str:
        """Name a bar."""
        return f"{self.series_id} {iso_times(self.candles.time[bar : bar + 1])[0]}"


def check_features_agree(series: list[Examined], spec: FeatureSpec, rng: np.random.Generator) -> Check:
    """Cut requests out of each series and compare their last bar with the same bar of the whole series."""
    name, question = "parity_features", "Does a bar look the same to a request as it did in training?"
    findings, compared = list[str](), 0
    for one in series:
        whole = feature_matrix(one.candles, spec, max_gap=one.max_gap)
        spread = _spread(whole)
        for last in _places(len(one.candles), spec.warmup + 1, rng):
            first = int(rng.integers(0, last - spec.warmup + 1))
            for start in {first, last - spec.warmup}:
                request = feature_matrix(one.candles[start : last + 1], spec, max_gap=one.max_gap)
                compared += 1
                findings.extend(
                    f"{spec.names[column]} at {one.at(last)}: {request[-1, column]:.7g} from the last "
                    f"{last + 1 - start} candles, {whole[last, column]:.7g} from all"
                    for column in np.flatnonzero(_differs(whole[last], request[-1], spread)).tolist()
                )
    if not compared:
        return skipped(name, question, f"No series has a run of more than {spec.warmup} candles without a gap.")
    return judged(
        name,
        question,
        findings,
        f"Yes: {compared} requests cut at random places gave the features of the whole series, to 1e-6.",
        f"No: features depend on where the candles begin; {spec.warmup} candles of warm-up are not enough for them.",
        {"requests": compared},
    )


def check_no_future(series: list[Examined], spec: FeatureSpec, rng: np.random.Generator) -> Check:
    """Change what comes after a bar and see whether features of that bar or earlier ones move."""
    name, question = "future", "Does any feature of a bar know what came after it?"
    findings, compared = dict[str, str](), 0
    for one in series:
        for last in _places(len(one.candles), spec.warmup + 1, rng):
            first = max(0, last - spec.warmup - 50)
            part = one.candles[first : last + 60]
            before = feature_matrix(part, spec, max_gap=one.max_gap)
            after = feature_matrix(_other_future(part, last - first, rng), spec, max_gap=one.max_gap)
            compared += 1
            rows = slice(spec.warmup, last - first + 1)
            differs = _differs(before[rows], after[rows], _spread(before))
            for column in np.flatnonzero(differs.any(axis=0)).tolist():
                row = spec.warmup + int(differs[:, column].argmax())
                findings.setdefault(
                    spec.names[column],
                    f"{spec.names[column]} at {one.at(first + row)} is {before[row, column]:.7g}, and "
                    f"{after[row, column]:.7g} when the candles after {one.at(last)} are others",
                )
    if not compared:
        return skipped(name, question, f"No series has a run of more than {spec.warmup} candles without a gap.")
    return judged(
        name,
        question,
        list(findings.values()),
        f"No: the future was changed at {compared} places and no feature before it moved.",
        "Yes: on a live chart these features cannot be known, and a model that learns from them only looks good.",
        {"places": compared},
    )


def check_promises(series: list[Examined], spec: FeatureSpec, seed: int) -> Check:
    """Hold every group of features to the contract suite on the user's own candles."""
    name, question = "promises", "Do features keep what they promise (flat bars, no volume, another currency)?"
    findings, held, short = list[str](), 0, set[str]()
    for one in series[:1]:
        for group in spec.groups:
            part = one.candles[-max(CONTRACT_BARS, 3 * max(feature.warmup for feature in group.features) + 200) :]
            try:
                found = breaches(group, part, seed=seed)
            except ValueError:
                short.add(group.names[0])
                continue
            held += 1
            findings.extend(f"{breach.feature} ({breach.promise}): {breach.detail}" for breach in found)
    if not held:
        return skipped(name, question, "The run without gaps is too short to tell.")
    return judged(
        name,
        question,
        findings,
        f"Yes: {held} groups of features on {series[0].series_id}"
        + (f"; too few candles to tell for {', '.join(sorted(short))}." if short else "."),
        "No: see the place of each.",
        {"groups": held},
    )


def check_predictions_agree(series: list[Examined], predictor: Predictor, rng: np.random.Generator) -> Check:
    """Cut requests out of each series and compare their predictions with those for the whole series."""
    name, question = "parity_predictions", "Does the served model say the same to a request as in a batch?"
    bundle = predictor.bundle
    before = bundle.warmup_candles + bundle.encoding.longest_span
    after = bundle.right_context + bundle.encoding.reads_after
    findings, compared, spans = list[str](), 0, 0
    for one in series:
        if len(one.candles) < before + after + 10:
            continue
        whole = predictor.predict(one.candles, max_gap=one.max_gap)
        for stop in _places(len(one.candles), before + after + 10, rng):
            start = max(0, stop - int(rng.integers(before + after + 5, before + after + 500)))
            request = predictor.predict(one.candles[start:stop], max_gap=one.max_gap)
            settled = (start + before if start else 0, stop - after)
            expected, answered = _by_place(whole, 0, *settled), _by_place(request, start, *settled)
            compared, spans = compared + 1, spans + len(expected)
            for place in sorted(expected.keys() | answered.keys()):
                batch, asked = expected.get(place, 0.0), answered.get(place, 0.0)
                if abs(batch - asked) > TOLERANCE * max(batch, 1e-3):
                    label = bundle.label_set.names[place[0]]
                    told = f"confidence {asked:.7g} in a request, {batch:.7g} in a batch"
                    findings.append(f"{label} ending {one.at(place[2])}: {told}")
    if not compared:
        return skipped(name, question, f"No series has a run of {before + after + 10} candles without a gap.")
    return judged(
        name,
        question,
        findings,
        f"Yes: {compared} requests cut at random places gave the {spans} predictions that the whole series gives.",
        "No: what the chart shows and what was measured are not the same.",
        {"requests": compared, "predictions": spans},
    )


def check_predictions_no_future(series: list[Examined], predictor: Predictor, rng: np.random.Generator) -> Check:
    """Change what comes after a bar and see whether predictions that were final before it change."""
    name, question = "future_predictions", "Does a prediction change when later candles change?"
    bundle = predictor.bundle
    before = bundle.warmup_candles + bundle.encoding.longest_span
    after = bundle.right_context + bundle.encoding.reads_after
    findings, compared = list[str](), 0
    for one in series:
        for last in _places(len(one.candles) - after - 20, before + after + 20, rng):
            start = max(0, last - before - after - 300)
            part = one.candles[start : last + 20]
            own = _by_place(predictor.predict(part, max_gap=one.max_gap), start, 0, last + 1 - after)
            changed = predictor.predict(_other_future(part, last - start, rng), max_gap=one.max_gap)
            other = _by_place(changed, start, 0, last + 1 - after)
            compared += 1
            findings.extend(
                f"{bundle.label_set.names[place[0]]} ending {one.at(place[2])} depends on candles after {one.at(last)}"
                for place in sorted(own.keys() | other.keys())
                if abs(own.get(place, 0.0) - other.get(place, 0.0)) > TOLERANCE
            )
    if not compared:
        return skipped(name, question, f"No series has a run of {before + 2 * after + 40} candles without a gap.")
    waits = f" once the {after} candles after it are there" if after else ""
    return judged(
        name,
        question,
        findings,
        f"No: the future was changed at {compared} places and what was predicted before stayed{waits}.",
        "Yes: on a live chart these predictions would come and go.",
        {"places": compared},
    )


def _places(n_bars: int, first: int, rng: np.random.Generator) -> list[int]:
    """Return some bars from ``first`` on, in order."""
    if n_bars <= first:
        return []
    return [int(place) for place in np.unique(rng.integers(first, n_bars, CUTS))]


def _by_place(found: Predictions, start: int, first: int, stop: int) -> dict[tuple[int, int, int], float]:
    """Return confidence by label, start and end, for predictions between ``first`` and ``stop`` (exclusive)."""
    rows = zip(found.spans.rows(), found.confidence.tolist(), strict=True)
    moved = (((label, begin + start, end + start), confidence) for (label, begin, end), confidence in rows)
    return {place: confidence for place, confidence in moved if place[1] >= first and place[2] < stop}


def _other_future(candles: Candles, last: int, rng: np.random.Generator) -> Candles:
    factor = np.ones(len(candles))
    factor[last + 1 :] = rng.uniform(0.5, 2.0, len(candles) - last - 1)
    volume = None if candles.volume is None else candles.volume * factor
    return replace(candles, volume=volume, **{field: getattr(candles, field) * factor for field in PRICE_FIELDS})


def _spread(matrix: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    known = matrix[~np.isnan(matrix[:, 0])]
    return known.std(axis=0, dtype=np.float64) if len(known) else np.zeros(matrix.shape[1])


def _differs(
    a: npt.NDArray[np.float32], b: npt.NDArray[np.float32], spread: npt.NDArray[np.float64]
) -> npt.NDArray[np.bool_]:
    # float32 itself keeps seven digits, so equal values may differ by 1.2e-7 of themselves.
    apart = np.abs(a.astype(np.float64) - b)
    return np.asarray(apart > TOLERANCE * np.maximum(np.abs(a), spread))
