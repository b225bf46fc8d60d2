"""Batches: every row once, no text twice, the same number of batches in every epoch."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentune.errors import ArgumentError
from sentune.training.samplers import RowBatches, no_duplicates, plain

Rows = list[tuple[str, str]]

rows_of_texts = st.lists(
    st.tuples(st.integers(0, 30).map(str), st.integers(0, 12).map("p{}".format)),
    min_size=1,
    max_size=120,
    unique=True,
)


@given(rows=rows_of_texts, batch_size=st.integers(2, 20), seed=st.integers(0, 5))
@settings(max_examples=200, deadline=None)
def test_every_row_is_in_exactly_one_batch(rows: Rows, batch_size: int, seed: int) -> None:
    for sampler in ("no_duplicates", "batch_sampler"):
        batches = list(RowBatches(rows, batch_size, sampler=sampler, seed=seed))
        assert sorted(index for batch in batches for index in batch) == list(range(len(rows)))


@given(
    texts=st.lists(st.integers(0, 60), min_size=1, max_size=150),
    batch_size=st.integers(2, 20),
    seed=st.integers(0, 5),
)
@settings(max_examples=200, deadline=None)
def test_no_text_stands_twice_in_a_batch(texts: list[int], batch_size: int, seed: int) -> None:
    """Distinct questions on shared passages: a batch without a repeat always exists."""
    rows = [(f"question {number}", f"passage {text}") for number, text in enumerate(texts)]
    for batch in RowBatches(rows, batch_size, seed=seed):
        seen = [text for index in batch for text in rows[index]]
        assert len(seen) == len(set(seen))
        assert len(batch) <= batch_size + 1


@given(rows=rows_of_texts, batch_size=st.integers(2, 20))
@settings(max_examples=100, deadline=None)
def test_the_number_of_batches_does_not_depend_on_the_epoch(rows: Rows, batch_size: int) -> None:
    batches = RowBatches(rows, batch_size)
    lengths = []
    for epoch in range(4):
        batches.set_epoch(epoch)
        lengths.append(len(list(batches)))
    most_frequent = max(Counter(text for row in rows for text in set(row)).values())
    assert set(lengths) == {len(batches)}
    assert len(batches) == max(-(-len(rows) // batch_size), most_frequent)


def test_batches_are_full_where_texts_do_not_repeat() -> None:
    rows = [(f"q{number}", f"p{number}") for number in range(45)]
    assert [len(batch) for batch in RowBatches(rows, 20)] == [20, 20, 5]
    assert [len(batch) for batch in RowBatches(rows, 20, drop_last=True)] == [20, 20]


def test_each_epoch_has_its_own_order_and_a_seed_repeats_it() -> None:
    rows = [(f"q{number}", f"p{number}") for number in range(40)]
    first, second = RowBatches(rows, 8, seed=1), RowBatches(rows, 8, seed=1)
    assert list(first) == list(second)
    second.set_epoch(1)
    assert list(first) != list(second)
    assert list(first) != list(RowBatches(rows, 8, seed=2))


def test_two_questions_on_each_passage_fit_the_least_number_of_batches() -> None:
    """The governance pairs: 180 questions on 90 passages, 20 to a batch, nine batches."""
    rows = [(f"q{number}", f"p{number // 2}") for number in range(180)]
    for seed in range(50):
        batches = list(RowBatches(rows, 20, seed=seed))
        assert len(batches) == 9
        assert max(map(len, batches)) <= 21


def test_a_repeat_within_one_row_is_no_conflict_with_itself() -> None:
    assert no_duplicates([("same", "same"), ("a", "b")], 2, [0, 1]) == [[0, 1]]


def test_a_row_whose_texts_are_everywhere_is_not_lost() -> None:
    rows = [("a", "x"), ("b", "x"), ("a", "y"), ("b", "y")]
    placed = [index for batch in no_duplicates(rows, 2, [0, 3, 1, 2]) for index in batch]
    assert sorted(placed) == [0, 1, 2, 3]


def test_the_plain_sampler_follows_the_order() -> None:
    assert plain([("a", "b")] * 5, 2, [4, 3, 2, 1, 0]) == [[4, 3], [2, 1], [0]]


def test_an_unknown_sampler_is_named() -> None:
    with pytest.raises(ArgumentError, match=r"'sorted'.*no_duplicates"):
        RowBatches([("a", "b")], 2, sampler="sorted")
