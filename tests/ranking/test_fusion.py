from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from sentune.errors import ArgumentError, DataError
from sentune.ranking.fusion import (
    CANDIDATES,
    dense_candidates,
    fuse,
    shortlist,
    word_candidates,
)
from sentune.ranking.rank import rank

Scores = NDArray[np.float32]
nan = np.nan


@st.composite
def score_pairs(draw: st.DrawFn, side: int = 25) -> tuple[Scores, Scores]:
    """Cosines and BM25 scores of the same shape, with ties and zeros."""
    shape = (draw(st.integers(1, 4)), draw(st.integers(1, side)))
    cosines = st.integers(-8, 8).map(lambda n: n / 8)
    words = st.integers(0, 6).map(float)
    return (
        draw(hnp.arrays(np.float32, shape, elements=cosines)),
        draw(hnp.arrays(np.float32, shape, elements=words)),
    )


WEIGHTS = st.sampled_from([0.0, 0.1, 0.35, 0.5, 0.8, 1.0])


def lists_of(
    dense: NDArray[Any], words: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return dense_candidates(dense), word_candidates(words)


def ranking(dense: NDArray[Any], words: NDArray[Any], weight: float) -> NDArray[np.int64]:
    """Through short lists, as search and evaluation rank."""
    columns, dense_list, word_list = shortlist(dense, words)
    return np.take_along_axis(columns, rank(fuse(dense_list, word_list, weight)), axis=1)


def oracle(dense: Any, words: Any, weight: float) -> list[float]:
    """One question, with Python's own arithmetic."""
    dense_list = [x for x in dense if x == x]
    found = [x for x in words if x == x]
    word_list = found + [0.0] * max(1, 100 - len(found))

    def z(x: float, values: list[float]) -> float:
        if not values or max(values) == min(values):
            return 0.0
        mean = sum(values) / len(values)
        deviation = math.sqrt(sum((v - mean) ** 2 for v in values) / len(values))
        return ((x if x == x else min(values)) - mean) / deviation

    share = 1.0 if not found else 0.0 if not dense_list else weight
    return [
        -np.inf if d != d and w != w else share * z(d, dense_list) + (1 - share) * z(w, word_list)
        for d, w in zip(dense, words, strict=True)
    ]


@given(score_pairs(), WEIGHTS, st.data())
def test_equal_to_the_definition(
    pair: tuple[Scores, Scores], weight: float, data: st.DataObject
) -> None:
    dense, words = lists_of(*pair)
    dense[data.draw(hnp.arrays(np.bool_, dense.shape))] = nan
    words[data.draw(hnp.arrays(np.bool_, words.shape))] = nan
    fused = fuse(dense, words, weight)
    for row in range(len(dense)):
        expected = oracle(dense[row].tolist(), words[row].tolist(), weight)
        assert fused[row].tolist() == pytest.approx(expected, abs=1e-9)


@given(score_pairs())
def test_weight_one_is_the_dense_order(pair: tuple[Scores, Scores]) -> None:
    dense, words = pair
    assert rank(fuse(*lists_of(dense, words), 1.0)).tolist() == rank(dense).tolist()


@given(score_pairs())
def test_weight_zero_is_the_order_of_words_where_there_are_any(
    pair: tuple[Scores, Scores],
) -> None:
    dense, words = pair
    ranking = rank(fuse(*lists_of(dense, words), 0.0))
    expected = np.where((words > 0).any(axis=1, keepdims=True), rank(words), rank(dense))
    assert ranking.tolist() == expected.tolist()


@given(score_pairs(), WEIGHTS, st.sampled_from([0.25, 2.0, 64.0]), st.integers(-4, 4))
def test_scale_and_origin_of_cosines_do_not_matter(
    pair: tuple[Scores, Scores], weight: float, scale: float, shift: int
) -> None:
    dense, words = lists_of(*pair)
    moved = fuse(dense * scale + shift, words, weight)
    assert moved == pytest.approx(fuse(dense, words, weight), abs=1e-9)


@given(score_pairs(), WEIGHTS, st.sampled_from([0.25, 2.0, 64.0, 3.7]))
def test_scale_of_word_scores_does_not_matter(
    pair: tuple[Scores, Scores], weight: float, scale: float
) -> None:
    dense, words = lists_of(*pair)
    assert fuse(dense, words * scale, weight) == pytest.approx(fuse(dense, words, weight), abs=1e-9)


@given(st.integers(0, 10_000), WEIGHTS)
def test_two_short_lists_give_the_bits_of_the_whole_matrices(seed: int, weight: float) -> None:
    """What an index does: it has each system's top list, not the scores of all passages."""
    rng = np.random.default_rng(seed)
    dense = rng.normal(size=(1, 600)).astype(np.float32)
    words = np.maximum(0, rng.normal(-0.5, size=(1, 600))).astype(np.float32)
    whole = fuse(*lists_of(dense, words), weight)[0]

    dense_top = {int(p): float(dense[0, p]) for p in rank(dense, CANDIDATES)[0]}
    word_top = {int(p): float(words[0, p]) for p in rank(words, CANDIDATES)[0] if words[0, p] > 0}
    union = list(dense_top | word_top)
    rng.shuffle(union)
    listed = fuse(
        np.array([[dense_top.get(p, nan) for p in union]]),
        np.array([[word_top.get(p, nan) for p in union]]),
        weight,
    )[0]
    assert listed.tolist() == whole[union].tolist()
    assert set(np.flatnonzero(np.isneginf(whole))) == set(range(600)) - set(union)


@given(st.integers(0, 10_000), WEIGHTS)
def test_ranking_through_shortlists_is_the_ranking_of_the_whole(seed: int, weight: float) -> None:
    rng = np.random.default_rng(seed)
    # Rounded, so that fused scores tie.
    dense = rng.normal(size=(3, 250)).round(1)
    words = np.maximum(0, rng.normal(0.3, size=(3, 250))).round(1)
    whole = rank(fuse(*lists_of(dense, words), weight))
    assert ranking(dense, words, weight).tolist() == whole.tolist()


def test_shortlist_holds_the_candidates_of_both_in_passage_order() -> None:
    dense = np.linspace(0, 1, 300)[None].repeat(2, axis=0)
    words = np.zeros((2, 300))
    words[1, [5, 2]] = 1.0
    columns, dense_list, word_list = shortlist(dense, words)
    assert columns.shape == (2, 102)
    assert columns[1].tolist() == [2, 5, *range(200, 300)]
    assert np.isfinite(dense_list).sum(axis=1).tolist() == [100, 100]
    assert np.isfinite(word_list).sum(axis=1).tolist() == [0, 2]
    # The row with fewer candidates is filled up with passages that count for nothing.
    assert np.isneginf(fuse(dense_list, word_list, 0.5)[0]).sum() == 2


def test_candidates_are_the_hundred_best() -> None:
    scores = np.random.default_rng(0).normal(size=(3, 400))
    kept = dense_candidates(scores)
    assert (np.isfinite(kept).sum(axis=1) == CANDIDATES).all()
    assert np.nanmin(kept, axis=1).tolist() == np.sort(scores, axis=1)[:, -CANDIDATES].tolist()
    assert (np.isnan(kept) | (kept == scores)).all()
    assert np.nanmin(word_candidates(scores)) > 0


def test_a_single_word_match_counts() -> None:
    """A word that only one passage has, which the model alone would put last but three."""
    dense = np.linspace(0.1, 0.2, 50)[None]
    words = np.zeros((1, 50))
    words[0, 3] = 0.7
    assert ranking(dense, words, 0.5)[0, 0] == 3


def test_a_full_list_of_words_has_a_zero_too() -> None:
    """Else a hundred equal word scores would have no spread, and say nothing."""
    dense = np.linspace(0.2, 0.1, 150)[None]
    words = np.zeros((1, 150))
    words[0, 50:] = 2.0
    dense_list, word_list = lists_of(dense, words)
    fused = fuse(dense_list, word_list, 0.3)
    assert fused[0].tolist() == pytest.approx(
        oracle(dense_list[0].tolist(), word_list[0].tolist(), 0.3), abs=1e-9
    )
    assert fused[0, 50:].min() > fused[0, :50].max()


def test_equal_scores_say_nothing() -> None:
    # 0.1 + 0.1 + 0.1 is not 3 · 0.1 in binary: the spread must still be zero.
    dense = np.full((1, 3), 0.1)
    words = np.array([[nan, 2.0, nan]])
    fused = fuse(dense, words, 0.9)
    assert fused[0, 0] == fused[0, 2]
    assert fused[0, 1] > fused[0, 0]
    assert fuse(dense, np.full((1, 3), nan), 0.9).tolist() == [[0.0, 0.0, 0.0]]


def test_a_single_passage() -> None:
    assert fuse(np.array([[0.4]]), np.array([[nan]]), 0.5).tolist() == [[0.0]]
    assert ranking(np.array([[0.4]]), np.array([[1.0]]), 0.5).tolist() == [[0]]


@pytest.mark.parametrize("weight", [0.0, 0.5, 1.0])
def test_without_words_the_dense_order_stands_alone(weight: float) -> None:
    dense = np.array([[0.1, 0.9, 0.5]])
    assert ranking(dense, np.zeros((1, 3)), weight).tolist() == [[1, 2, 0]]


@pytest.mark.parametrize("weight", [0.0, 0.5, 1.0])
def test_without_a_dense_list_the_words_stand_alone(weight: float) -> None:
    fused = fuse(np.full((1, 3), nan), np.array([[1.0, 3.0, 2.0]]), weight)
    assert rank(fused).tolist() == [[1, 2, 0]]


def test_no_passages_and_no_questions() -> None:
    assert fuse(np.zeros((2, 0)), np.zeros((2, 0)), 0.5).shape == (2, 0)
    assert fuse(np.zeros((0, 2)), np.zeros((0, 2)), 0.5).shape == (0, 2)


@pytest.mark.parametrize("weight", [-0.01, 1.01, nan, np.inf])
def test_a_weight_outside_its_range_is_refused(weight: float) -> None:
    with pytest.raises(ArgumentError, match="fusion_weight is"):
        fuse(np.ones((1, 1)), np.ones((1, 1)), weight)


@pytest.mark.parametrize(
    ("dense", "words"),
    [
        (np.zeros((1, 2)), np.ones((1, 3))),
        (np.zeros(2), np.ones(2)),
        (np.array([[np.inf]]), np.ones((1, 1))),
        (np.zeros((1, 1)), np.array([[np.inf]])),
        (np.zeros((1, 1)), np.zeros((1, 1))),
        (np.zeros((1, 1)), -np.ones((1, 1))),
    ],
)
def test_unusable_lists_are_refused(dense: Any, words: Any) -> None:
    with pytest.raises(DataError):
        fuse(dense, words, 0.5)
