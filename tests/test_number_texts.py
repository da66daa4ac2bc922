from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from candleloop.number_texts import number_texts, object_texts


@given(arrays(np.float32, st.tuples(st.integers(0, 20), st.just(3)), elements=st.floats(0, 1, width=32)))
def test_rows_come_back_exactly_in_their_own_precision(values: np.ndarray):
    names = ("background", 'a "quoted" name', "100 %s")
    rows = [json.loads(text) for text in object_texts(values, names)]
    assert [tuple(row) for row in rows] == [names] * len(values)
    back = np.array([list(row.values()) for row in rows], dtype=np.float32).reshape(values.shape)
    np.testing.assert_array_equal(back, values)


def test_a_float32_takes_the_digits_that_it_has():
    assert object_texts(np.array([[0.1, 0.7]], dtype=np.float32), ("a", "b")) == ['{"a":0.1,"b":0.7}']


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        (np.array([0.25, 1.0, np.nan]), ["0.25", "1.0", "null"]),
        (np.array([True, False]), ["true", "false"]),
        (np.array([3, -1]), ["3", "-1"]),
        (np.array([]), []),
    ],
)
def test_values_of_any_kind_are_json(values: np.ndarray, texts: list[str]):
    assert number_texts(values) == texts
