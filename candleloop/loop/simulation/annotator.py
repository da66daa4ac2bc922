"""A simulated person who marks windows, with and without suggestions, and errs like one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from candleloop.annotations.matching import match
from candleloop.annotations.spans import IntArray, Spans, concatenate
from candleloop.loop.simulation.effort import Effort

BoolArray = npt.NDArray[np.bool_]

SHORT_SPAN = 5
"""Edges of spans up to this many bars are never misplaced: of a short pattern a person clicks each candle."""


@dataclass(frozen=True, slots=True)
class Noise:
    """How a person errs, on queries only: what measures a model has no such errors.

    Parameters
    ----------
    edge_jitter
        Chance that the first, and again that the last, bar of a span longer than ``SHORT_SPAN`` is misplaced; by how
        far is geometric, a second bar with half the chance of the first.
    miss
        Chance that a span is not seen.
    confuse
        Chance that a span gets another label, drawn uniformly.
    accept_wrong
        Chance that a wrong suggestion is confirmed as it stands.
    """

    edge_jitter: float = 0.0
    miss: float = 0.0
    confuse: float = 0.0
    accept_wrong: float = 0.0


PERFECT = Noise()
REALISTIC = Noise(edge_jitter=0.3, miss=0.07, confuse=0.04)
BIASED = Noise(edge_jitter=0.3, miss=0.07, confuse=0.04, accept_wrong=0.2)
NOISES = {"perfect": PERFECT, "realistic": REALISTIC, "biased": BIASED}


@dataclass(frozen=True, eq=False, slots=True)
class Reviewed:
    """What a person made of one window.

    Parameters
    ----------
    spans
        The spans annotated.
    done
        Rows of :attr:`SimulatedAnnotator.seen` that are dealt with.
    effort
        What it took as it was done.
    by_hand
        What the same window takes without suggestions.
    """

    spans: Spans
    done: IntArray
    effort: Effort
    by_hand: Effort


@dataclass(frozen=True, eq=False, slots=True)
class SimulatedAnnotator:
    """A person with fixed opinions about a run of bars.

    Their slips are drawn once, so whoever asks about a window, in whatever order, hears the same: strategies compared
    with one seed meet the same person.

    Parameters
    ----------
    seen
        The spans that this person sees, ordered by first bar, each with the label and edges they would give it.
    noise
        How they treat suggestions (``accept_wrong``).
    seed
        Seed of what they do about wrong suggestions.
    """

    seen: Spans
    noise: Noise
    seed: int

    @classmethod
    def looking_at(cls, truth: Spans, *, n_bars: int, n_labels: int, noise: Noise, seed: int) -> Self:
        """Draw the slips of a person who looks at candles with this truth."""
        rng = np.random.default_rng([seed, 1])
        label = truth.label.copy()
        missed = rng.random(len(truth)) < noise.miss
        confused = rng.random(len(truth)) < noise.confuse
        if n_labels > 1:
            label[confused] = (label[confused] + rng.integers(1, n_labels, int(confused.sum()))) % n_labels
        long = truth.end - truth.start + 1 > SHORT_SPAN
        edges = []
        for edge in (truth.start, truth.end):
            far = np.where(rng.random(len(truth)) < noise.edge_jitter, rng.geometric(0.5, len(truth)), 0)
            moved = np.minimum(far, SHORT_SPAN // 2) * rng.choice([-1, 1], len(truth))
            edges.append(np.clip(np.where(long, edge + moved, edge), 0, n_bars - 1))
        seen = Spans(label, edges[0], edges[1])[~missed]
        return cls(seen[seen.order()], noise, seed)

    def review(self, first: int, last: int, *, open_: BoolArray, suggestions: Spans | None = None) -> Reviewed:
        """Mark every span that shares a bar with a window, and decide every suggestion in it.

        Parameters
        ----------
        first, last
            First and last bar of the window, both inclusive.
        open_
            Which of ``seen`` are not annotated yet, bool array of shape (n_seen,).
        suggestions
            What a model proposes there; None when the person works by hand.

        Returns
        -------
        Reviewed
            A suggestion at the place of a seen span (IoU of at least 0.5) is confirmed, relabelled, or its edges are
            fixed; one where the person sees nothing is dismissed, or taken for right with the chance ``accept_wrong``.
            Seen spans that nothing suggests are drawn.
        """
        rows = np.flatnonzero(open_ & (self.seen.start <= last) & (self.seen.end >= first))
        mine = self.seen[rows]
        by_hand = Effort(look=1, draw=len(rows))
        if suggestions is None or not len(suggestions):
            return Reviewed(mine, rows, by_hand, by_hand)
        pairs = match(_unlabelled(mine), _unlabelled(suggestions))
        ours, theirs = mine[pairs.truth], suggestions[pairs.proposed]
        same_label = ours.label == theirs.label
        same_edges = (ours.start == theirs.start) & (ours.end == theirs.end)
        blind = self._blind_trust(first, len(suggestions))
        taken = blind[pairs.proposed] & ~(same_label & same_edges)
        extra = np.ones(len(suggestions), dtype=np.bool_)
        extra[pairs.proposed] = False
        drawn = np.ones(len(mine), dtype=np.bool_)
        drawn[pairs.truth] = False
        effort = Effort(
            look=1,
            draw=int(drawn.sum()),
            confirm=int(((same_label & same_edges) | taken).sum() + (extra & blind).sum()),
            dismiss=int((extra & ~blind).sum()),
            relabel=int((~same_label & ~taken).sum()),
            fix_edges=int((~same_edges & ~taken).sum()),
        )
        spans = concatenate([mine[drawn], ours[~taken], theirs[taken], suggestions[extra & blind]])
        return Reviewed(spans, rows, effort, by_hand)

    def _blind_trust(self, first: int, count: int) -> BoolArray:
        drawn = np.random.default_rng([self.seed, 2, first]).random(count)
        return np.asarray(drawn < self.noise.accept_wrong, dtype=np.bool_)


def _unlabelled(spans: Spans) -> Spans:
    return Spans(np.zeros_like(spans.label), spans.start, spans.end)
