"""Files of spans: read, placed on the bars of a series, written again."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from candleloop.annotations.interchange import (
    FileFormat,
    Placed,
    Record,
    place_records,
    read_spans,
    write_annotations,
    write_predictions,
)
from candleloop.annotations.interchange.records import instant_of
from candleloop.errors import BadRequest
from candleloop.times import iso_times
from tests.support.annotations import bar_times, label_set

JSON, CSV, JSONL = FileFormat.JSON, FileFormat.CSV, FileFormat.JSONL
PARQUET, BARS_CSV = FileFormat.PARQUET, FileFormat.BARS_CSV
PLAIN = (JSON, CSV, JSONL, PARQUET)
LABELS = label_set([3, None])
TIME = bar_times(50)
ISO = iso_times(TIME)
SECOND = 1_000_000


def span(row: int, label: Any = "a", start: Any = None, end: Any = None, **more: Any) -> Record:
    """Return a record of ``a`` on bars 10 to 12 unless said otherwise."""
    start = ISO[10] if start is None else start
    return Record(row, label, start, ISO[12] if end is None else end, more.get("series"), more.get("source"))


def read_records(content: bytes, format: FileFormat) -> list[Record]:
    return read_spans(content, format).records


def place(*records: Record) -> Placed:
    return place_records(records, "S", TIME, LABELS)


def good(n: int) -> list[Record]:
    """Return spans that can be kept, so that one bad one is not most of the file."""
    return [span(100 + bar, "b", ISO[bar], ISO[bar + 1]) for bar in range(20, 20 + n)]


def reasons(*records: Record) -> dict[int, str]:
    return {one.row: one.reason for one in place(*records, *good(5)).dropped}


def annotation(label: str = "a", **more: Any) -> dict[str, Any]:
    row = {"series_id": "S", "label_set": "test", "label": label, "start_time": ISO[1], "end_time": ISO[3]}
    return {**row, "series_version": "0123456789abcdef", "origin": "human", "declared_source": None, **more}


def prediction() -> dict[str, Any]:
    return {**annotation(), "confidence": 0.9, "model_version": "0123456789ab"}


def test_the_three_formats_say_the_same() -> None:
    rows = [{"label": "a", "start": ISO[1], "end": ISO[3]}, {"label": "b", "start": 1600000000, "end": 1600003600}]
    texts = {
        JSON: json.dumps({"annotations": rows}),
        JSONL: "\n".join(json.dumps(row) for row in rows) + "\n\n",
        CSV: f"label,start,end\na,{ISO[1]},{ISO[3]}\nb,1600000000,1600003600\n",
    }
    found = {
        format: place_records(read_records(text.encode(), format), "S", TIME, LABELS) for format, text in texts.items()
    }
    for placed in found.values():
        assert placed.spans.rows() == [(0, 1, 3), (1, 0, 1)]
    assert [found[format].rows for format in (JSON, JSONL, CSV)] == [(1, 2), (1, 2), (2, 3)]


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffPattern;Begin;End;Annotator\n a ;2020;2021;Ann\n",
        "start_time\tend_time\tlabel\tsource\r\n2020\t2021\ta\tAnn\r\n",
        '"label","end","from","origin"\r\n"a","2021","2020","Ann"\r\n\r\n',
    ],
)
def test_columns_may_have_other_names_order_and_delimiters(text: str) -> None:
    assert read_records(text.encode(), CSV) == [Record(2, "a", "2020", "2021", None, "Ann")]


def test_a_list_or_an_object_of_spans_is_json() -> None:
    row = {"label": "a", "start": 1, "end": 2, "series": "S"}
    for content in ([row], {"annotations": [row]}, {"spans": [row]}):
        assert read_records(json.dumps(content).encode(), JSON) == [Record(1, "a", 1, 2, "S", None)]


def test_quoted_cells_over_several_lines_keep_the_line_numbers_right() -> None:
    text = 'label,start,end,source\na,1,2,"one\ntwo"\nb,3,4,x\n'
    assert [record.row for record in read_records(text.encode(), CSV)] == [2, 4]


@pytest.mark.parametrize(
    ("format", "content", "said", "row"),
    [
        (JSON, b"{", "not JSON", None),
        (JSON, b"7", "no list of spans", None),
        (JSON, b'{"boxes": []}', "annotations or spans", None),
        (JSON, b'[{"label": "a"}, 3]', "record 2 is no object", 2),
        (JSON, b"[" * 100_000, "not JSON", None),
        (JSONL, b'{"label": "a"}\n{oops\n', "line 2 is not JSON", 2),
        (CSV, b"label,start\na,1\n", "no column for end", 1),
        (CSV, b"", "no column for label, start, end", 1),
        (CSV, b"label,start,end\na,1\n", "line 2 has 2 cells, the header 3", 2),
        (CSV, b'label,start,end\n"a"x,1,2\n', "line 2", 2),
        (CSV, b"label,start,end\n\xff,1,2\n", "not UTF-8", None),
    ],
)
def test_what_is_no_file_of_spans_is_refused_with_the_place(
    format: FileFormat, content: bytes, said: str, row: int | None
) -> None:
    with pytest.raises(BadRequest, match=said) as refusal:
        read_records(content, format)
    assert refusal.value.code == "not_an_annotation_file"
    assert refusal.value.details.get("row") == row


@given(st.binary(max_size=200), st.sampled_from(list(FileFormat)))
def test_any_bytes_are_records_or_a_clear_refusal(content: bytes, format: FileFormat) -> None:
    try:
        place_records(read_records(content, format), "S", TIME, LABELS)
    except BadRequest as refusal:
        assert refusal.code in {"not_an_annotation_file", "series_mismatch", "label_set_mismatch"}  # noqa: PT017


SCRAPS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["a", "b", *ISO[:5]]),
    st.lists(st.integers(), max_size=2),
)


@given(st.lists(st.dictionaries(st.sampled_from(["label", "start", "end", "series", "origin"]), SCRAPS), max_size=5))
def test_any_values_are_kept_dropped_with_a_reason_or_refused(rows: list[dict[str, Any]]) -> None:
    try:
        placed = place_records(read_records(json.dumps(rows).encode(), JSON), "S", TIME, LABELS)
    except BadRequest as refusal:
        assert refusal.code in {"series_mismatch", "label_set_mismatch"}  # noqa: PT017
    else:
        assert sorted((*placed.rows, *(one.row for one in placed.dropped))) == list(range(1, len(rows) + 1))


@pytest.mark.parametrize("format", PLAIN)
def test_predictions_are_written_as_such_and_cannot_come_back_as_annotations(format: FileFormat) -> None:
    content = write_predictions([{**prediction(), "origin": "human"}], format)
    assert b"human" not in content
    assert b"0123456789abcdef" in content
    with pytest.raises(BadRequest) as refusal:
        read_records(content, format)
    assert refusal.value.code == "predictions_are_no_annotations"


@pytest.mark.parametrize(
    "row",
    [
        {"origin": " Prediction "},
        {"Origin": "prediction"},
        {"model_version": "0123456789ab"},
        {"MODEL_VERSION": "x"},
        {"probabilities": {"a": 0.9}},
    ],
)
def test_a_row_that_a_model_made_refuses_the_file(row: dict[str, Any]) -> None:
    rows = [{"label": "a", "start": 1, "end": 2}, {"label": "a", "start": 1, "end": 2, **row}]
    with pytest.raises(BadRequest) as refusal:
        read_records(json.dumps(rows).encode(), JSON)
    assert (refusal.value.code, refusal.value.details["row"]) == ("predictions_are_no_annotations", 2)


def test_the_answer_of_a_prediction_request_is_no_file_of_annotations() -> None:
    with pytest.raises(BadRequest, match="model proposed"):
        read_records(json.dumps({"predictions": [{"label": "a", "start_time": 1, "end_time": 2}]}).encode(), JSON)


def test_predictions_are_never_written_as_annotations() -> None:
    with pytest.raises(ValueError, match="prediction"):
        write_annotations([annotation(origin="prediction")], CSV)


@pytest.mark.parametrize("format", PLAIN)
def test_annotations_are_written_with_their_origin_and_can_be_read_again(format: FileFormat) -> None:
    content = write_annotations([annotation(), annotation("b", origin="imported", declared_source="tool, „x“")], format)
    found = read_records(content, format)
    assert [(one.label, instant_of(one.start), instant_of(one.end), one.series, one.version) for one in found] == [
        (label, TIME[1], TIME[3], "S", "0123456789abcdef") for label in ("a", "b")
    ]
    assert [one.source for one in found] == ["human", "tool, „x“"]


def test_times_may_be_iso_text_with_or_without_offset_seconds_or_milliseconds() -> None:
    seconds = int(TIME[10]) // SECOND
    forms = [
        ISO[10],
        ISO[10].rstrip("Z"),
        ISO[10].replace("Z", "+00:00"),
        seconds,
        float(seconds),
        seconds * 1000,
        f" {seconds} ",
    ]
    for form in forms:
        placed = place(span(1, start=form))
        assert placed.spans.rows() == [(0, 10, 12)]
        assert not placed.snapped.any()


def test_ends_move_to_the_nearest_bar_up_to_half_a_bar_and_no_further() -> None:
    half = 1_800

    def at(bar: int, seconds: int) -> float:
        return int(TIME[bar]) // SECOND + seconds

    placed = place(
        span(1, start=at(10, -half), end=at(12, 0)),
        span(2, "b", start=at(10, half), end=at(12, 1)),
        span(3, "b", start=at(0, -half), end=at(49, half)),
        span(4, "a", start=at(0, -half - 1), end=at(3, 0)),
        span(5, "a", start=at(47, 0), end=at(49, half + 1)),
        *good(3),
    )
    assert placed.spans[:3].rows() == [(0, 9, 12), (1, 10, 12), (1, 0, 49)]
    assert placed.snapped[:3].all()
    assert {one.row: one.reason for one in placed.dropped} == {4: "outside_series", 5: "outside_series"}
    assert ISO[0] in placed.dropped[0].message


def test_a_time_in_a_gap_lies_between_bars() -> None:
    time = np.concatenate([TIME[:20], TIME[20:] + 10 * 3_600 * SECOND])
    late = int(TIME[19]) // SECOND + 1_801
    placed = place_records(
        [span(1, end=late), *(span(2 + k, start=ISO[k], end=ISO[k]) for k in range(3))], "S", time, LABELS
    )
    assert [(one.row, one.reason) for one in placed.dropped] == [(1, "between_bars")]


def test_every_reason_to_drop_a_span_is_named_with_its_row() -> None:
    found = reasons(
        span(1, "tea"),
        span(2, start=ISO[12], end=ISO[10]),
        span(3, start="yesterday"),
        Record(4, None, ISO[1], None, None, None),
        span(5, series="T"),
        span(6),
        span(7),
    )
    assert found == {
        1: "unknown_label",
        2: "start_after_end",
        3: "not_a_time",
        4: "missing_field",
        5: "other_series",
        7: "duplicate",
    }


def test_spans_that_only_the_move_makes_equal_are_duplicates_too() -> None:
    placed = place(span(1), span(2, start=int(TIME[10]) // SECOND + 60))
    assert placed.dropped[0].message == "the same label on the same bars as row 1"


def test_a_file_about_other_candles_is_refused_as_a_whole() -> None:
    later = iso_times(TIME + 1_000 * 3_600 * SECOND)
    shifted = [span(row, start=later[row], end=later[row + 2]) for row in range(1, 4)]
    with pytest.raises(BadRequest, match="another time zone") as refusal:
        place(*shifted, *good(2))
    assert refusal.value.code == "series_mismatch"
    assert refusal.value.details["row"] == 1
    assert len(place(*shifted, *good(3)).spans) == 3


def test_a_file_with_other_labels_is_refused_as_a_whole() -> None:
    with pytest.raises(BadRequest, match="it has a, b") as refusal:
        place(span(1, "tea"), span(2, "coffee"), span(3))
    assert refusal.value.code == "label_set_mismatch"
    assert len(place(span(1, "tea"), span(3)).spans) == 1


def test_no_spans_at_all_are_fine() -> None:
    placed = place()
    assert (len(placed.spans), placed.report(LABELS, np.empty(0, dtype=np.bool_), as_="human").rows) == (0, 0)


def test_the_report_says_what_became_of_every_row() -> None:
    placed = place(
        span(1),
        span(2, "b"),
        span(3, "tea"),
        span(4, start=int(TIME[20]) // SECOND + 5, end=ISO[21]),
        span(5, "b", ISO[30], ISO[33]),
    )
    report = placed.report(LABELS, np.array([True, True, True, False]), as_="human")
    assert report.kept == {"a": 2, "b": 1}
    assert (report.rows, report.kept_rows, report.snapped, report.two_labels) == (5, 3, 1, (1, 2))
    assert [(one.row, one.reason) for one in report.dropped] == [(3, "unknown_label"), (5, "already_there")]
    assert report.lines() == [
        "3 of 5 spans kept: a 2, b 1",
        "1 moved by at most half a bar to where a bar opens",
        "1 have another number of bars than their label says",
        "dropped: 1 x unknown_label (row 3): label set 'test' has no label 'tea'",
        "dropped: 1 x already_there (row 5): the series has this annotation already",
        "2 lie on the same bars as another label (rows 1, 2)",
    ]
    assert json.loads(report.model_dump_json())["dropped"][0]["row"] == 3
