"""Features of bars ahead."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from candleloop.features.ahead import with_bars_ahead


def numbered(n_bars: int) -> np.ndarray:
    """Return two features that say which bar they belong to."""
    return np.arange(2 * n_bars, dtype=np.float32).reshape(n_bars, 2)


def test_later_bars_stand_beside_a_bar_and_the_last_of_a_segment_stands_in() -> None:
    wide = with_bars_ahead(numbered(5), np.array([0, 0, 0, 1, 1]), (0, 1, 3))
    assert (wide[:, ::2] // 2).tolist() == [[0, 1, 2], [1, 2, 2], [2, 2, 2], [3, 4, 4], [4, 4, 4]]
    assert (wide[:, 1::2] == wide[:, ::2] + 1).all()
    assert wide.dtype == np.float32
    assert wide.flags.c_contiguous


def test_without_bars_ahead_nothing_is_copied() -> None:
    features = numbered(4)
    assert with_bars_ahead(features, np.zeros(4, dtype=np.int32), (0,)) is features


def test_some_bars_in_any_shape_are_the_rows_of_all() -> None:
    group = np.array([0, 0, 0, 1, 1, 1, 1], dtype=np.int32)
    for offsets in ((0,), (0, 2, 3)):
        wide = with_bars_ahead(numbered(7), group, offsets)
        for bars in (np.array([6, 0, 2, 2]), np.array([[1, 2], [4, 5], [5, 6]])):
            found = with_bars_ahead(numbered(7), group, offsets, bars)
            assert found.flags.c_contiguous
            np.testing.assert_array_equal(found, wide[bars])


def test_no_bars_are_no_rows() -> None:
    assert with_bars_ahead(numbered(0), np.empty(0, dtype=np.int32), (0, 2)).shape == (0, 4)


@given(st.integers(1, 40), st.integers(0, 39), st.lists(st.integers(1, 12), min_size=1, max_size=4, unique=True))
def test_a_bar_sees_nothing_beyond_its_right_context(n_bars: int, bar: int, ahead: list[int]) -> None:
    offsets = (0, *sorted(ahead))
    bar %= n_bars
    features = numbered(n_bars)
    changed = features.copy()
    changed[bar + max(ahead) + 1 :] = -1
    group = np.zeros(n_bars, dtype=np.int32)
    np.testing.assert_array_equal(
        with_bars_ahead(changed, group, offsets)[bar], with_bars_ahead(features, group, offsets)[bar]
    )
