"""Batches: no row lost, what each sampler promises, several data sets, several processes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from sentune.errors import ArgumentError
from sentune.training.batches.examples import Row
from sentune.training.batches.neighbours import nearest
from sentune.training.batches.row_batches import BATCH_SAMPLERS, RowBatches
from sentune.training.batches.samplers import group_by_label, no_duplicates, plain

Texts = list[tuple[str, str]]

texts_of_rows = st.lists(
    st.tuples(st.integers(0, 30).map(str), st.integers(0, 12).map("p{}".format)),
    min_size=1,
    max_size=120,
    unique=True,
)
labels_of_rows = st.lists(st.integers(0, 7), min_size=4, max_size=120).filter(
    lambda labels: sum(count > 1 for count in Counter(labels).values()) > 1
)
seeds = st.integers(0, 5)
sizes = st.integers(2, 20)


def rows_of(texts: Sequence[tuple[str, ...]]) -> list[Row]:
    return [Row(row) for row in texts]


def labelled(labels: Sequence[float], dataset: str = "") -> list[Row]:
    return [Row((f"a{i}", f"b{i}"), label, dataset) for i, label in enumerate(labels)]


def unit_vectors(count: int, seed: int) -> NDArray[np.float32]:
    vectors = np.random.default_rng(seed).normal(size=(count, 6)).astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def used(batches: Sequence[Sequence[int]]) -> list[int]:
    return sorted(index for batch in batches for index in batch)


# ── plain, no_duplicates ──────────────────────────────────────────────────────────────────────


def first_fit(rows: list[Row], batch_size: int, order: list[int]) -> list[list[int]] | None:
    """What ``no_duplicates`` documents, looked up batch after batch; None where a row is left."""
    counts = Counter(text for row in rows for text in set(row.texts))
    batches: list[list[int]] = [
        [] for _ in range(max(-(-len(rows) // batch_size), *counts.values()))
    ]
    for row in order:
        free = [
            batch
            for batch in batches
            if len(batch) < batch_size
            and not {text for index in batch for text in rows[index].texts} & set(rows[row].texts)
        ]
        if not free:
            return None
        free[0].append(row)
    return batches


@given(texts=texts_of_rows, batch_size=sizes, seed=seeds)
@settings(max_examples=200, deadline=None)
def test_each_row_goes_to_the_first_batch_that_suits_it(
    texts: Texts, batch_size: int, seed: int
) -> None:
    rows = rows_of(texts)
    order = np.random.default_rng(seed).permutation(len(rows)).tolist()
    expected = first_fit(rows, batch_size, order)
    if expected is not None:
        assert no_duplicates(rows, batch_size, order) == expected


def promised(rows: list[Row], batches: Sequence[Sequence[int]], batch_size: int) -> None:
    """Every row once, no batch too large, no text in two rows of a batch."""
    assert used(batches) == list(range(len(rows)))
    for batch in batches:
        assert 0 < len(batch) <= batch_size
        texts = [text for index in batch for text in set(rows[index].texts)]
        assert len(texts) == len(set(texts))


@pytest.mark.parametrize("sampler", ["no_duplicates", "hard_negatives"])
@pytest.mark.parametrize("batch_size", [3, 16, 20, 24])
def test_every_question_with_every_passage(sampler: str, batch_size: int) -> None:
    """A grid, where first fit leaves rows over; the fewest batches are enough."""
    rows = rows_of([(f"q{i}", f"p{j}") for i in range(20) for j in range(20)])
    batches = RowBatches(
        rows, batch_size, sampler=sampler, vectors=np.tile(unit_vectors(20, 0), (20, 1))
    )
    for epoch in range(3):
        batches.set_epoch(epoch)
        found = list(batches)
        promised(rows, found, batch_size)
        assert len(found) == max(20, -(-400 // batch_size))


@given(
    rows=st.lists(st.lists(st.integers(0, 15).map(str), min_size=1, max_size=4), max_size=80),
    batch_size=sizes,
    seed=seeds,
    sampler=st.sampled_from(["no_duplicates", "hard_negatives"]),
)
@settings(max_examples=150, deadline=None)
def test_no_text_twice_whatever_the_columns(
    rows: list[list[str]], batch_size: int, seed: int, sampler: str
) -> None:
    """Texts in any column, rows of any width, rows that are the same."""
    given = rows_of([tuple(row) for row in rows])
    vectors = unit_vectors(len(rows), seed) if rows else np.zeros((0, 6), np.float32)
    promised(
        given,
        list(RowBatches(given, batch_size, seed=seed, sampler=sampler, vectors=vectors)),
        batch_size,
    )


@given(
    texts=texts_of_rows,
    batch_size=sizes,
    seed=seeds,
    sampler=st.sampled_from(["no_duplicates", "batch_sampler", "hard_negatives"]),
)
@settings(max_examples=200, deadline=None)
def test_every_row_is_in_exactly_one_batch(
    texts: Texts, batch_size: int, seed: int, sampler: str
) -> None:
    vectors = unit_vectors(len(texts), seed)
    batches = RowBatches(rows_of(texts), batch_size, sampler=sampler, seed=seed, vectors=vectors)
    assert used(list(batches)) == list(range(len(texts)))


@given(
    texts=st.lists(st.integers(0, 60), min_size=1, max_size=150),
    batch_size=sizes,
    seed=seeds,
    sampler=st.sampled_from(["no_duplicates", "hard_negatives"]),
)
@settings(max_examples=200, deadline=None)
def test_no_text_stands_twice_in_a_batch(
    texts: list[int], batch_size: int, seed: int, sampler: str
) -> None:
    """Distinct questions on shared passages: a batch without a repeat always exists."""
    rows = rows_of([(f"question {n}", f"passage {text}") for n, text in enumerate(texts)])
    vectors = unit_vectors(61, seed)[texts]
    batches = RowBatches(rows, batch_size, seed=seed, sampler=sampler, vectors=vectors)
    promised(rows, list(batches), batch_size)


@given(texts=texts_of_rows, batch_size=sizes)
@settings(max_examples=100, deadline=None)
def test_the_number_of_batches_does_not_depend_on_the_epoch(texts: Texts, batch_size: int) -> None:
    batches = RowBatches(rows_of(texts), batch_size)
    lengths = []
    for epoch in range(4):
        batches.set_epoch(epoch)
        lengths.append(len(list(batches)))
    most_frequent = max(Counter(text for row in texts for text in set(row)).values())
    assert set(lengths) == {len(batches)}
    assert len(batches) == max(-(-len(texts) // batch_size), most_frequent)


def test_batches_are_full_where_texts_do_not_repeat() -> None:
    rows = rows_of([(f"q{number}", f"p{number}") for number in range(45)])
    assert [len(batch) for batch in RowBatches(rows, 20)] == [20, 20, 5]
    assert [len(batch) for batch in RowBatches(rows, 20, drop_last=True)] == [20, 20]


def test_two_questions_on_each_passage_fit_the_least_number_of_batches() -> None:
    """The governance pairs: 180 questions on 90 passages, 20 to a batch, nine batches."""
    rows = rows_of([(f"q{number}", f"p{number // 2}") for number in range(180)])
    for seed in range(50):
        batches = list(RowBatches(rows, 20, seed=seed))
        assert len(batches) == 9
        assert max(map(len, batches)) == 20


def test_a_repeat_within_one_row_is_no_conflict_with_itself() -> None:
    assert no_duplicates(rows_of([("same", "same"), ("a", "b")]), 2, [0, 1]) == [[0, 1]]


def test_a_row_whose_texts_are_everywhere_is_not_lost() -> None:
    rows = rows_of([("a", "x"), ("b", "x"), ("a", "y"), ("b", "y")])
    assert used(no_duplicates(rows, 2, [0, 3, 1, 2])) == [0, 1, 2, 3]


def test_heavy_repeats_are_spread_over_all_batches() -> None:
    """Twenty texts 200 times each, in 200 batches: every batch holds each of them once."""
    rows = rows_of([(f"q{number}", f"p{number % 20}") for number in range(4000)])
    order = np.random.default_rng(0).permutation(4000).tolist()
    batches = no_duplicates(rows, 25, order)
    assert [sorted(index % 20 for index in batch) for batch in batches] == [list(range(20))] * 200


def test_the_plain_sampler_follows_the_order() -> None:
    assert plain(rows_of([("a", "b")] * 5), 2, [4, 3, 2, 1, 0]) == [[4, 3], [2, 1], [0]]


def test_no_rows_make_no_batches() -> None:
    for sampler in ("no_duplicates", "batch_sampler"):
        assert list(RowBatches([], 4, sampler=sampler)) == []


# ── group_by_label ────────────────────────────────────────────────────────────────────────────


@given(labels=labels_of_rows, batch_size=st.integers(4, 20), seed=seeds)
@settings(max_examples=300, deadline=None)
def test_two_rows_of_each_label_and_two_labels_where_possible(
    labels: list[int], batch_size: int, seed: int
) -> None:
    rows = labelled(labels)
    batches = list(RowBatches(rows, batch_size, sampler="group_by_label", seed=seed))
    for batch in batches:
        counts = Counter(labels[index] for index in batch)
        assert min(counts.values()) >= 2
        assert len(counts) >= 2
        assert len(batch) <= batch_size
    pairs = Counter({label: count // 2 for label, count in Counter(labels).items()})
    most, total = max(pairs.values()), pairs.total()
    assert len(batches) == min(-(-total // (batch_size // 2)), total - most, total // 2)
    taken = used(batches)
    assert len(taken) == len(set(taken))
    left_out = Counter(labels[index] for index in set(range(len(labels))) - set(taken))
    room = len(batches) * (batch_size // 2)
    surplus = [label for label, count in left_out.items() if count > 1]
    assert sum(left_out[label] // 2 for label in left_out) == max(0, total - room)
    assert all(pairs[label] == most for label in surplus)


def test_a_label_that_is_too_frequent_is_in_no_batch_alone() -> None:
    labels = [0] * 100 + [1] * 4
    seen = set()
    batches = RowBatches(labelled(labels), 16, sampler="group_by_label")
    for epoch in range(30):
        batches.set_epoch(epoch)
        found = list(batches)
        assert [Counter(labels[index] for index in batch) for batch in found] == [{0: 14, 1: 2}] * 2
        seen |= set(used(found))
    assert seen == set(range(104))  # another 28 of the frequent label in every epoch


def test_an_odd_row_is_taken_where_there_is_room_and_changes_otherwise() -> None:
    assert used(group_by_label(labelled([0, 0, 0, 1, 1]), 8, range(5))) == [0, 1, 2, 3, 4]
    tight = RowBatches(labelled([0, 0, 0, 1, 1]), 4, sampler="group_by_label")
    left_out = set()
    for epoch in range(20):
        tight.set_epoch(epoch)
        left_out |= set(range(5)) - set(used(list(tight)))
    assert left_out == {0, 1, 2}


@pytest.mark.parametrize(
    ("labels", "batch_size", "said"),
    [
        ([0, 0, None, 1], 4, "row 2 without a label"),
        ([0, 1, 2, 3], 4, "4 different labels, 4 of them in a single row"),
        ([0, 0, 0, 1], 4, "2 different labels, 1 of them in a single row"),
        ([0, 0, 1, 1], 3, "batch_size 3"),
    ],
)
def test_rows_that_cannot_be_grouped_by_label(labels: Any, batch_size: int, said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        len(RowBatches(labelled(labels), batch_size, sampler="group_by_label"))


# ── hard_negatives ────────────────────────────────────────────────────────────────────────────


def test_half_of_a_batch_is_near_its_first_row() -> None:
    """Ten topics of eight rows: a batch of eight holds three neighbours of its first row."""
    draw = np.random.default_rng(0)
    topics = np.linalg.qr(draw.normal(size=(16, 10)))[0].T[np.repeat(np.arange(10), 8)]
    vectors = (topics + draw.normal(size=topics.shape, scale=0.1)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    rows = rows_of([(f"q{number}", f"p{number}") for number in range(80)])
    batches = list(RowBatches(rows, 8, sampler="hard_negatives", vectors=vectors))
    assert [len(batch) for batch in batches] == [8] * 10
    alike = [sum(index // 8 == batch[0] // 8 for index in batch) for batch in batches]
    assert min(alike[:2]) >= 4
    assert len({index // 8 for index in batches[0]}) > 2
    by_chance = list(RowBatches(rows, 8, vectors=vectors))
    inside = [np.mean(vectors[batch] @ vectors[batch].T) for batch in batches]
    assert np.mean(inside) > 1.3 * np.mean([np.mean(vectors[b] @ vectors[b].T) for b in by_chance])


def test_rows_that_are_nearly_the_same_are_no_neighbours() -> None:
    angles = np.array([0.0, 0.1, 1.0, 1.15, 2.0, 2.12])  # the cosine of 0.15 is 0.989
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    assert nearest(vectors, 6).tolist() == [
        [2, 3, 4, 5, -1, -1],
        [2, 3, 4, 5, -1, -1],
        [1, 0, 4, 5, -1, -1],
        [4, 5, 1, 0, -1, -1],
        [3, 2, 1, 0, -1, -1],
        [3, 2, 1, 0, -1, -1],
    ]


@pytest.mark.parametrize("count", [1, 7, 3000])
def test_nearest_as_the_whole_matrix_says(count: int) -> None:
    vectors = unit_vectors(count, 3)
    scores = vectors.astype(np.float64) @ vectors.T.astype(np.float64)
    np.fill_diagonal(scores, -np.inf)
    scores[scores > 0.95] = -np.inf
    found = nearest(vectors, 5)
    assert found.shape == (count, min(5, count))
    best = -np.sort(-scores, axis=1)[:, : found.shape[1]]
    chosen = np.where(found < 0, -np.inf, np.take_along_axis(scores, found.astype(int), axis=1))
    np.testing.assert_allclose(chosen, best, atol=1e-6)


@pytest.mark.parametrize(
    "vectors", [None, np.ones((3, 2), np.float32), np.full((4, 2), np.nan, np.float32)]
)
def test_vectors_that_are_missing_or_wrong(vectors: Any) -> None:
    rows = rows_of([(f"q{number}", f"p{number}") for number in range(4)])
    with pytest.raises(ArgumentError, match="vector for the positive of each row"):
        RowBatches(rows, 2, sampler="hard_negatives", vectors=vectors)


# ── epochs, data sets, processes, lengths ─────────────────────────────────────────────────────


def any_batches(sampler: str, **options: Any) -> RowBatches:
    """40 labelled rows and 24 of another data set."""
    rows = labelled([index % 5 for index in range(40)], "first")
    rows += [Row((f"c{i}", f"d{i}"), i % 3, "second") for i in range(24)]
    vectors = unit_vectors(len(rows), 0)
    lengths = [int(7919 * i % 101) for i in range(len(rows))]
    given_all: dict[str, Any] = {"seed": 1, "vectors": vectors, "lengths": lengths} | options
    return RowBatches(rows, 6, sampler=sampler, **given_all)


@pytest.mark.parametrize("sampler", BATCH_SAMPLERS)
@pytest.mark.parametrize("multi_dataset", ["round_robin", "proportional"])
def test_each_epoch_has_its_own_order_and_a_seed_repeats_it(
    sampler: str, multi_dataset: str
) -> None:
    first = any_batches(sampler, multi_dataset=multi_dataset)
    second = any_batches(sampler, multi_dataset=multi_dataset)
    assert len(first) == len(list(second))
    assert list(first) == list(second) == list(first)
    other_seed = any_batches(sampler, multi_dataset=multi_dataset, seed=2)
    assert list(first) != list(other_seed)
    second.set_epoch(1)
    later = list(second)
    assert list(first) != later
    first.set_epoch(1)
    assert list(first) == later


def test_a_pass_uses_the_plan_that_len_made(monkeypatch: pytest.MonkeyPatch) -> None:
    batches = any_batches("no_duplicates")
    plans = []
    plan = RowBatches._batches

    def counted(self: RowBatches, epoch: int) -> list[list[int]]:
        plans.append(epoch)
        return plan(self, epoch)

    monkeypatch.setattr(RowBatches, "_batches", counted)
    assert len(batches) == len(batches) == len(list(batches))
    assert plans == [0]
    batches.set_epoch(1)
    assert len(batches) == len(list(batches))
    assert plans == [0, 1]


@given(
    labels=st.lists(st.integers(0, 3), min_size=12, max_size=40),
    sampler=st.sampled_from(["no_duplicates", "group_by_label", "batch_sampler"]),
    processes=st.integers(1, 3),
    drop_last=st.booleans(),
)
def test_epochs_have_one_length_in_every_process(
    labels: list[int], sampler: str, processes: int, drop_last: bool
) -> None:
    """Else a run that goes on would count its way to another batch."""
    assume(sum(labels.count(label) > 1 for label in set(labels)) > 1)
    rows = [Row((f"{n}", f"to {label}"), label=float(label)) for n, label in enumerate(labels)]
    shares = [
        RowBatches(
            *(rows, 5),
            sampler=sampler,
            drop_last=drop_last,
            processes=processes,
            rank=rank,
        )
        for rank in range(processes)
    ]
    for epoch in (3, 0, 1):  # a run that goes on starts anywhere
        for share in shares:
            share.set_epoch(epoch)
            assert len(list(share)) == len(share) == len(shares[0])
    if drop_last and sampler == "group_by_label" and processes == 1:
        assert {len(batch) for batch in shares[0]} <= {4, 5}


@pytest.mark.parametrize("sampler", BATCH_SAMPLERS)
def test_batches_of_several_data_sets_take_turns(sampler: str) -> None:
    names = [
        ["second" if index >= 40 else "first" for index in batch] for batch in any_batches(sampler)
    ]
    assert all(len(set(batch)) == 1 for batch in names)
    assert [batch[0] for batch in names] == ["first", "second"] * 4


@pytest.mark.parametrize("sampler", BATCH_SAMPLERS)
def test_proportional_uses_every_row_of_all_data_sets(sampler: str) -> None:
    batches = any_batches(sampler, multi_dataset="proportional")
    names = [batch[0] >= 40 for batch in batches]
    assert all(len({index >= 40 for index in batch}) == 1 for batch in batches)
    assert Counter(names) == {False: 7, True: 4}
    if sampler != "group_by_label":
        assert used(list(batches)) == list(range(64))
    batches.set_epoch(1)
    assert [batch[0] >= 40 for batch in batches] != names


def test_one_data_set_is_the_same_either_way() -> None:
    rows = rows_of([(f"q{number}", f"p{number // 2}") for number in range(50)])
    proportional = RowBatches(rows, 8, multi_dataset="proportional")
    assert list(RowBatches(rows, 8)) == list(proportional)
    order = np.random.default_rng((0, 0)).permutation(50).tolist()
    assert list(proportional) == no_duplicates(rows, 8, order)


@given(
    count=st.integers(1, 90),
    batch_size=st.integers(1, 9),
    processes=st.integers(2, 5),
    drop_last=st.booleans(),
)
@settings(max_examples=150, deadline=None)
def test_the_shares_of_all_processes_make_up_the_batches(
    count: int, batch_size: int, processes: int, drop_last: bool
) -> None:
    rows = rows_of([(f"q{number}", f"p{number // 3}") for number in range(count)])
    whole = [
        batch
        for batch in RowBatches(rows, batch_size * processes, drop_last=drop_last)
        if len(batch) >= processes
    ]
    ranks = [
        RowBatches(rows, batch_size, processes=processes, rank=rank, drop_last=drop_last)
        for rank in range(processes)
    ]
    assert {len(rank) for rank in ranks} == {len(whole)}
    for step, shares in enumerate(zip(*ranks, strict=True)):
        assert [index for share in shares for index in share] == whole[step]
        lengths = [len(share) for share in shares]
        assert lengths == sorted(lengths, reverse=True)
        assert 0 <= lengths[0] - lengths[-1] <= 1


@given(labels=labels_of_rows, processes=st.integers(2, 3))
@settings(max_examples=100, deadline=None)
def test_by_label_every_process_has_batches_of_its_own(labels: list[int], processes: int) -> None:
    rows = labelled(labels)
    whole = list(RowBatches(rows, 6, sampler="group_by_label"))
    ranks = [
        list(RowBatches(rows, 6, sampler="group_by_label", processes=processes, rank=rank))
        for rank in range(processes)
    ]
    steps = [batch for step in zip(*ranks, strict=True) for batch in step]
    assert steps == whole[: len(whole) // processes * processes]


@given(
    lengths=st.lists(st.integers(1, 500), min_size=1, max_size=700), batch_size=st.integers(1, 5)
)
@settings(max_examples=100, deadline=None)
def test_batches_of_similar_length_the_longest_first(lengths: list[int], batch_size: int) -> None:
    rows = rows_of([(f"q{number}", f"p{number}") for number in range(len(lengths))])
    batches = list(RowBatches(rows, batch_size, lengths=lengths))
    assert used(batches) == list(range(len(lengths)))
    assert lengths[batches[0][0]] == max(lengths)
    pieces = -(-len(batches) // max(1, min(50, len(rows) // (4 * batch_size))))
    falling = sum(
        lengths[batch[-1]] >= lengths[following[0]] for batch, following in pairwise(batches)
    )
    assert falling >= len(batches) - pieces
    for batch in batches:
        assert [lengths[i] for i in batch] == sorted((lengths[i] for i in batch), reverse=True)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"sampler": "sorted"}, r"batch_sampler is 'sorted'.*no_duplicates, batch_sampler, group"),
        ({"multi_dataset": "all"}, "multi_dataset_batch_sampler is 'all'.*round_robin"),
        ({"processes": 2, "rank": 2}, "rank is 2: expected a whole number from 0 to 1"),
        ({"lengths": [1, 2]}, "2 lengths for 1 row:"),
    ],
)
def test_arguments_out_of_range(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        RowBatches(rows_of([("a", "b")]), 2, **options)
