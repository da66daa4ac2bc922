"""Series: upload a vendor file, list, describe, append, page through candles."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from api.json_route import JsonRoute
from api.openapi import problems
from api.schemas import (
    AppendAnswer,
    CandleColumns,
    CandlePage,
    ImportAnswer,
    ImportReportView,
    ItemList,
    ListedSeries,
    Series,
    SeriesCounts,
    SeriesDetail,
    TimeSpan,
)
from api.service import TheService
from api.times import parse_time
from candleloop import pipeline
from candleloop.candles.frame import MICROSECONDS, Candles
from candleloop.candles.report import ImportReport
from candleloop.candles.store import CandleStore
from candleloop.context import Context
from candleloop.errors import BadRequest
from candleloop.loop.instants import format_instant
from candleloop.store import label_sets, series, series_counts
from candleloop.store.tables import SeriesCountsRow, SeriesRow
from candleloop.times import iso_times

router = APIRouter(tags=["series"], route_class=JsonRoute)

SeriesId = Annotated[str | None, Query(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]{0,79}$")]
Time = Annotated[str | None, Query(max_length=40, description="ISO-8601, or epoch seconds or milliseconds")]
Limit = Annotated[int, Query(ge=1, le=1_000)]

FILE_BODY: dict[str, Any] = {
    "required": True,
    "description": "The vendor's file as it is, compressed or not",
    "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
}


@router.post(
    "/series",
    status_code=201,
    responses={
        **problems(409, 413, 422, 503),
        200: {"model": ImportAnswer, "description": "Exactly these candles were there already"},
    },
    openapi_extra={"requestBody": FILE_BODY},
)
async def upload_series(
    service: TheService,
    request: Request,
    response: Response,
    name: Annotated[str, Query(max_length=200, description="What the file is called")],
    symbol: Annotated[str | None, Query(max_length=80)] = None,
    series_id: SeriesId = None,
    reader: Annotated[str | None, Query(max_length=40)] = None,
    timezone: Annotated[str | None, Query(max_length=60)] = None,
    timeframe: Annotated[str | None, Query(max_length=10)] = None,
    day_first: bool | None = None,
    strict: bool = False,
) -> ImportAnswer:
    """Read a vendor file, store its candles and freeze its test bars; the report tells what was wrong with it."""
    content = await request.body()
    if not content:
        raise BadRequest("The body is empty: send the file as it is.", code="empty_file", field="body")
    outcome = await run_in_threadpool(
        pipeline.import_file,
        service.context,
        content,
        name=name,
        symbol=symbol,
        series_id=series_id,
        reader=reader,
        timezone=timezone,
        timeframe=timeframe,
        day_first=day_first,
        strict=strict,
    )
    response.headers["Location"] = f"/series/{outcome.series_id}"
    if not outcome.created:
        response.status_code = 200
    return ImportAnswer(
        series_id=outcome.series_id,
        series_version=outcome.version,
        symbol=outcome.symbol,
        timeframe_seconds=outcome.timeframe_seconds,
        created=outcome.created,
        report=ImportReportView.of(outcome.report),
    )


@router.post(
    "/series/{series_id}/candles",
    responses=problems(404, 409, 413, 422, 503),
    openapi_extra={"requestBody": FILE_BODY},
)
async def append_candles(
    service: TheService,
    request: Request,
    series_id: str,
    name: Annotated[str, Query(max_length=200, description="What the file is called")],
    symbol: Annotated[str | None, Query(max_length=80)] = None,
    reader: Annotated[str | None, Query(max_length=40)] = None,
    timezone: Annotated[str | None, Query(max_length=60)] = None,
    timeframe: Annotated[str | None, Query(max_length=10)] = None,
    day_first: bool | None = None,
    strict: bool = False,
    revise: Annotated[
        bool, Query(description="Accept other values for stored candles, and candles between them")
    ] = False,
) -> AppendAnswer:
    """Add the candles of a vendor file to a series: a new version of it. Test bars stay as they were frozen."""
    content = await request.body()
    if not content:
        raise BadRequest("The body is empty: send the file as it is.", code="empty_file", field="body")
    outcome = await run_in_threadpool(
        pipeline.append_file,
        service.context,
        series_id,
        content,
        name=name,
        symbol=symbol,
        reader=reader,
        timezone=timezone,
        timeframe=timeframe,
        day_first=day_first,
        strict=strict,
        revise=revise,
    )
    return AppendAnswer(
        series_id=outcome.series_id,
        series_version=outcome.version,
        previous_version=outcome.previous,
        bars=outcome.bars,
        appended=outcome.appended,
        unchanged=outcome.unchanged,
        revised=outcome.revised,
        inserted=outcome.inserted,
        flagged=outcome.flagged,
        report=ImportReportView.of(outcome.report),
    )


@router.get("/series", responses=problems(404, 422, 503))
def list_series(
    service: TheService, label_set: str | None = None, limit: Limit = 100, cursor: str | None = None
) -> ItemList[ListedSeries]:
    """List the series by id, with what lies on each; counts that are out of date are renewed in the background."""
    name = service.label_set(label_set)
    with service.context.database.read() as session:
        label_sets.get(session, name)
        page = series.list_series(session, limit=limit, cursor=cursor)
        lying = series_counts.lying_on(session, page.items, name)
        stored = series_counts.stored_counts(session, list(lying), name)
        items = [_listed(row, lying[row.id], stored.get(row.id), name) for row in page.items]
    service.counter.ask([item.series_id for item in items if not item.counts.current], name)
    return ItemList(items=items, next_cursor=page.next_cursor)


@router.get("/series/{series_id}", responses=problems(404, 503))
def get_series(service: TheService, series_id: str, label_set: str | None = None) -> SeriesDetail:
    """Describe a series: its candles, its test bars, the report of its import, its annotations by origin."""
    with service.context.database.read() as session:
        row = series.get_series(session, series_id)
        test = series.test_bars(session, series_id)
        counts = series.annotation_counts(session, service.label_set(label_set), series_id=series_id)
        return SeriesDetail(
            **Series.fields_of(row),
            test_bars=None
            if test is None
            else TimeSpan(start_time=format_instant(test[0]), end_time=format_instant(test[1])),
            annotations=counts.get(series_id, {}),
            report=ImportReportView.of(
                ImportReport.model_validate(series.import_report(session, series_id, row.version))
            ),
        )


@router.get(
    "/series/{series_id}/report/rows",
    response_class=Response,
    responses={
        **problems(404, 503),
        200: {
            "description": "`kind,action,first_row,last_row,message`: one line for each run of neighbouring rows",
            "content": {"text/csv": {"schema": {"type": "string"}}},
        },
    },
)
def get_report_rows(service: TheService, series_id: str) -> Response:
    """Return every row of every defect that the last import into a series found, as CSV; the report names the first.

    Rows are counted as in the report: as an editor counts the lines of the file, or records where there are none.
    """
    content = pipeline.rows_of_report(service.context, pipeline.stored_report(service.context, series_id))
    disposition = f'attachment; filename="{series_id}-rows.csv"'
    return Response(content, media_type="text/csv", headers={"Content-Disposition": disposition})


@router.get("/series/{series_id}/candles", responses=problems(404, 422, 503))
def get_candles(
    service: TheService,
    series_id: str,
    start_time: Time = None,
    end_time: Time = None,
    before: Annotated[
        str | None, Query(max_length=40, description="Give the last candles before this time instead")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=20_000)] = 1_000,
    cursor: Annotated[str | None, Query(max_length=40)] = None,
) -> CandlePage:
    """Page through candles by time, oldest first; with ``before`` give the latest ones up to a time."""
    with service.context.database.read() as session:
        row = series.get_series(session, series_id)
    following: int | None = None
    if before is not None:
        end = parse_time(before, field="before")
        candles = CandleStore(service.context.storage).read_before(series_id, row.version, end, limit)
    else:
        start = row.first_time if start_time is None else parse_time(start_time, field="start_time")
        start = start if cursor is None else parse_time(cursor, field="cursor")
        end = row.last_time if end_time is None else parse_time(end_time, field="end_time")
        candles = _read_ahead(service.context, row, start, min(end, row.last_time), limit + 1)
        if len(candles) > limit:
            following = int(candles.time[limit])
            candles = candles[:limit]
    columns = {field: values.tolist() for field, values in candles.columns().items()}
    return CandlePage(
        series_id=series_id,
        series_version=row.version,
        candles=CandleColumns(time=iso_times(candles.time), **columns),
        next_cursor=None if following is None else format_instant(following),
    )


def _listed(row: SeriesRow, lying: series_counts.Lying, stored: SeriesCountsRow | None, label_set: str) -> ListedSeries:
    counts = SeriesCounts(
        label_set=label_set,
        annotations=lying.annotations,
        reviewed_bars=None if stored is None else stored.reviewed_bars,
        disagreements=None if stored is None else stored.disagreements,
        current=stored is not None and stored.state == lying.state,
    )
    return ListedSeries(**Series.fields_of(row), counts=counts)


def _read_ahead(context: Context, row: SeriesRow, start: int, end: int, count: int) -> Candles:
    """Read at least ``count`` candles from ``start`` on, or all up to ``end``, without reading the whole series."""
    store = CandleStore(context.storage)
    start = max(start, row.first_time)
    width = count * row.timeframe_seconds * MICROSECONDS
    while True:
        until = min(start + width, end)
        candles = store.read(row.id, row.version, start_time=start, end_time=until)
        if len(candles) >= count or until >= end:
            return candles
        width *= 4
