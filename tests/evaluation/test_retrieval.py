from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from sentune.data.pairs import Pairs
from sentune.errors import ArgumentError, DataError
from sentune.evaluation.retrieval import RetrievalTask
from sentune.ranking import blocks
from sentune.ranking.rank import rank

# Few different values, so that ties are everywhere, also at the cut.
SCORES = hnp.arrays(
    np.float32,
    hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=40),
    elements=st.sampled_from([0.0, -0.0, 0.5, 1.0, -1.0, np.inf, -np.inf]),
)


def full_sort(scores: NDArray[np.float32]) -> NDArray[np.int64]:
    columns = np.broadcast_to(np.arange(scores.shape[1]), scores.shape)
    return np.lexsort((columns, -scores), axis=1)


@given(SCORES, st.integers(1, 50))
def test_rank_is_the_front_of_a_full_sort(scores: NDArray[np.float32], depth: int) -> None:
    assert rank(scores, depth).tolist() == full_sort(scores)[:, :depth].tolist()


@given(
    hnp.arrays(np.float64, (7, 23), elements=st.floats(-1, 1, width=16)),
    st.integers(1, 30),
)
def test_rank_by_blocks_is_the_same(scores: NDArray[np.float64], depth: int) -> None:
    whole = rank(scores, depth)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "_ELEMENTS", 40)
        assert rank(scores, depth).tolist() == whole.tolist()


def test_rank_leaves_its_input_alone() -> None:
    scores = np.random.default_rng(0).random((5, 300))
    before = scores.copy()
    rank(scores)
    assert (scores == before).all()


def test_rank_has_a_hundred_places_or_all() -> None:
    assert rank(np.zeros((2, 300))).shape == (2, 100)
    assert rank(np.zeros((2, 30))).shape == (2, 30)
    assert rank(np.zeros((0, 30))).shape == (0, 30)
    assert rank(np.zeros((2, 0))).shape == (2, 0)


@pytest.mark.parametrize("depth", [1, 9, 10])
def test_rank_refuses_nan(depth: int) -> None:
    scores = np.zeros((3, 10))
    scores[2, 7] = np.nan
    with pytest.raises(DataError, match="NaN"):
        rank(scores, depth)


def test_rank_refuses_other_shapes_and_depths() -> None:
    with pytest.raises(DataError, match="one row a question"):
        rank(np.zeros(3))
    with pytest.raises(ArgumentError, match="at least 1"):
        rank(np.zeros((1, 3)), 0)


def pairs_of(
    passages: dict[str, str], relevant: dict[str, tuple[str, ...]], prefix: str = ""
) -> Pairs:
    return Pairs({key: f"{prefix}{key}?" for key in relevant}, passages, relevant)


def test_task_from_pairs_numbers_passages_and_groups() -> None:
    pairs = pairs_of(
        {"a": "A", "b": "B", "c": "C"}, {"x": ("b",), "y": ("a", "c"), "z": ("b",), "w": ("c",)}
    )
    task = RetrievalTask.from_pairs(pairs)
    assert task.questions == ["x?", "y?", "z?", "w?"]
    assert task.passages == ["A", "B", "C"]
    assert task.relevant == [frozenset({1}), frozenset({0, 2}), frozenset({1}), frozenset({2})]
    assert task.groups.tolist() == [0, 1, 0, 1]
    assert task.groups.dtype == np.int64


def test_task_ranks_against_the_passages_of_all() -> None:
    held_out = pairs_of({"p1": "one", "p2": "two"}, {"x": ("p2",)})
    training = pairs_of({"p1": "three", "p9": "two", "p8": "four"}, {"y": ("p1",)})
    more = pairs_of({"m": "four", "n": "five"}, {"z": ("n",)})
    task = RetrievalTask.from_pairs(held_out, training, more)
    assert task.questions == ["x?"]
    assert task.passages == ["one", "two", "three", "four", "five"]
    assert task.relevant == [frozenset({1})]


def test_task_merges_equal_texts_of_several_ids() -> None:
    pairs = pairs_of({"a": "same", "b": "same", "c": "other"}, {"x": ("a", "b")})
    task = RetrievalTask.from_pairs(pairs)
    assert task.passages == ["same", "other"]
    assert task.relevant == [frozenset({0})]


def test_task_follows_the_order_of_relevant_in_questions_and_groups() -> None:
    pairs = Pairs(
        {"x": "X", "y": "Y", "unused": "U"}, {"a": "A", "b": "B"}, {"y": ("b",), "x": ("a",)}
    )
    task = RetrievalTask.from_pairs(pairs)
    assert task.questions == ["Y", "X"]
    assert task.relevant == [frozenset({1}), frozenset({0})]


@pytest.mark.parametrize(
    ("questions", "passages", "relevant", "groups", "problem"),
    [
        ([], ["a"], [], [], "at least one"),
        (["x"], ["a"], [frozenset({0})], [0, 1], "the same number of each"),
        (["x"], ["a", "a"], [frozenset({0})], [0], "holds a text twice"),
        (["x"], ["a"], [frozenset()], [0], "no relevant passage"),
        (["x"], ["a"], [frozenset({1})], [0], "outside the list"),
        (["x"], ["a"], [frozenset({-1})], [0], "outside the list"),
    ],
)
def test_task_refuses_what_cannot_be_measured(
    questions: list[str],
    passages: list[str],
    relevant: list[frozenset[int]],
    groups: list[int],
    problem: str,
) -> None:
    with pytest.raises(DataError, match=problem):
        RetrievalTask(questions, passages, relevant, np.array(groups, dtype=np.int64))


def test_task_without_questions_is_refused() -> None:
    with pytest.raises(DataError, match="0 questions"):
        RetrievalTask.from_pairs(Pairs({}, {"a": "A"}, {}))
