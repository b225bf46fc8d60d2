from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentune.ranking.blocks import row_blocks


@given(st.integers(0, 300), st.integers(0, 1 << 21))
def test_blocks_cover_every_row_once_and_stay_small(count: int, width: int) -> None:
    blocks = list(row_blocks(count, width))
    assert [row for rows in blocks for row in range(rows.start, rows.stop)] == list(range(count))
    assert all(
        rows.stop - rows.start == 1 or (rows.stop - rows.start) * width <= 1 << 20
        for rows in blocks
    )


def test_a_row_wider_than_a_block_is_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sentune.ranking.blocks._ELEMENTS", 16)
    assert list(row_blocks(2, 100)) == [slice(0, 1), slice(1, 2)]
