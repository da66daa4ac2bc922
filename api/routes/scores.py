"""What the model says about stored series, and where it disagrees with what holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query
from sqlalchemy.orm import Session

from api.bundles import bundle_of
from api.openapi import problems
from api.routes.series import Limit, Time
from api.schemas import (
    AgreementView,
    DisagreementCounts,
    DisagreementPage,
    DisagreementView,
    DisputedSpan,
    PredictionPage,
    StoredPrediction,
    SuspectPage,
    SuspectView,
)
from api.service import TheService
from api.times import parse_time
from api.withheld import blind_ranges, without
from candleloop import pipeline
from candleloop.loop.disagreement import SURE, Kind
from candleloop.loop.disputes import Dispute, find_disputes
from candleloop.loop.instants import format_instant
from candleloop.loop.suspects import Suspect, compared_series
from candleloop.store import feedback, label_sets, marks, models, predictions, series
from candleloop.store.pages import page_of, read_cursor
from candleloop.store.tables import AnnotationRow, PredictionRow, ScoringRow

router = APIRouter(tags=["predictions"])

Confidence = Annotated[float, Query(ge=0, le=1)]


@router.get("/series/{series_id}/predictions", responses=problems(404, 422, 503))
def list_predictions(
    service: TheService,
    series_id: str,
    label_set: str | None = None,
    start_time: Time = None,
    end_time: Time = None,
    min_confidence: Confidence = 0.0,
    limit: Limit = 500,
    cursor: str | None = None,
) -> PredictionPage:
    """List the stored predictions of a series that touch the bars between two times, by start.

    They are of one model version. After a promotion, and when candles are appended, they are stale until they have
    been made again in the background. Those on bars that somebody is marking blind are withheld: a page may be shorter
    than its limit.
    """
    name = service.label_set(label_set)
    with service.context.database.read() as session:
        label_sets.get(session, name)
        scoring, stale = _scoring(session, series_id, name)
        if scoring is None:
            return PredictionPage(
                items=[],
                series_id=series_id,
                label_set=name,
                model_version=None,
                series_version=None,
                scored_at=None,
                stale=stale,
            )
        page = predictions.list_predictions(
            session,
            series_id,
            name,
            scoring.model_version,
            start_time=None if start_time is None else parse_time(start_time, field="start_time"),
            end_time=None if end_time is None else parse_time(end_time, field="end_time"),
            min_confidence=min_confidence,
            limit=limit,
            cursor=cursor,
        )
        shown = list(without(page.items, blind_ranges(session, name, series_id)))
        decided = _decided(session, series_id, name, shown)
        return PredictionPage(
            items=[StoredPrediction.of(item, stale=stale, decided=decided.get(item.id)) for item in shown],
            next_cursor=page.next_cursor,
            series_id=series_id,
            label_set=name,
            model_version=scoring.model_version,
            series_version=scoring.series_version,
            scored_at=scoring.scored_at,
            stale=stale,
        )


@router.get("/series/{series_id}/disagreements", responses=problems(404, 422, 503))
def list_disagreements(
    service: TheService,
    series_id: str,
    label_set: str | None = None,
    kind: Annotated[list[Kind] | None, Query()] = None,
    start_time: Time = None,
    end_time: Time = None,
    min_confidence: Annotated[float, Query(ge=0, le=1, description="From here on the model is sure")] = SURE,
    limit: Limit = 500,
    cursor: str | None = None,
) -> DisagreementPage:
    """List where the stored predictions disagree with what holds (people over TA-Lib), by start."""
    name = service.label_set(label_set)
    after = None if cursor is None else read_cursor(cursor, (int, int, str, str))
    first = None if start_time is None else parse_time(start_time, field="start_time")
    last = None if end_time is None else parse_time(end_time, field="end_time")
    with service.context.database.read() as session:
        labels = label_sets.get(session, name)
        scoring, stale = _scoring(session, series_id, name)
        if scoring is None:
            return DisagreementPage(items=[], series_id=series_id, label_set=name, model_version=None, stale=stale)
        time = service.bar_times.of(session, series_id)
        bundle = bundle_of(service.context, service.holder, session, name, scoring.model_version)
        disputes = find_disputes(
            session,
            series_id,
            labels,
            scoring.model_version,
            time,
            sure=min_confidence,
            usable=None if bundle is None else bundle.usable_bars(time),
        )
        chosen = [
            one
            for one in without(disputes, blind_ranges(session, name, series_id))
            if (kind is None or one.kind in kind)
            and (first is None or one.end_time >= first)
            and (last is None or one.start_time <= last)
            and (after is None or one.key > after)
        ]
        page = page_of(chosen[: limit + 1], limit, lambda one: one.key)
        rows = marks.annotations_starting_at(
            session, series_id, name, [one.annotation[1] for one in page.items if one.annotation is not None]
        )
        return DisagreementPage(
            items=[_shown(one, rows) for one in page.items],
            next_cursor=page.next_cursor,
            series_id=series_id,
            label_set=name,
            model_version=scoring.model_version,
            stale=stale,
        )


@router.get("/disagreements", responses=problems(404, 422, 503))
def list_suspects(
    service: TheService,
    label_set: str | None = None,
    series_id: Annotated[list[str] | None, Query()] = None,
    kind: Annotated[list[Kind] | None, Query()] = None,
    unlabelled: Annotated[
        bool,
        Query(description="With series that nobody has labelled: all that the model is sure of is overlooked there"),
    ] = False,
    min_confidence: Annotated[float, Query(ge=0, le=1, description="From here on the model is sure")] = SURE,
    limit: Limit = 50,
    cursor: str | None = None,
) -> SuspectPage:
    """List labels that are probably wrong or missing over all series, the likeliest error first.

    Series that neither a person nor TA-Lib has looked at are left out unless they are named or asked for. A series is
    compared when it is asked for the first time after something on it changed, which takes seconds for
    millions of bars.
    """
    name = service.label_set(label_set)
    after = None if cursor is None else read_cursor(cursor, (float, str, int, int, str, str))
    with service.context.database.read() as session:
        labels = label_sets.get(session, name)
        rows, left_out = compared_series(session, name, series_id, unlabelled=unlabelled)
        blind = {row.id: blind_ranges(session, name, row.id) for row in rows}
        found = [
            one
            for one in service.suspicions.of(session, rows, labels, min_confidence)
            if without([one.dispute], blind[one.series_id])
        ]
        counts = Counter(one.dispute.kind.value for one in found)
        chosen = [
            one for one in found if (kind is None or one.dispute.kind in kind) and (after is None or one.key > after)
        ]
        page = page_of(chosen[: limit + 1], limit, lambda one: one.key)
        items = []
        for own in {one.series_id for one in page.items}:
            starts = [
                one.dispute.annotation[1]
                for one in page.items
                if one.series_id == own and one.dispute.annotation is not None
            ]
            held = marks.annotations_starting_at(session, own, name, starts)
            items += [(one.key, _suspect(one, held)) for one in page.items if one.series_id == own]
        return SuspectPage(
            items=[view for _, view in sorted(items, key=lambda pair: pair[0])],
            next_cursor=page.next_cursor,
            label_set=name,
            counts=DisagreementCounts(**{one.value: counts[one.value] for one in Kind}),
            left_out=left_out,
        )


@router.get("/agreement", responses=problems(404, 422, 503))
def agreement(
    service: TheService,
    first: Annotated[str, Query(min_length=1, max_length=80, description="`talib`, `people`, or a name")],
    second: Annotated[str, Query(min_length=1, max_length=80, description="The same")],
    label_set: str | None = None,
    series_id: Annotated[list[str] | None, Query()] = None,
) -> AgreementView:
    """Say how far two annotators agree: event F1 by label.

    TA-Lib is compared with people over the bars that they reviewed completely, two people on the series that both
    marked. A person's name is the `declared_source` of their imported annotations, or the name of the key that
    their decisions were sent with.
    """
    name = service.label_set(label_set)
    found = pipeline.measure_agreement(service.context, name, first, second, series_ids=series_id)
    return AgreementView(**asdict(found), label_set=name)


def _suspect(one: Suspect, rows: dict[tuple[str, int, int], AnnotationRow]) -> SuspectView:
    return SuspectView(
        **_shown(one.dispute, rows).model_dump(),
        series_id=one.series_id,
        likelihood=one.likelihood,
        out_of_fold=one.out_of_fold,
    )


def _decided(session: Session, series_id: str, label_set: str, rows: Sequence[PredictionRow]) -> dict[str, str]:
    """Return what people decided on predictions, by id; a rejection on exactly these bars outlives the model."""
    rejected = marks.rejections_starting_at(session, series_id, label_set, sorted({row.start_time for row in rows}))
    places = ((row.id, (row.label, row.start_time, row.end_time)) for row in rows)
    found = {identity: "dismiss" for identity, place in places if place in rejected}
    return found | feedback.deciding_verbs(session, series_id, label_set, [row.id for row in rows])


def _scoring(session: Session, series_id: str, label_set: str) -> tuple[ScoringRow | None, bool]:
    """Return what a series was scored by, and whether that is not the champion on the present candles."""
    row = series.get_series(session, series_id)
    champion = models.champion(session, label_set)
    scoring = predictions.scoring(session, series_id, label_set)
    if scoring is None:
        return None, champion is not None
    served = None if champion is None else champion.version
    return scoring, (scoring.model_version, scoring.series_version) != (served, row.version)


def _shown(one: Dispute, rows: dict[tuple[str, int, int], AnnotationRow]) -> DisagreementView:
    row = None if one.annotation is None else rows[one.annotation]
    return DisagreementView(
        kind=one.kind.value,
        strength=one.strength,
        start_time=format_instant(one.start_time),
        end_time=format_instant(one.end_time),
        annotation=row
        and DisputedSpan(
            id=row.id,
            label=row.label,
            start_time=format_instant(row.start_time),
            end_time=format_instant(row.end_time),
            origin=row.origin,
        ),
        prediction=one.prediction
        and DisputedSpan(
            id=one.prediction.id,
            label=one.prediction.label,
            start_time=format_instant(one.prediction.start_time),
            end_time=format_instant(one.prediction.end_time),
            confidence=one.prediction.confidence,
        ),
    )
