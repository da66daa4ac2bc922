from __future__ import annotations

import pytest

from candleloop.annotations.marks import Origin
from candleloop.errors import BadRequest, Conflict, NotFound
from candleloop.store import label_sets, marks, series
from candleloop.store.database import Database
from tests.support.feedback import LABELS, add_series, bar_times

TIME = bar_times(50)


def test_a_series_comes_back_with_its_report_and_test_bars(database: Database) -> None:
    with database.begin() as session:
        assert add_series(session, "AAPL-1h", TIME)
    with database.read() as session:
        row = series.get_series(session, "AAPL-1h")
        assert (row.symbol, row.bars, row.first_time, row.last_time) == ("AAPL", 50, TIME[0], TIME[-1])
        assert series.test_bars(session, "AAPL-1h") == (TIME[40], TIME[-1])
        assert series.import_report(session, "AAPL-1h", row.version) == {"rows": 50}


def test_the_same_candles_again_change_nothing(database: Database) -> None:
    with database.begin() as session:
        add_series(session, "AAPL-1h", TIME)
    with database.begin() as session:
        assert not add_series(session, "AAPL-1h", TIME)
        assert series.test_bars(session, "AAPL-1h") == (TIME[40], TIME[-1])


def test_other_candles_under_the_same_id_are_a_conflict(database: Database) -> None:
    with database.begin() as session:
        add_series(session, "AAPL-1h", TIME)
    with pytest.raises(Conflict, match="other candles") as caught, database.begin() as session:
        add_series(session, "AAPL-1h", TIME, version="f" * 16)
    assert caught.value.code == "series_exists"


def test_a_short_series_may_have_no_test_bars(database: Database) -> None:
    with database.begin() as session:
        series.add_series(
            session,
            series_id="X-1h",
            symbol="X",
            timeframe_seconds=3600,
            source="test",
            session_kind="daily",
            version="0" * 16,
            bars=1,
            first_time=1,
            last_time=1,
            report={},
            test_bars=None,
        )
        assert series.test_bars(session, "X-1h") is None


def test_what_is_not_there_is_not_found(database: Database) -> None:
    with database.read() as session:
        with pytest.raises(NotFound, match="no series 'none'"):
            series.get_series(session, "none")
        with pytest.raises(NotFound):
            series.import_report(session, "none", "0" * 16)
    with pytest.raises(NotFound), database.begin() as session:
        series.lock_series(session, "none")


def test_pages_give_every_series_once(database: Database) -> None:
    ids = [f"S{number}" for number in range(7)]
    with database.begin() as session:
        for series_id in reversed(ids):
            add_series(session, series_id, TIME)
    with database.read() as session:
        found, cursor = [], None
        for _ in range(3):
            page = series.list_series(session, limit=3, cursor=cursor)
            found += [row.id for row in page.items]
            cursor = page.next_cursor
        assert cursor is None
        assert found == ids == [row.id for row in series.every_series(session)]


@pytest.mark.parametrize("cursor", ["", "???", "bm9uc2Vuc2U=", "WzFd", "W10=", "é"])
def test_a_cursor_that_was_never_given_out_is_refused(database: Database, cursor: str) -> None:
    with database.read() as session, pytest.raises(BadRequest) as caught:
        series.list_series(session, cursor=cursor)
    assert caught.value.details["field"] == "cursor"


@pytest.mark.parametrize("limit", [0, -1, 1001])
def test_a_page_size_out_of_range_is_refused(database: Database, limit: int) -> None:
    with database.read() as session, pytest.raises(BadRequest) as caught:
        series.list_series(session, limit=limit)
    assert caught.value.details["field"] == "limit"


def test_annotations_are_counted_by_series_and_origin(database: Database) -> None:
    with database.begin() as session:
        label_sets.ensure(session, LABELS)
        for series_id, origins in (("A", (Origin.HUMAN, Origin.HUMAN, Origin.IMPORTED)), ("B", (Origin.HUMAN,))):
            add_series(session, series_id, TIME)
            for origin in origins:
                row = marks.add_annotation(
                    session,
                    series_id=series_id,
                    label_set="three",
                    label="flag",
                    start_time=1,
                    end_time=2,
                    origin=origin,
                )
        row.deleted_at = row.created_at
    with database.read() as session:
        assert series.annotation_counts(session, "three") == {"A": {"human": 2, "imported": 1}}
        assert series.annotation_counts(session, "three", series_id="B") == {}
