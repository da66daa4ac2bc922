from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from candleloop.candles.demo import demo_files
from candleloop.candles.readers import ImportedCandles, read_candles
from candleloop.candles.segments import Session
from candleloop.errors import BadCandles, BadRequest, NotACandleFile


def read(text: str, **more: object) -> ImportedCandles:
    return read_candles(text.encode(), **{"name": "x.csv", **more})  # type: ignore[arg-type]


def kinds(imported: ImportedCandles) -> dict[str, int]:
    return {defect.kind: defect.count for defect in imported.report.defects}


BODY = [
    ("2024-01-02", "10", "12", "9", "11", "100"),
    ("2024-01-03", "11", "13", "10", "12", "200"),
    ("2024-01-04", "12", "14", "11", "13", "300"),
]


def table(
    rows: Sequence[tuple[str, ...]], header: str = "date,open,high,low,close,volume", delimiter: str = ","
) -> str:
    return "\n".join([header, *(delimiter.join(row) for row in rows)]) + "\n"


@pytest.mark.parametrize(
    "header",
    ["<DATE>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>", "Date,O,H,L,C,V", "time,AB.open,AB.high,AB.low,AB.close,AB.volume"],
)
def test_columns_are_found_under_their_many_names(header: str) -> None:
    imported = read(table(BODY, header))
    assert imported.candles.high.tolist() == [12, 13, 14]
    assert imported.candles.volume is not None
    assert imported.candles.volume.tolist() == [100, 200, 300]


def test_a_prefix_of_all_columns_is_the_symbol() -> None:
    assert read(table(BODY, "date,AAPL.Open,AAPL.High,AAPL.Low,AAPL.Close,AAPL.Volume")).symbol == "AAPL"


def test_semicolons_with_decimal_comma_and_grouped_points() -> None:
    rows = [
        ("02.01.2024", "1.010,5", "1.012,25", "1.009", "1.011,0", "95,91K"),
        ("13.01.2024", "11,5", "13,5", "10,5", "12,5", "1,5M"),
    ]
    imported = read(table(rows, "Date;Open;High;Low;Close;Volume", ";"))
    assert imported.candles.open.tolist() == [1010.5, 11.5]
    assert imported.candles.volume is not None
    assert imported.candles.volume.tolist() == [95_910, 1_500_000]


def test_quoted_thousands_dollar_signs_and_a_byte_order_mark() -> None:
    text = (
        "\ufeffDate,Close/Last,Volume,Open,High,Low\n"
        '01/30/2024,"$1,011.50","1,234,567",$990,"$1,012",$980\n'
        '01/31/2024,"$1,000","2,000",$990,"$1,012",$980\n'
    )
    imported = read(text)
    assert imported.candles.close.tolist() == [1011.5, 1000]
    assert imported.candles.volume is not None
    assert imported.candles.volume.tolist() == [1_234_567, 2_000]


def test_commas_that_may_be_thousands_or_decimals_are_refused() -> None:
    rows = [("2024-01-02", '"1,010"', '"1,012"', '"1,009"', '"1,011"', "5")]
    with pytest.raises(BadCandles) as caught:
        read(table(rows))
    assert caught.value.code == "ambiguous_numbers"


def test_badly_grouped_numbers_are_no_numbers() -> None:
    rows = [*BODY, ("2024-01-05", '"1,2.5"', "14", "11", "13", "300")]
    assert kinds(read(table(rows))) == {"unreadable_number": 1}


@pytest.mark.parametrize(
    "text",
    [
        ",date,open,high,low,close\n0,2024-01-02,10,12,9,11\n1,2024-01-03,11,13,10,12\n",
        ",open,high,low,close\n2024-01-02,10,12,9,11\n2024-01-03,11,13,10,12\n",
        "open,high,low,close\n2024-01-02,10,12,9,11\n2024-01-03,11,13,10,12\n",
        "date,open,high,low,close\n2024-01-02,10,12,9,11,\n2024-01-03,11,13,10,12,\n",
        ",Unnamed: 0,date,open,high,low,close\n0,0,2024-01-02,10,12,9,11\n1,1,2024-01-03,11,13,10,12\n",
        "date,time,open,high,low,close\n2024-01-02,00:00,10,12,9,11\n2024-01-03,00:00,11,13,10,12\n",
        "2024-01-02,10,12,9,11\n2024-01-03,11,13,10,12\n",
    ],
)
def test_index_columns_short_headers_and_missing_headers_do_not_shift_the_values(text: str) -> None:
    imported = read(text)
    assert imported.candles.open.tolist() == [10, 11]
    assert imported.candles.low.tolist() == [9, 10]
    assert imported.candles.volume is None
    assert imported.report.first_time == 1_704_153_600_000_000


def test_a_header_in_an_unknown_language_is_not_passed_over() -> None:
    with pytest.raises(NotACandleFile):
        read("Datum,Schluss,Hoch,Tief,Anfang\n2024-01-02,10,12,9,11\n2024-01-03,11,13,10,12\n")


def test_rows_without_header_whose_order_cannot_be_told_are_refused() -> None:
    with pytest.raises(BadCandles) as caught:
        read("1704153600,10,10,10,10,5\n1704240000,11,11,11,11,5\n1704326400,11,11,11,11,5\n")
    assert caught.value.code == "columns_in_doubt"


