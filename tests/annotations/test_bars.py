"""Tables with a row per bar: written, read, placed again."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from candleloop.annotations.interchange import FileFormat, place_records, read_spans, write_bars
from candleloop.annotations.interchange.records import Record
from candleloop.errors import BadRequest, Conflict
from candleloop.times import iso_times
from tests.support.annotations import bar_times, label_set

LABELS = label_set([None, None])
N_BARS = 20
TIME = bar_times(N_BARS)
ISO = iso_times(TIME)


def annotation(label: str, first: int, last: int, source: str | None = None, origin: str = "human") -> dict[str, Any]:
    return {
        "label": label,
        "start_time": int(TIME[first]),
        "end_time": int(TIME[last]),
        "origin": origin,
        "declared_source": source,
    }


def written(*rows: dict[str, Any]) -> bytes:
    return write_bars(rows, TIME, series_id="S", series_version="0123456789abcdef", label_set="test")


def read(content: bytes | str, format: FileFormat = FileFormat.BARS_CSV) -> list[Record]:
    return read_spans(content.encode() if isinstance(content, str) else content, format).records


def table(*labels: str, header: str = "time,label") -> str:
    """Return a table with a label for each bar from the first on."""
    return "\n".join([header, *(f"{ISO[bar]},{label}" for bar, label in enumerate(labels))]) + "\n"


def spans_of(text: str) -> list[tuple[str | None, int, int]]:
    return [(one.label, ISO.index(one.start), ISO.index(one.end)) for one in read(text)]


BARS = st.tuples(st.integers(0, N_BARS - 1), st.integers(0, N_BARS - 1)).map(sorted)
SPANS = st.lists(
    st.tuples(st.sampled_from("ab"), BARS, st.sampled_from([None, "Ann", 'a "tool", 2'])),
    max_size=12,
    unique_by=lambda one: (one[0], *one[1]),
)


@given(SPANS)
def test_any_spans_come_back_as_they_were_overlapping_and_touching_ones_too(
    spans: list[tuple[str, list[int], str | None]],
) -> None:
    content = written(*(annotation(label, first, last, source) for label, (first, last), source in spans))
    found = read(content)
    placed = place_records(found, "S", TIME, LABELS)
    assert placed.dropped == ()
    names = [LABELS.names[label] for label, _, _ in placed.spans.rows()]
    assert sorted(zip(names, placed.spans.start.tolist(), placed.spans.end.tolist(), placed.sources, strict=True)) == (
        sorted((label, first, last, source or "human") for label, (first, last), source in spans)
    )
    assert {(one.series, one.version) for one in found} <= {("S", "0123456789abcdef")}


def test_there_is_a_row_for_each_bar_and_a_lane_for_each_span_on_one_bar() -> None:
    content = written(annotation("a", 1, 3), annotation("a", 4, 5), annotation("b", 3, 4, "Ann", "imported"))
    rows = list(csv.DictReader(io.StringIO(content.decode())))
    assert [row["time"] for row in rows] == ISO
    assert [row["label"] for row in rows[:7]] == ["", "B-a", "I-a", "I-a", "B-a", "I-a", ""]
    assert [row["label_2"] for row in rows[:7]] == ["", "", "", "B-b", "I-b", "", ""]
    assert (rows[3]["origin"], rows[3]["origin_2"], rows[3]["declared_source_2"]) == ("human", "imported", "Ann")
    assert {(row["series_id"], row["series_version"], row["label_set"]) for row in rows} == {
        ("S", "0123456789abcdef", "test")
    }
    assert list(csv.DictReader(io.StringIO(written().decode())))[5]["label"] == ""


@pytest.mark.parametrize("format", [FileFormat.BARS_CSV, FileFormat.CSV])
def test_a_table_is_known_by_its_columns_when_it_comes_as_csv(format: FileFormat) -> None:
    text = "Date;Close;Pattern\n2020-01-01 00:00:00+00:00;1.5;B-a\n2020-01-02;1.6;I-a\n"
    assert [(one.row, one.label, one.start, one.end, one.bars) for one in read(text, format)] == [
        (2, "a", "2020-01-01 00:00:00+00:00", "2020-01-02", 2)
    ]


def test_equal_labels_without_tags_are_one_span() -> None:
    assert spans_of(table("", "a", "a", "b", "O", "b", "background", "a")) == [
        ("a", 1, 2),
        ("b", 3, 3),
        ("b", 5, 5),
        ("a", 7, 7),
    ]


def test_series_may_stand_below_each_other() -> None:
    rows = [f"{series},{time},B-a" for series in "ST" for time in ISO[:2]]
    found = read("\n".join(["series_id,time,label", *rows]))
    assert [(one.series, one.start, one.bars) for one in found] == [
        (series, time, 1) for series in "ST" for time in ISO[:2]
    ]


@pytest.mark.parametrize(
    ("text", "said", "row"),
    [
        (table("B-a", "I-b"), "continues no span", 3),
        (table("B-a", "", "I-a"), "continues no span", 4),
        (table("B-a", "a"), "have B- and I- before", 3),
        (table("a", "B-a"), "have no B- and I- before", 3),
        ("time,label\nsoon,a\n", "time 'soon' is no time", 2),
        (f"time,label\n{ISO[1]},a\n{ISO[1]},a\n", "not after the one before", 3),
        (f"time,label\n{ISO[1]},a\n{ISO[0]},a\n", "not after the one before", 3),
        (f"time,label\n{ISO[1]}\n", "line 2 has 1 cells, the header 2", 2),
        ("label,start,end\na,1,2\n", "no columns for label and time, or has some for start and end", 1),
        ("time,close\n1,2\n", "no columns for label and time", 1),
    ],
)
def test_what_cannot_be_told_is_refused_with_the_line(text: str, said: str, row: int) -> None:
    with pytest.raises(BadRequest, match=said) as refusal:
        read(text)
    assert (refusal.value.code, refusal.value.details["row"]) == ("not_an_annotation_file", row)


@pytest.mark.parametrize("column", ["origin", "model_version"])
def test_what_a_model_proposed_is_no_annotation(column: str) -> None:
    with pytest.raises(BadRequest) as refusal:
        read(f"time,label,{column}\n{ISO[0]},B-a,Prediction\n")
    assert (refusal.value.code, refusal.value.details["row"]) == ("predictions_are_no_annotations", 2)
    with pytest.raises(ValueError, match="prediction"):
        written(annotation("a", 1, 2, origin="prediction"))


def test_a_span_whose_bars_have_no_rows_of_their_own_is_dropped_or_refuses_the_file() -> None:
    every = [f"{ISO[bar]},{'a' if bar in (1, 3, 5) else ''}" for bar in range(7)]
    placed = place_records(read("\n".join(["time,label", *every, f"{ISO[8]},a", f"{ISO[10]},a"])), "S", TIME, LABELS)
    assert [(one.row, one.reason) for one in placed.dropped] == [(9, "rows_missing")]
    assert "2 rows, and the series has 3 bars" in placed.dropped[0].message
    with pytest.raises(BadRequest) as refusal:
        place_records(read("\n".join(["time,label", *(f"{time},a" for time in ISO[::2])])), "S", TIME, LABELS)
    assert refusal.value.code == "series_mismatch"


def test_a_span_that_lies_on_no_bars_is_not_written() -> None:
    with pytest.raises(Conflict, match="row per span"):
        written({**annotation("a", 1, 2), "end_time": int(TIME[2]) + 1})
