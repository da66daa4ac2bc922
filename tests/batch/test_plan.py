"""How pieces become shards."""

from __future__ import annotations

import pytest

from candleloop.batch.plan import SHARD_BARS, SMALLEST_SHARD, Piece, next_size, shards_of


def pieces(counts: list[int]) -> list[tuple[int, Piece]]:
    """Return pieces of so many bars, each of an input of its own."""
    nothing = {"first_bar": 0, "read_from": 0, "read_to": 0, "keep_from": 0, "keep_to": 0}
    return [(count, Piece(input=number, **nothing)) for number, count in enumerate(counts)]


def test_shards_become_smaller_towards_the_end() -> None:
    sizes = [shard.bars for shard in shards_of(pieces([1_000] * 1_000))]
    assert sum(sizes) == 1_000_000
    assert sizes[0] == 65_000
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-2] == 16_000


def test_a_shard_is_no_more_than_a_quarter_of_what_is_left() -> None:
    left = 1_000_000
    for shard in shards_of(pieces([1_000] * 1_000)):
        assert shard.bars <= max(left // 4, SMALLEST_SHARD)
        left -= shard.bars


def test_pieces_keep_their_order_and_none_is_lost() -> None:
    shards = shards_of(pieces([70_000, 10, 20, 30_000, 5_000]))
    assert [piece["input"] for shard in shards for piece in shard.pieces] == [0, 1, 2, 3, 4]
    assert [shard.bars for shard in shards] == [70_000, 30, 30_000, 5_000]


def test_few_bars_are_one_shard() -> None:
    assert [shard.bars for shard in shards_of(pieces([500] * 32))] == [16_000]


@pytest.mark.parametrize(
    ("left", "size"), [(10_000_000, SHARD_BARS), (200_000, 50_000), (20_000, SMALLEST_SHARD), (1, SMALLEST_SHARD)]
)
def test_the_next_size_is_a_share_of_the_rest_within_bounds(left: int, size: int) -> None:
    assert next_size(left) == size
