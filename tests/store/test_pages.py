"""Cursors that no list gave out are refused."""

from __future__ import annotations

import base64
import json

import pytest

from candleloop.errors import BadRequest
from candleloop.store.pages import page_of, read_cursor


def test_a_cursor_gives_back_the_key_of_the_last_row() -> None:
    page = page_of([("a", 1), ("b", 2), ("c", 3)], 2, lambda row: row)
    assert page.items == (("a", 1), ("b", 2))
    assert page.next_cursor is not None
    assert read_cursor(page.next_cursor, (str, int)) == ("b", 2)
    assert page_of([("a", 1)], 2, lambda row: row).next_cursor is None


@pytest.mark.parametrize("parts", [["b"], ["b", "2"], [2, 2], ["\\ud800", 2], {"a": 1}, None, [True, 2]])
def test_a_forged_cursor_is_refused(parts: object) -> None:
    text = json.dumps(parts).replace("\\\\ud800", "\\ud800")
    cursor = base64.urlsafe_b64encode(text.encode()).decode()
    with pytest.raises(BadRequest) as refused:
        read_cursor(cursor, (str, int))
    assert refused.value.code == "bad_cursor"


@pytest.mark.parametrize("cursor", ["", "x", "%%%", "é"])
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(BadRequest):
        read_cursor(cursor, (str, int))
