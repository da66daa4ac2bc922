from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from candleloop.candles.quality import Rows, check_order
from candleloop.candles.readers import ImportedCandles, read_candles
from candleloop.candles.report import Defect, ImportReport
from candleloop.errors import BadCandles

HOUR = 3_600


def lines(n: int = 40) -> list[str]:
    return [f"{1_700_000_000 + HOUR * bar},{10 + bar % 3},15,5,{11 + bar % 2},{100 + bar}" for bar in range(n)]


def read(rows: list[str], **more: object) -> ImportedCandles:
    return read_candles("\n".join(["time,open,high,low,close,volume", *rows]).encode(), **more)  # type: ignore[arg-type]


def defects(imported: ImportedCandles) -> dict[str, Defect]:
    return {defect.kind: defect for defect in imported.report.defects}


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ("10,15,5,,100", "missing_close"),
        ("NaN,15,5,11,100", "missing_open"),
        ("10,inf,5,11,100", "infinite"),
        ("10,15,five,11,100", "unreadable_number"),
        ("10,15,0,11,100", "non_positive_price"),
        ("-10,15,-12,11,100", "non_positive_price"),
        ("10,1e13,5,11,100", "price_out_of_range"),
        ("10,4,5,11,100", "ohlc_violation"),
        ("10,10.5,5,11,100", "ohlc_violation"),
        ("10,15,10.5,11,100", "ohlc_violation"),
        ("10,15,5,11,-1", "negative_volume"),
        ("10,15,5,11,1e31", "volume_out_of_range"),
        ("10,15,5,11,", "missing_volume"),
    ],
)
def test_a_row_that_could_not_have_been_traded_is_left_out_and_named(values: str, kind: str) -> None:
    rows = lines()
    rows[7] = f"{rows[7].partition(',')[0]},{values}"
    imported = read(rows)
    assert (defects(imported)[kind].action, defects(imported)[kind].rows) == ("quarantined", (9,))
    assert set(defects(imported)) == {kind, "gap"}
    assert imported.report.quarantined == 1
    with pytest.raises(BadCandles, match="strict") as caught:
        read(rows, strict=True)
    assert (caught.value.code, caught.value.details["row"]) == (kind, 9)


def test_the_same_row_again_leaves_one_and_a_contradiction_leaves_none() -> None:
    rows = lines()
    rows.insert(5, rows[4])
    rows.insert(21, rows[20].replace(",15,", ",16,"))
    imported = read(rows)
    found = defects(imported)
    assert found["duplicate"].rows == (7,)
    assert found["conflicting_duplicate"].rows == (22, 23)
    assert imported.report.rows_kept == 39


def test_newest_first_is_sorted_and_told_and_strays_are_named() -> None:
    assert set(defects(read(lines()[::-1]))) == {"newest_first"}
    rows = lines()
    rows[10], rows[11] = rows[11], rows[10]
    imported = read(rows)
    assert defects(imported)["out_of_order"].rows == (13,)
    assert np.all(np.diff(imported.candles.time) == HOUR * 1_000_000)


def test_gaps_flat_bars_zero_volume_and_jumps_are_told_and_kept() -> None:
    rows = lines(80)
    for bar in range(20, 27):
        rows[bar] = f"{rows[bar].partition(',')[0]},10,10,10,10,0"
    rows[60] = f"{rows[60].partition(',')[0]},300,310,290,300,5"
    del rows[40:43]
    imported = read(rows)
    found = defects(imported)
    assert imported.report.quarantined == 0
    assert found["gap"].rows == (42,)
    assert "4 hours" in found["gap"].message
    assert (found["flat"].count, found["flat"].ranges) == (7, ((22, 28),))
    assert "longest 7" in found["zero_volume"].message
    assert found["jump"].rows == (59, 60)


def test_a_file_of_flat_bars_alone_is_told_to_have_no_patterns() -> None:
    rows = [f"{row.partition(',')[0]},10,10,10,10,5" for row in lines()]
    assert "the file has no other bars: there are no patterns" in defects(read(rows))["flat"].message
    assert "no other bars" not in defects(read([*rows[:-1], lines()[-1]]))["flat"].message


def test_nights_and_weekends_are_no_gaps() -> None:
    monday = 1_704_099_600
    opens = [monday + day * 86_400 + bar * 1_800 for day in range(14) if day % 7 < 5 for bar in range(13)]
    rows = [f"{time},10,15,5,11,{place}" for place, time in enumerate(opens, 1)]
    assert defects(read(rows)) == {}
    daily = [f"{monday // 86_400 * 86_400 + day * 86_400},10,15,5,11,{day + 1}" for day in range(60) if day % 7 < 5]
    assert defects(read(daily)) == {}


def test_a_step_off_the_grid_is_told() -> None:
    rows = lines()
    time, _, rest = rows[10].partition(",")
    rows[10] = f"{int(time) + 60},{rest}"
    assert defects(read(rows))["off_grid"].rows == (12, 13)


def test_an_empty_volume_column_is_no_volume() -> None:
    rows = [line.rpartition(",")[0] + "," for line in lines()]
    imported = read(rows)
    assert imported.candles.volume is None
    assert imported.report.notes == ("the volume column is empty: the series has no volume",)


def test_a_file_of_mostly_defective_rows_is_refused() -> None:
    rows = [line if bar % 3 == 0 else f"{line.partition(',')[0]},,,," for bar, line in enumerate(lines())]
    rows = [row if row.count(",") == 5 else row + "," for row in rows]
    with pytest.raises(BadCandles) as caught:
        read(rows)
    assert (caught.value.code, caught.value.details["field"]) == ("mostly_defective", "open")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 12), st.integers(1, 3)), min_size=1, max_size=30))
def test_every_row_is_kept_or_accounted_for_and_kept_times_ascend(drawn: list[tuple[int, int]]) -> None:
    time = np.array([moment for moment, _ in drawn], dtype=np.int64)
    price = np.array([float(value) for _, value in drawn])
    rows = Rows(time, {"close": price}, np.arange(len(drawn), dtype=np.int64) + 1)
    check_order(rows)
    lost = sum(found.count for found in rows.findings if found.action == "quarantined")
    assert len(rows) + lost == len(drawn)
    assert np.all(np.diff(rows.time) > 0)
    agreed = {m for m in time.tolist() if len(set(price[time == m])) == 1}
    assert set(rows.time.tolist()) == agreed


def test_the_report_is_json_and_readable() -> None:
    rows = lines()
    rows[3] = f"{rows[3].partition(',')[0]},10,4,5,11,100"
    report = read(rows, name="BTCUSD-1h.csv").report
    assert ImportReport.model_validate_json(report.model_dump_json()) == report
    text = report.lines()
    assert text[0] == "39 of 40 rows kept, 1 quarantined (generic, 1h)"
    assert text[1] == "2023-11-14T22:13:20Z .. 2023-11-16T13:13:20Z, time zone: UTC (epoch)"
    assert "quarantined: 1 x high is below low (row 5)" in text