def test_a_header_that_names_the_columns_wrongly_is_refused() -> None:
    rows = [(f"2024-01-{day:02}", "10", "9", "12", "11", "5") for day in range(1, 20)]
    with pytest.raises(BadCandles) as caught:
        read(table(rows))
    assert (caught.value.code, caught.value.details["row"], caught.value.details["field"]) == (
        "columns_in_doubt",
        2,
        "high",
    )


def test_vendor_precision_is_kept_to_the_last_bit() -> None:
    prices = ("129587.00000000001", "130053.1", "129586.99999999999", "129898.99999999999")
    rows = [("2024-01-02", *prices, "1"), ("2024-01-03", *prices, "1")]
    candles = read(table(rows)).candles
    assert [candles.open[0], candles.high[0], candles.low[0], candles.close[0]] == [float(price) for price in prices]


def test_a_file_with_several_symbols_is_read_one_by_one() -> None:
    rows = [(day, symbol, "10", "12", "9", "11") for symbol in ("AA", "BB") for day in ("2024-01-02", "2024-01-03")]
    text = table(rows, "date,symbol,open,high,low,close")
    with pytest.raises(BadCandles, match="AA, BB") as caught:
        read(text)
    assert caught.value.code == "several_symbols"
    imported = read(text, symbol="BB")
    assert (len(imported.candles), imported.symbol, imported.report.rows_in) == (2, "BB", 2)
    with pytest.raises(BadRequest, match="'CC'"):
        read(text, symbol="CC")


def test_prices_are_as_traded_and_the_report_says_so() -> None:
    rows = [("2024-01-02", "10", "12", "9", "11", "5.5"), ("2024-01-03", "10", "12", "9", "11", "5.5")]
    imported = read(table(rows, "date,open,high,low,close,adj_close"))
    assert imported.candles.close.tolist() == [11, 11]
    assert any("adj_close" in note for note in imported.report.notes)


def test_symbol_and_timeframe_come_from_the_name_and_a_denied_claim_is_reported() -> None:
    imported = read(table(BODY), name="MSFT-1h.csv")
    assert (imported.symbol, imported.timeframe_seconds, imported.session) == ("MSFT", 86_400, Session.DAILY)
    assert kinds(imported) == {"timeframe_denied": 1}
    assert kinds(read(table(BODY), timeframe="1d")) == {}
    assert kinds(read(table(BODY), name="MSFT-1h.csv", timeframe="1d")) == {}


def test_a_single_candle_needs_a_timeframe() -> None:
    with pytest.raises(BadCandles) as caught:
        read(table(BODY[:1]))
    assert caught.value.code == "no_timeframe"
    assert read(table(BODY[:1]), timeframe="1d").timeframe_seconds == 86_400


@pytest.mark.parametrize(("wish", "value"), [("reader", "nobody"), ("timezone", "Mars/Olympus"), ("timeframe", "soon")])
def test_wishes_that_name_nothing_are_refused(wish: str, value: str) -> None:
    with pytest.raises(BadRequest, match=value):
        read(table(BODY), **{wish: value})


def test_a_path_that_cannot_be_read_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(NotACandleFile, match=r"missing\.csv: cannot be read"):
        read_candles(tmp_path / "missing.csv")


def test_an_archive_with_several_files_is_refused_by_their_names() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.csv", table(BODY))
        archive.writestr("b.csv", table(BODY))
    with pytest.raises(NotACandleFile, match=r"a\.csv, b\.csv"):
        read_candles(buffer.getvalue())


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>\nA\n", "not_a_candle_file"),
        (b'{"Meta Data": {"6. Time Zone": "Mars"}, "Time Series (Daily)": '
         b'{"2024-01-02": {"1. open": "1", "2. high": "1", "3. low": "1", "4. close": "1"}}}', "bad_timezone"),
        ("20240102 100000;1;1;1;1;5¹\n20240102 110000;1;1;1;1;5".encode(), "no_timeframe"),
        (b"1592967600.0,1,2,0.5,1,5,1592967601.0,1,1,1,1,0\n1592967700.0,1,2,0.5,1,5,1592967701.0,1,1,1,1,0\n", None),
    ],
)  # fmt: skip
def test_files_that_once_ended_in_a_traceback(data: bytes, code: str | None) -> None:
    if code is None:
        assert len(read_candles(data).candles) == 2
        return
    with pytest.raises((BadCandles, NotACandleFile)) as caught:
        read_candles(data)
    assert caught.value.code == code


def test_progress_is_told_from_start_to_end() -> None:
    told: list[tuple[str, int]] = []

    def progress(stage: str, done: int, total: int | None = None, unit: str = "steps") -> None:
        told.append((stage, done))

    text = table(BODY)
    read(text, progress=progress)
    assert told == [("reading", 0), ("reading", len(text))]


def test_every_demo_series_is_clean() -> None:
    for symbol, path in demo_files():
        imported = read_candles(path, symbol=symbol)
        assert imported.symbol == symbol
        assert imported.timeframe_seconds == 86_400
        assert len(imported.candles) == imported.report.rows_in > 2_000
        assert np.all(imported.candles.time % 86_400_000_000 == 0)


def test_an_empty_line_is_blank_also_beside_a_word_that_makes_the_column_text() -> None:
    lines = [*BODY, ("2024-01-05", "x", "1", "1", "1", "1")]
    text = table(lines).replace("\n2024-01-03", "\n\n2024-01-03")
    assert kinds(read(text)) == {"blank": 1, "unreadable_number": 1}
