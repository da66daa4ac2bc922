"""Tasks of Label Studio: read with every oddity of real exports, written so that nothing is lost on the way back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from candleloop.annotations.interchange import FileFormat, Placed, label_studio, place_records, read_spans
from candleloop.annotations.interchange.labelling_config import labelling_config
from candleloop.candles.frame import Candles
from candleloop.errors import BadRequest
from candleloop.times import iso_times
from tests.support.annotations import bar_times, label_set

LABELS = label_set([3, None])
TIME = bar_times(50)
ISO = iso_times(TIME)
MILLISECONDS: list[int] = (TIME // 1_000).tolist()
SECOND = 1_000_000
BAR = 3_600 * SECOND


def candles(time: np.ndarray = TIME, price: float = 10.0) -> Candles:
    close = price + np.arange(len(time), dtype=np.float64)
    return Candles.checked(time=time, open=close, high=close + 1, low=close - 1, close=close)


def region(start: Any, end: Any, labels: Sequence[Any] = ("a",), **more: Any) -> dict[str, Any]:
    """Return a region as Label Studio exports it; ``value`` in ``more`` adds to its value."""
    value = {"start": start, "end": end, "instant": False, "timeserieslabels": list(labels), **more.pop("value", {})}
    return {"id": "x", "from_name": "label", "to_name": "ts", "type": "timeserieslabels", "value": value, **more}


def task(*regions: dict[str, Any], cancelled: bool = False, **more: Any) -> dict[str, Any]:
    """Return a task as Label Studio exports it, with a prediction that must stay where it is."""
    answer = {"id": 1, "was_cancelled": cancelled, "ground_truth": False, "result": list(regions)}
    proposed = {"model_version": "x", "score": 0.5, "result": [region(ISO[40], ISO[41])]}
    return {"id": 1, "data": {"csv": "/data/1.csv"}, "annotations": [answer], "predictions": [proposed], **more}


def text_of(content: Any) -> bytes:
    return json.dumps(content).encode()


def placed(content: Any, **which: Any) -> Placed:
    file = read_spans(text_of(content), FileFormat.LABEL_STUDIO, **which)
    return place_records(file.records, "S", TIME, LABELS)


def row(label: str, first: int, last: int, *, time: np.ndarray = TIME, **more: Any) -> dict[str, Any]:
    """Return an annotation as it is written."""
    place = {"id": f"{label}-{first}-{last}", "start_time": int(time[first]), "end_time": int(time[last])}
    return {"label": label, "origin": "human", "declared_source": None, **place, **more}


def written(rows: Sequence[dict[str, Any]], *, predictions: Sequence[Any] = (), time: np.ndarray = TIME) -> bytes:
    data = {"series_id": "S", "ts": label_studio.task_candles(candles(time))}
    return label_studio.write_task(data, label_studio.annotation_regions(rows), predictions)


def test_regions_are_spans_one_for_each_label_and_predictions_stay_where_they_are() -> None:
    regions = [region(ISO[2], ISO[4]), region(MILLISECONDS[5] + 0.25, MILLISECONDS[6], ["a", "b"])]
    found = placed([task(*regions)])
    assert found.spans.rows() == [(0, 2, 4), (0, 5, 6), (1, 5, 6)]
    assert found.sources == ("label-studio",) * 3
    assert not found.dropped
    assert read_spans(text_of([task(*regions)]), FileFormat.JSON).records == [
        *read_spans(text_of([task(*regions)]), FileFormat.LABEL_STUDIO).records
    ]


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2020-09-13 12:26", "2020-09-13 14:26"),
        ("2020-09-13T12:26:40", "2020-09-13T14:26:40.000000"),
        ("2020-09-13 12:26:40.000", "2020-09-13 17:26:40+03:00"),
        (MILLISECONDS[0] - 1_799_999.9, MILLISECONDS[2] + 1_751_951.8074),
    ],
)
def test_text_without_offset_is_utc_and_numbers_are_milliseconds(start: Any, end: Any) -> None:
    assert placed([task(region(start, end))]).spans.rows() == [(0, 0, 2)]


def test_small_numbers_are_milliseconds_too() -> None:
    early = bar_times(50) - 1_600_000_000 * SECOND
    file = read_spans(text_of([task(region(7_200_000, 10_800_000.0))]), FileFormat.LABEL_STUDIO)
    assert place_records(file.records, "S", early, LABELS).spans.rows() == [(0, 2, 3)]


def test_days_alone_are_not_taken_for_a_time_within_the_day() -> None:
    with pytest.raises(BadRequest, match="do not lie on bars"):
        placed([task(region("2020-09-12", "2020-09-13"))])


def test_an_instant_needs_no_end_and_a_region_without_label_is_named() -> None:
    instant = region(ISO[3], None, ["b"], value={"instant": True})
    found = placed([task(instant, region(ISO[5], ISO[6], []), {"value": {"choices": ["fine"]}}, {"id": "y"})])
    assert found.spans.rows() == [(1, 3, 3)]
    assert [(one.row, one.reason) for one in found.dropped] == [(2, "missing_field")]


def test_a_region_that_ends_before_it_starts_is_refused_by_name() -> None:
    found = placed([task(region(ISO[4], ISO[2]), region(ISO[8], ISO[10]))])
    assert [(one.row, one.reason) for one in found.dropped] == [(1, "start_after_end")]


def test_beyond_half_a_bar_nothing_is_moved() -> None:
    good = [region(ISO[k], ISO[k + 1], ["b"]) for k in range(10, 14)]
    far = region(MILLISECONDS[0] - 1_800_001, ISO[2])
    found = placed([task(far, region(MILLISECONDS[0] - 1_800_000, ISO[2]), *good)])
    assert [(one.row, one.reason) for one in found.dropped] == [(1, "outside_series")]
    assert found.spans[:1].rows() == [(0, 0, 2)]
    assert found.snapped.tolist() == [True, False, False, False, False]


def test_what_was_skipped_says_nothing_and_is_counted() -> None:
    file = read_spans(text_of([task(region(ISO[0], ISO[2]), cancelled=True)]), FileFormat.LABEL_STUDIO)
    assert (file.records, file.skipped) == ([], 1)


def test_the_same_span_with_two_labels_by_two_people_is_kept_and_said() -> None:
    one = task(region(ISO[2], ISO[4], ["a"]))
    one["annotations"].append({"result": [region(ISO[2], ISO[4], ["b"]), region(ISO[2], ISO[4], ["a"])]})
    found = placed([one])
    report = found.report(LABELS, np.ones(2, dtype=np.bool_), as_="human")
    assert report.two_labels == (1, 2)
    assert [(one.row, one.reason) for one in report.dropped] == [(3, "duplicate")]


def test_of_several_tasks_the_one_of_the_series_is_taken() -> None:
    mine = task(region(ISO[2], ISO[4]), id=7, data={"series_id": "S"})
    other = task(region(ISO[5], ISO[7]), id=8, data={"series_id": "T"})
    plain = task(region(ISO[9], ISO[11]), id=9)
    assert placed([other, mine, plain], series_id="S").spans.rows() == [(0, 2, 4)]
    assert placed([other, mine, plain], series_id="S", task="9").spans.rows() == [(0, 9, 11)]
    assert placed([other, mine], series_id="S", task="8").spans.rows() == [(0, 5, 7)]


@pytest.mark.parametrize(
    ("which", "code", "said"),
    [
        ({}, "not_an_annotation_file", r"several tasks \(7, 8\)"),
        ({"task": "9"}, "unknown_task", "it has 7, 8"),
    ],
)
def test_several_tasks_that_nothing_tells_apart_are_refused(which: Any, code: str, said: str) -> None:
    tasks = [task(region(ISO[0], ISO[1]), id=7), task(region(ISO[2], ISO[3]), id=8)]
    with pytest.raises(BadRequest, match=said) as refusal:
        read_spans(text_of(tasks), FileFormat.LABEL_STUDIO, series_id="S", **which)
    assert refusal.value.code == code


def test_a_task_of_another_series_is_refused_by_its_name() -> None:
    content = text_of([task(region(ISO[0], ISO[1]), data={"series_id": "T"})])
    with pytest.raises(BadRequest, match="about other series: 'T'") as refusal:
        read_spans(content, FileFormat.LABEL_STUDIO, series_id="S")
    assert refusal.value.code == "series_mismatch"


@pytest.mark.parametrize("content", [[{"id": 1, "csv": "x", "label": []}], {"annotations": [3]}, [3], 7, [[]]])
def test_another_kind_of_export_is_refused_with_what_to_choose(content: Any) -> None:
    with pytest.raises(BadRequest, match="not JSON-MIN") as refusal:
        read_spans(text_of(content), FileFormat.LABEL_STUDIO)
    assert refusal.value.code == "not_an_annotation_file"


def test_labels_of_a_shorter_timeframe_do_not_pass_for_spans_of_one_bar() -> None:
    day = np.arange(10, dtype=np.int64) * 24 * BAR + TIME[0] // (24 * BAR) * 24 * BAR
    times = [(f"2020-09-{13 + k} 08:45", f"2020-09-{13 + k} 09:25") for k in range(4)]
    file = read_spans(text_of([task(*(region(*at) for at in times))]), FileFormat.LABEL_STUDIO)
    with pytest.raises(BadRequest, match="shorter timeframe") as refusal:
        place_records(file.records, "S", day, LABELS)
    assert refusal.value.code == "series_mismatch"
    few = place_records(file.records[:2], "S", day, LABELS)
    report = few.report(LABELS, np.ones(2, dtype=np.bool_), as_="human")
    assert report.within_a_bar == 2
    assert any("shorter timeframe" in line for line in report.lines())


def test_the_candles_of_a_task_must_be_those_of_the_series() -> None:
    own = candles()

    def check(table: dict[str, Any]) -> list[str]:
        file = read_spans(text_of([task(data={"csv": "x", "series": table})]), FileFormat.LABEL_STUDIO)
        return label_studio.check_candles(file.candles, own, "S")

    assert check(label_studio.task_candles(own)) == []
    assert check({"Time": MILLISECONDS, "Close": own.close.tolist()}) == []
    assert "same instrument" in check(label_studio.task_candles(candles(price=700.0)))[0]
    with pytest.raises(BadRequest, match="another timeframe") as refusal:
        check(label_studio.task_candles(candles(TIME + 365 * 24 * BAR)))
    assert refusal.value.code == "series_mismatch"
    assert check({"time": ["yesterday", None], "close": []} | {"time": []}) == []
    with pytest.raises(BadRequest, match="2 of the 2 candles"):
        check({"time": ["yesterday", None], "close": ["x", {}]})


def real_export(first: str, step_minutes: int, n_spans: int, twice: int) -> list[dict[str, Any]]:
    """Return an export with all the fields and oddities of a real one: ``twice`` spans carry two labels each."""
    start = np.datetime64(first)
    results = []
    for number in range(n_spans):
        at = start + np.timedelta64(step_minutes * 3 * number, "m")
        texts = [str(at + np.timedelta64(step_minutes * bars, "m")).replace("T", " ") for bars in (0, 2)]
        results += [
            region(*texts, [label], id=f"wW{number}{label}", origin="manual")
            for label in ("a", "b")[: 1 + (number < twice)]
        ]
    common = {"created_at": "2025-10-14T21:10:02.223729Z", "updated_at": "2025-10-14T21:10:02.223729Z", "project": 4}
    answer = {
        **common,
        "id": 1,
        "completed_by": 1,
        "task": 1,
        "was_cancelled": False,
        "ground_truth": True,
        "lead_time": 651.549,
        "result_count": len(results),
        "unique_id": "f16400af",
        "prediction": {},
        "parent_prediction": None,
        "parent_annotation": None,
        "last_action": None,
        "bulk_created": False,
        "draft_created_at": None,
        "result": results,
    }
    draft = {"id": 9, "result": [region(ISO[40], ISO[42])], "lead_time": 3.0}
    proposed = {
        "id": 7,
        "task": 1,
        "model_version": "rf-3f2a",
        "score": 0.71,
        "result": [region(ISO[45], ISO[47], score=0.83)],
    }
    return [
        {
            **common,
            "id": 1,
            "inner_id": 1,
            "file_upload": "d992bfe2-aapl_5min.csv",
            "meta": {},
            "drafts": [draft],
            "data": {"csv": "/data/upload/4/d992bfe2-aapl_5min.csv"},
            "total_annotations": 1,
            "cancelled_annotations": 0,
            "total_predictions": 1,
            "annotations": [answer],
            "predictions": [proposed],
        }
    ]


def test_a_real_export_gives_its_annotations_alone_and_says_which_spans_have_two_labels() -> None:
    """Its CSV is nowhere; drafts and predictions are no annotations; ground truth is an annotation like another."""
    content = real_export("2020-09-13T12:26", 60, 12, 4)
    found = placed(content, series_id="S")
    assert found.spans.rows() == [
        (label, 3 * number, 3 * number + 2) for number in range(12) for label in range(1 + (number < 4))
    ]
    report = found.report(LABELS, np.ones(16, dtype=np.bool_), as_="human")
    assert report.two_labels == tuple(range(1, 9))
    assert "8 lie on the same bars as another label" in report.lines()[-1]


@pytest.mark.parametrize(
    ("first", "said"),
    [("2025-10-01T08:45", "do not lie on bars"), ("2020-09-14T08:45", "shorter timeframe")],
    ids=["another year", "the same days"],
)
def test_a_file_that_is_not_what_its_name_says_is_refused(first: str, said: str) -> None:
    """The task says five minutes, and the candles are daily."""
    day = np.arange(30, dtype=np.int64) * 24 * BAR + TIME[0] // (24 * BAR) * 24 * BAR
    file = read_spans(text_of(real_export(first, 5, 49, 4)), FileFormat.LABEL_STUDIO, series_id="S")
    assert len(file.records) == 53
    with pytest.raises(BadRequest, match=said) as refusal:
        place_records(file.records, "S", day, LABELS)
    assert refusal.value.code == "series_mismatch"


def test_rows_of_a_project_without_times_are_not_taken_for_times() -> None:
    with pytest.raises(BadRequest, match="do not lie on bars"):
        placed([task(region(12, 14), region(20, 22.5))])


def test_a_region_needs_neither_id_nor_instant_and_whatever_else_it_has_is_left_alone() -> None:
    plain = {"type": "timeserieslabels", "value": {"start": ISO[2], "end": ISO[4], "timeserieslabels": ["a"]}}
    more = region(ISO[5], ISO[7], origin="prediction", score=0.5, readonly=True, value={"text": "?"})
    found = placed([task(plain, more)])
    assert found.spans.rows() == [(0, 2, 4), (0, 5, 7)]
    # What a person submitted is theirs, though the region began as a prediction.
    assert found.sources == ("label-studio", "label-studio (prediction)")


def test_an_annotation_without_regions_has_no_spans() -> None:
    file = read_spans(text_of([task()]), FileFormat.LABEL_STUDIO)
    assert (file.records, file.skipped) == ([], 0)


TIMES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=6), st.sampled_from(ISO[:6]))
THINGS = st.recursive(
    TIMES, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
)


@given(
    st.lists(
        st.tuples(TIMES, TIMES, st.lists(st.sampled_from(["a", "b", "tea", 3, None]), max_size=2), THINGS), max_size=4
    ),
    THINGS,
)
def test_whatever_a_task_holds_it_is_kept_dropped_with_a_reason_or_refused(rows: Any, data: Any) -> None:
    regions = [region(start, end, labels, meta=meta, origin=meta) for start, end, labels, meta in rows]
    try:
        file = read_spans(text_of([task(*regions, data=data)]), FileFormat.LABEL_STUDIO, series_id="S")
        label_studio.check_candles(file.candles, candles(), "S")
        found = place_records(file.records, "S", TIME, LABELS)
    except BadRequest as refusal:
        assert refusal.code in {"series_mismatch", "label_set_mismatch"}  # noqa: PT017
    else:
        n_rows = sum(max(len(labels), 1) for _, _, labels, _ in rows)
        assert sorted((*found.rows, *(one.row for one in found.dropped))) == list(range(1, n_rows + 1))


@given(st.binary(max_size=100))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    try:
        read_spans(content, FileFormat.LABEL_STUDIO)
    except BadRequest as refusal:
        assert refusal.code == "not_an_annotation_file"  # noqa: PT017


PLACES = st.lists(
    st.tuples(st.sampled_from([0, 1]), st.integers(0, 49), st.integers(0, 49)).map(
        lambda place: (place[0], min(place[1:]), max(place[1:]))
    ),
    max_size=12,
    unique=True,
)


@given(
    PLACES,
    st.lists(st.integers(1, 10**9), min_size=50, max_size=50),
    st.integers(-(10**15), 4 * 10**15),
    st.sampled_from(["human", "talib", "confirmed", "corrected", "imported"]),
    st.booleans(),
)
def test_what_is_written_comes_back_on_the_same_bars_with_its_origin(
    places: list[tuple[int, int, int]], steps: list[int], first: int, origin: str, with_predictions: bool
) -> None:
    """Whatever the times of the bars, down to microseconds."""
    time = np.cumsum(np.array(steps, dtype=np.int64)) + first
    rows = [row(LABELS.names[label], start, end, time=time, origin=origin) for label, start, end in places]
    proposed = [label_studio.prediction([{**row("a", 7, 9, time=time), "confidence": 0.75}], "0123456789ab")]
    content = written(rows, predictions=proposed if with_predictions else (), time=time)
    file = read_spans(content, FileFormat.LABEL_STUDIO, series_id="S")
    assert label_studio.check_candles(file.candles, candles(time), "S") == []
    found = place_records(file.records, "S", time, LABELS)
    assert found.spans.rows() == places
    assert found.sources == (origin,) * len(places)
    assert not found.snapped.any()
    assert not found.dropped


def test_a_declared_source_is_kept_and_what_label_studio_says_of_a_region_too() -> None:
    content = json.loads(written([row("a", 1, 3, origin="imported", declared_source="tool, „x“")]))
    regions = content[0]["annotations"][0]["result"]
    assert regions[0]["id"] == "a-1-3"
    regions.append(region(ISO[5], ISO[7], origin="prediction-changed"))
    assert placed(content).sources == ("tool, „x“", "label-studio (prediction-changed)")


def test_predictions_are_apart_from_annotations_and_are_no_annotations() -> None:
    rows = [{**row("a", 7, 9), "confidence": 0.75}, {**row("b", 9, 9), "confidence": 0.25}]
    (content,) = json.loads(written([], predictions=[label_studio.prediction(rows, "0123456789ab")]))
    assert content["annotations"] == []
    (proposed,) = content["predictions"]
    assert (proposed["model_version"], proposed["score"]) == ("0123456789ab", 0.5)
    assert [one["score"] for one in proposed["result"]] == [0.75, 0.25]
    assert [one["value"]["instant"] for one in proposed["result"]] == [False, True]
    assert label_studio.prediction([], "0123456789ab")["score"] == 0
    with pytest.raises(ValueError, match="prediction"):
        label_studio.annotation_regions([row("a", 1, 2, origin="prediction")])


def test_the_labelling_configuration_names_what_a_task_has() -> None:
    view = ElementTree.fromstring(labelling_config(LABELS, volume=True))
    labels, chart = view.find("TimeSeriesLabels"), view.find("TimeSeries")
    assert labels is not None
    assert chart is not None
    assert [one.get("value") for one in labels] == ["a", "b"]
    (content,) = json.loads(written([row("a", 1, 3)]))
    one = content["annotations"][0]["result"][0]
    assert (one["from_name"], one["to_name"]) == (labels.get("name"), chart.get("name"))
    table = content["data"][str(chart.get("value")).removeprefix("$")]
    columns = {channel.get("column") for channel in chart}
    assert columns - {"volume"} == set(table) - {chart.get("timeColumn")}
    assert len(ElementTree.fromstring(labelling_config(LABELS))[1]) == len(columns) - 1
