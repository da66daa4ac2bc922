"""The review queue: which windows come next, who holds them, and what completing one does.

A ranking is made when the model, the series or the strategy changes, and again after some windows were reviewed; in
between, requests only leave out what was reviewed or taken. No request reads candles of series that have scores.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from threading import Lock

import numpy as np
from sqlalchemy.orm import Session

from candleloop.annotations.identity import review_series_mark
from candleloop.annotations.label_set import LabelSet
from candleloop.context import Context
from candleloop.errors import BadConfiguration, Conflict, NotFound
from candleloop.loop import edits
from candleloop.loop.board import BarTimes, Board, Boards
from candleloop.loop.review_items import Lease, ReviewItem, Target, targets_in
from candleloop.loop.strategies import STRATEGIES, AuditShare, Strategy, strategy_named
from candleloop.loop.strategies.base import Reason
from candleloop.loop.strategies.cold_start import ColdStart
from candleloop.loop.strategies.committee import Committee
from candleloop.loop.strategies.disagreement_first import DisagreementFirst
from candleloop.loop.suspects import Suspect
from candleloop.loop.windows import IntArray
from candleloop.store import models, review, series
from candleloop.store.tables import ReviewedRangeRow, ReviewItemRow, now
from candleloop.training.families import FAMILIES

RANKED = 200
"""Windows that are ranked at once."""

RERANK_AFTER = 20
"""Reviewed windows after which is ranked again, with the spans that people found meanwhile."""

TALIB_LOOKUP = 60
"""Windows in which TA-Lib marks are looked up where there is no model."""

KEPT_RANKINGS = 32

Suspects = Callable[[Session, LabelSet, Sequence[str]], list[Suspect]]
"""Gives the labels to doubt in series, by their ids."""


@dataclass(frozen=True, eq=False, slots=True)
class Ranking:
    """Places of a board in the order in which they are wanted, with the reason of each."""

    places: tuple[int, ...]
    reasons: tuple[Reason, ...]
    strategy: str
    closed: int


@dataclass(frozen=True, slots=True)
class QueuePage:
    """The next items, how many windows are open and reviewed, and the model version that ranked them."""

    items: tuple[ReviewItem, ...]
    strategy: str
    model_version: str | None
    open_windows: int
    reviewed_windows: int


class ReviewQueue:
    """The queue of one process; what is taken and what is done is in the database, the same for all processes.

    Parameters
    ----------
    context
        Files and configuration.
    bar_times
        Gives the bar-open times of a series as it is.
    suspects
        Gives the labels to doubt in some series, the likeliest first; without it no window has any disagreement.

    Raises
    ------
    BadConfiguration
        When the configured strategy is none.
    """

    def __init__(self, context: Context, bar_times: BarTimes, suspects: Suspects | None = None) -> None:
        self._suspects = suspects
        self._config = context.config.review
        if self._config.strategy not in STRATEGIES:
            raise BadConfiguration(
                f"There is no query strategy {self._config.strategy!r}; there are {', '.join(STRATEGIES)}.",
                field="review.strategy",
            )
        self._bar_times = bar_times
        self._boards = Boards(context, bar_times)
        self._rankings: OrderedDict[tuple[str, ...], Ranking] = OrderedDict()
        self._lock = Lock()

    def page(
        self,
        session: Session,
        label_set: LabelSet,
        *,
        limit: int,
        strategy: str | None = None,
        series_id: str | None = None,
        holder: str | None = None,
    ) -> QueuePage:
        """Return the next items without any effect.

        Parameters
        ----------
        limit
            Most items.
        strategy
            Name of a query strategy; the configured one when None, and without a model ``cold_start``.
        series_id
            Of this series only.
        holder
            Who asks: what they hold comes first. What others hold is left out.

        Raises
        ------
        BadRequest
            ``unknown_strategy``.
        Conflict
            ``no_committee``, for the strategy of this name, when models of two families did not vote.
        NotFound
            When there is no such series.
        """
        if series_id is not None:
            series.get_series(session, series_id)
        board = self._boards.board(session, label_set, series_id)
        chosen = self._strategy(board, strategy)
        if chosen.name == Committee.name and board.version is not None:
            self._check_committee(session, label_set, board, board.version)
        taken = {row.id: row for row in review.taken_items(session, label_set.name)}
        items = [
            _held(row, board, place)
            for row in taken.values()
            for place in [board.place_of(row.id)]
            if not row.skipped and row.holder == holder and place is not None and not board.closed[place]
        ][:limit]
        ranking = self._ranking(session, label_set, board, chosen, series_id, needed=limit + len(taken))
        for place, reason in zip(ranking.places, ranking.reasons, strict=True):
            if len(items) == limit:
                break
            if board.closed[place]:
                continue
            window = board.window(place)
            row = taken.get(window.id)
            if row is None or (row.skipped and row.model_version != board.version):
                items.append(ReviewItem(window, (), reason, ranking.strategy, 0, board.version, None))
        return QueuePage(
            items=tuple(
                replace(one, rank=rank, targets=_targets(session, one)) for rank, one in enumerate(items, start=1)
            ),
            strategy=ranking.strategy,
            model_version=board.version,
            open_windows=int((~board.closed).sum()),
            reviewed_windows=int(board.closed.sum()),
        )

    def lease(
        self, session: Session, label_set: LabelSet, item_id: str, *, holder: str, left_out: bool = False
    ) -> ReviewItem | None:
        """Give an item to somebody for the configured time; who holds it already holds it longer.

        Parameters
        ----------
        left_out
            Look among the series that are not offered together with others, whose bars have to be read, in that which
            the id is marked with.

        Returns
        -------
        ReviewItem, or None
            None when the label set has no such item.

        Raises
        ------
        Conflict
            ``already_leased`` when another one holds it, ``already_reviewed`` when its bars are reviewed.
        """
        found = self._find(session, label_set, item_id, left_out=left_out)
        if found is None:
            return None
        board, place = found
        window = board.window(place)
        # Whoever completes a window holds its series, so that what is reviewed is known when this goes on.
        series.lock_series(session, window.series_id)
        found = self._find(session, label_set, item_id, left_out=left_out)
        if found is None:
            return None
        board, place = found
        if board.closed[place]:
            raise Conflict(f"The bars of item {item_id!r} are reviewed already.", code="already_reviewed", field="item")
        strategy, reason = self._reason(session, label_set, board, place)
        row = review.lease(
            session,
            label_set=label_set.name,
            series_id=window.series_id,
            start_time=window.start_time,
            end_time=window.end_time,
            audit=window.test,
            strategy=strategy,
            reason={"code": reason.code, "text": reason.text, "value": reason.value},
            model_version=board.version,
            holder=holder,
            expires_at=now() + timedelta(minutes=self._config.lease_minutes),
        )
        if row is None:
            raise Conflict(f"Item {item_id!r} is held by somebody else.", code="already_leased", field="item")
        held = _held(row, board, place)
        return replace(held, rank=1, targets=_targets(session, held))

    def _find(self, session: Session, label_set: LabelSet, item_id: str, *, left_out: bool) -> tuple[Board, int] | None:
        """Return the board that an item is on, and its place there; None when there is no such item."""
        together = self._boards.board(session, label_set)
        alone = (
            self._boards.board(session, label_set, series_id)
            for series_id in together.left_out
            if item_id.startswith(review_series_mark(series_id, label_set.name))
        )
        for board in alone if left_out else (together,):
            place = board.place_of(item_id)
            if place is not None:
                return board, place
        return None

    def complete(
        self,
        session: Session,
        label_set: LabelSet,
        row: ReviewItemRow,
        *,
        holder: str,
        seconds: float | None,
        skipped: bool,
    ) -> ReviewedRangeRow | None:
        """Finish an item: its focus range is reviewed for all labels, unless it is skipped.

        Completing again what the same person completed, as after an answer that was lost, changes nothing.

        Raises
        ------
        Conflict
            ``not_leased`` when this person does not hold the item.
        """
        if row.completed_at is not None and row.holder == holder and row.skipped == skipped:
            return None if row.reviewed_id is None else session.get(ReviewedRangeRow, row.reviewed_id)
        done = None
        if not skipped and row.holder == holder:
            done = edits.create_reviewed_range(
                session,
                label_set,
                row.series_id,
                start_time=row.start_time,
                end_time=row.end_time,
                labels=None,
                time=self._bar_times(session, row.series_id),
            )
        reviewed_id = None if done is None else done.id
        if not review.complete(session, row, holder=holder, seconds=seconds, skipped=skipped, reviewed_id=reviewed_id):
            raise Conflict(
                f"{holder!r} does not hold item {row.id!r}: lease it first.", code="not_leased", field="item"
            )
        return None if reviewed_id is None else session.get(ReviewedRangeRow, reviewed_id)

    def _strategy(self, board: Board, name: str | None) -> Strategy:
        if name is not None:
            return strategy_named(name)
        return ColdStart() if board.version is None else strategy_named(self._config.strategy)

    def _check_committee(self, session: Session, label_set: LabelSet, board: Board, version: str) -> None:
        """Refuse to rank by votes that nobody gave, and say what it takes."""
        if models.of_other_family(session, version) is None:
            family = models.get(session, version).family
            missing = " or ".join(name for name in FAMILIES if name != family)
            raise Conflict(
                f"A committee needs models of two families: label set {label_set.name!r} has {family} alone. Train one "
                f"with training.family: {missing}; it need not be promoted.",
                code="no_committee",
                field="strategy",
            )
        if not self._config.asks_committee:
            raise Conflict(
                "The windows are scored without a committee: it votes when review.strategy is committee.",
                code="no_committee",
                field="strategy",
            )
        if not any(one.committee for one in board.series):
            raise Conflict(
                "The committee has not voted yet: the stored predictions are being made again.",
                code="no_committee",
                field="strategy",
            )

    def _audited(self, board: Board, strategy: Strategy) -> AuditShare:
        """Mix audits in; without a model there is nothing to measure yet."""
        return AuditShare(strategy, 0.0 if board.version is None else self._config.audit_share)

    def _ranking(
        self,
        session: Session,
        label_set: LabelSet,
        board: Board,
        strategy: Strategy,
        series_id: str | None,
        *,
        needed: int,
    ) -> Ranking:
        """Return the ranking of a board, the one made before as long as it serves."""
        closed = int(board.closed.sum())
        sizes = [f"{one.series_id}:{len(one.windows)}{one.committee or ''}" for one in board.series]
        key = (label_set.name, strategy.name, series_id or "", board.version or "", *sizes)
        with self._lock:
            kept = self._rankings.get(key)
        if kept is not None and abs(closed - kept.closed) < RERANK_AFTER:
            left = int((~board.closed[list(kept.places)]).sum())
            if left >= min(needed, len(kept.places)):
                return kept
        rng = np.random.default_rng(_seed(*key, str(closed)))
        places = np.flatnonzero(~board.closed)
        pool = board.pool(places, len(label_set), review.labelled_by_people(session, label_set))
        if self._suspects is not None and DisagreementFirst.name in strategy.name:
            found = self._suspects(session, label_set, [one.series_id for one in board.series])
            pool = replace(pool, disagreement=board.disagreement(found)[places])
        if board.version is None:
            looked = rng.permutation(np.flatnonzero(~pool.test))[:TALIB_LOOKUP]
            pool = replace(pool, marked=_marked(session, board, places, looked))
        audited = self._audited(board, strategy)
        rows = audited.query(pool, max(RANKED, 2 * needed), rng).tolist()
        ranking = Ranking(
            places=tuple(places[rows].tolist()),
            reasons=tuple(audited.explain(pool, row, label_set.names) for row in rows),
            strategy=strategy.name,
            closed=closed,
        )
        with self._lock:
            self._rankings[key] = ranking
            self._rankings.move_to_end(key)
            while len(self._rankings) > KEPT_RANKINGS:
                self._rankings.popitem(last=False)
        return ranking

    def _reason(self, session: Session, label_set: LabelSet, board: Board, place: int) -> tuple[str, Reason]:
        """Return by which strategy and why a window was shown; the configured one where no ranking has it."""
        with self._lock:
            kept = [
                ranking
                for key, ranking in self._rankings.items()
                if key[0] == label_set.name and key[2] == "" and key[3] == (board.version or "")
            ]
        for ranking in reversed(kept):
            if place in ranking.places:
                return ranking.strategy, ranking.reasons[ranking.places.index(place)]
        strategy = self._strategy(board, None)
        spans = review.labelled_by_people(session, label_set)
        pool = board.pool(np.array([place]), len(label_set), spans)
        return strategy.name, self._audited(board, strategy).explain(pool, 0, label_set.names)


def find_taken(session: Session, item_id: str) -> ReviewItemRow:
    """Return an item that somebody took.

    Raises
    ------
    NotFound
        ``unknown_item``, when nobody did.
    """
    row = review.find_item(session, item_id)
    if row is None:
        raise NotFound(f"Nobody has taken a review item {item_id!r}.", code="unknown_item", field="item")
    return row


def _held(row: ReviewItemRow, board: Board, place: int) -> ReviewItem:
    return ReviewItem(
        window=board.window(place),
        targets=(),
        reason=Reason(**row.reason),
        strategy=row.strategy,
        rank=0,
        model_version=row.model_version,
        lease=Lease(row.holder, row.expires_at),
    )


def _targets(session: Session, one: ReviewItem) -> tuple[Target, ...]:
    return () if one.blind else targets_in(session, one.window, one.model_version)


def _marked(session: Session, board: Board, places: IntArray, looked: IntArray) -> IntArray:
    """Count the TA-Lib marks to decide in some of the windows."""
    counts = np.zeros(len(places), dtype=np.int64)
    for row in looked.tolist():
        counts[row] = len(targets_in(session, board.window(int(places[row])), None))
    return counts


def _seed(*parts: str) -> int:
    return int.from_bytes(hashlib.sha256("\x1f".join(parts).encode()).digest()[:8], "big")
