"""Appending files to a series: a new version of the same series, or nothing at all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from candleloop import pipeline
from candleloop.annotations.marks import Origin
from candleloop.candles import store as store_module
from candleloop.candles.frame import Candles
from candleloop.candles.store import CandleStore, CandleWriter
from candleloop.context import Context
from candleloop.errors import BadCandles, Conflict, NotFound
from candleloop.store import series
from candleloop.store.tables import AnnotationRow
from config.context import open_context
from tests.support.candles import random_candles
from tests.support.service import csv_of, prepared

CANDLES = random_candles(400, seed=3)
SERIES = "ONE-1h"


@pytest.fixture
def context(tmp_path: Path) -> Context:
    """A context that holds the first 300 of 400 candles."""
    made = open_context(prepared(tmp_path / "home"))
    pipeline.import_file(made, csv_of(CANDLES[:300]), name="ONE_1h.csv")
    return made


def changed(place: int) -> Candles:
    """Return the candles with another close at one place."""
    close = CANDLES.close.copy()
    close[place] = (CANDLES.high[place] + CANDLES.low[place]) / 2
    return replace(CANDLES, close=close)


def annotate(context: Context, first: int, last: int, name: str) -> None:
    """Put an annotation over candles ``first`` to ``last``."""
    with context.database.begin() as session:
        session.add(
            AnnotationRow(
                id=name,
                series_id=SERIES,
                label_set="default",
                label="morning_star",
                start_time=int(CANDLES.time[first]),
                end_time=int(CANDLES.time[last]),
                origin=Origin.HUMAN.value,
            )
        )


def flags(context: Context) -> dict[str, tuple[bool, int]]:
    """Return flag and revision of every annotation."""
    with context.database.read() as session:
        return {row.id: (row.flagged, row.revision) for row in session.query(AnnotationRow)}


def state(context: Context) -> tuple[str, int, int]:
    """Return version, bars and last time as the database has them."""
    with context.database.read() as session:
        row = series.get_series(session, SERIES)
        return row.version, row.bars, row.last_time


def test_newer_candles_make_a_new_version_and_the_old_one_stays_readable(context: Context) -> None:
    with context.database.read() as session:
        test_bars = series.test_bars(session, SERIES)
    outcome = pipeline.append_file(context, SERIES, csv_of(CANDLES[290:]))
    assert (outcome.appended, outcome.unchanged, outcome.revised, outcome.flagged) == (100, 10, 0, 0)
    assert outcome.previous == CANDLES[:300].version()
    assert state(context) == (CANDLES.version(), 400, int(CANDLES.time[-1]))
    assert pipeline.read_series(context, SERIES).version() == outcome.version == CANDLES.version()
    assert CandleStore(context.storage).read(SERIES, outcome.previous).version() == outcome.previous
    with context.database.read() as session:
        assert series.test_bars(session, SERIES) == test_bars
        assert series.import_report(session, SERIES, outcome.version)["rows_in"] == 110


def test_the_series_may_be_named_by_the_file(context: Context) -> None:
    outcome = pipeline.append_file(context, None, csv_of(CANDLES[300:]), name="ONE_1h.csv")
    assert (outcome.series_id, outcome.appended) == (SERIES, 100)
    with pytest.raises(NotFound, match="TWO-1h"):
        pipeline.append_file(context, None, csv_of(CANDLES[300:]), name="TWO_1h.csv")


@pytest.mark.parametrize("count", [1, 2])
def test_one_or_two_candles_are_enough_even_after_a_gap(context: Context, count: int) -> None:
    some = [310, 317][:count]
    few = Candles(CANDLES.time[some], *(values[some] for values in CANDLES.columns().values()))
    outcome = pipeline.append_file(context, SERIES, csv_of(few))
    assert (outcome.appended, outcome.bars) == (count, 300 + count)


def test_the_same_candles_again_change_nothing(context: Context) -> None:
    before = state(context)
    outcome = pipeline.append_file(context, SERIES, csv_of(CANDLES[100:300]))
    assert (outcome.version, outcome.appended, outcome.unchanged) == (before[0], 0, 200)
    assert state(context) == before


def test_other_values_for_stored_candles_are_refused_and_nothing_changes(context: Context) -> None:
    before = state(context)
    with pytest.raises(Conflict) as refused:
        pipeline.append_file(context, SERIES, csv_of(changed(295)))
    assert (refused.value.code, refused.value.details["revised"]) == ("candles_differ", 1)
    assert state(context) == before


def test_a_revision_flags_just_the_annotations_over_revised_candles(context: Context) -> None:
    for name, (first, last) in {
        "over": (293, 295),
        "at": (295, 295),
        "before": (292, 294),
        "after": (296, 298),
    }.items():
        annotate(context, first, last, name)
    outcome = pipeline.append_file(context, SERIES, csv_of(changed(295)), revise=True)
    assert (outcome.revised, outcome.appended, outcome.flagged) == (1, 100, 2)
    assert flags(context) == {"over": (True, 2), "at": (True, 2), "before": (False, 1), "after": (False, 1)}
    np.testing.assert_array_equal(pipeline.read_series(context, SERIES).close, changed(295).close)
    again = pipeline.append_file(context, SERIES, csv_of(CANDLES), revise=True)
    assert (again.version, again.revised, again.flagged) == (CANDLES.version(), 1, 0)
    back = pipeline.append_file(context, SERIES, csv_of(changed(295)), revise=True)
    assert back.version == outcome.version == state(context)[0]


def test_a_candle_put_between_flags_the_annotation_around_it(context: Context) -> None:
    gap = [place for place in range(320) if place != 310]
    pipeline.append_file(
        context, SERIES, csv_of(Candles(CANDLES.time[gap], *(v[gap] for v in CANDLES.columns().values())))
    )
    annotate(context, 309, 311, "around")
    annotate(context, 311, 312, "beside")
    with pytest.raises(Conflict):
        pipeline.append_file(context, SERIES, csv_of(CANDLES[310:311]))
    outcome = pipeline.append_file(context, SERIES, csv_of(CANDLES[310:311]), revise=True)
    assert (outcome.inserted, outcome.flagged, outcome.version) == (1, 1, CANDLES[:320].version())
    assert flags(context) == {"around": (True, 2), "beside": (False, 1)}


def test_candles_of_another_timeframe_are_refused(context: Context) -> None:
    halves = random_candles(50, seed=8)
    start = int(CANDLES.time[300])
    quick = replace(halves, time=start + np.arange(50) * 1_800_000_000)
    daily = replace(halves, time=start + np.arange(50) * 86_400_000_000)
    early = replace(halves[:1], time=CANDLES.time[299:300] + 600_000_000)
    before = state(context)
    for candles in (quick, daily, early):
        with pytest.raises(BadCandles) as refused:
            pipeline.append_file(context, SERIES, csv_of(candles))
        assert refused.value.code == "timeframe_denied"
    assert state(context) == before


def test_of_two_appends_at_once_one_wins_and_the_other_is_told(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish = CandleWriter.finish

    def finish_after_another(writer: CandleWriter, series_id: str) -> str:
        monkeypatch.setattr(CandleWriter, "finish", finish)
        pipeline.append_file(context, SERIES, csv_of(CANDLES[300:350]))
        return finish(writer, series_id)

    annotate(context, 293, 295, "over")
    monkeypatch.setattr(CandleWriter, "finish", finish_after_another)
    with pytest.raises(Conflict) as refused:
        pipeline.append_file(context, SERIES, csv_of(changed(295)), revise=True)
    assert refused.value.code == "series_moved"
    assert state(context)[0] == CANDLES[:350].version()
    assert flags(context) == {"over": (False, 1)}


def test_appending_day_by_day_holds_one_piece_of_the_series_at_a_time(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "_ROW_GROUP", 50)
    monkeypatch.setattr(CandleStore, "read", None)
    for first in range(300, 400, 10):
        outcome = pipeline.append_file(context, SERIES, csv_of(CANDLES[first : first + 10]), name="ONE_1h.csv")
    assert (outcome.version, outcome.bars) == (CANDLES.version(), 400)
    sizes = [len(piece) for piece in CandleStore(context.storage).pieces(SERIES, outcome.version)]
    assert sizes == [50] * 8
