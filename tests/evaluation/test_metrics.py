from __future__ import annotations

import math
from collections.abc import Callable

import ir_measures
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ir_measures import AP, RR, P, Qrel, R, ScoredDoc, nDCG

from sentune.errors import DataError
from sentune.evaluation.metrics import (
    accuracy_at,
    average_precision_at,
    find_hits,
    ndcg_at,
    precision_at,
    recall_at,
    reciprocal_rank_at,
    relevant_counts,
)
from sentune.evaluation.retrieval import question_metrics

Case = tuple[list[int], frozenset[int]]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A ranking of part of a corpus, and relevant passages inside or outside of it."""
    size = draw(st.integers(1, 130))
    ranking = draw(st.permutations(range(size)))
    depth = draw(st.integers(1, size))
    relevant = draw(st.frozensets(st.integers(0, size - 1), min_size=1, max_size=size))
    return ranking[:depth], relevant


def oracle(ranking: list[int], relevant: frozenset[int]) -> dict[str, float]:
    """The definitions, one question at a time, word for word."""
    values: dict[str, float] = {}
    for k in (1, 3, 5, 10):
        found = [passage for passage in ranking[:k] if passage in relevant]
        values[f"accuracy@{k}"] = 1.0 if found else 0.0
        values[f"precision@{k}"] = len(found) / k
        values[f"recall@{k}"] = len(found) / len(relevant)
    firsts = [place for place, passage in enumerate(ranking[:10], 1) if passage in relevant]
    values["mrr@10"] = 1 / firsts[0] if firsts else 0.0
    gain = sum(1 / math.log2(place + 1) for place in firsts)
    ideal = sum(1 / math.log2(place + 1) for place in range(1, min(10, len(relevant)) + 1))
    values["ndcg@10"] = gain / ideal
    precisions, seen = 0.0, 0
    for place, passage in enumerate(ranking[:100], 1):
        if passage in relevant:
            seen += 1
            precisions += seen / place
    values["map@100"] = precisions / min(100, len(relevant))
    return values


@given(cases())
def test_equal_to_the_definitions(case: Case) -> None:
    ranking, relevant = case
    measured = question_metrics(np.array([ranking]), [relevant])
    expected = oracle(ranking, relevant)
    assert list(measured) == sorted(measured, key=list(measured).index)
    assert measured.keys() == expected.keys()
    for name, value in expected.items():
        assert measured[name].shape == (1,)
        assert measured[name][0] == pytest.approx(value, abs=1e-12)


@given(cases())
def test_between_zero_and_one(case: Case) -> None:
    ranking, relevant = case
    for values in question_metrics(np.array([ranking]), [relevant]).values():
        assert 0.0 <= values[0] <= 1.0


@given(cases(), st.randoms(use_true_random=False))
def test_renaming_passages_changes_nothing(case: Case, random: object) -> None:
    ranking, relevant = case
    size = max(*ranking, *relevant) + 1
    names = list(range(size))
    random.shuffle(names)  # type: ignore[attr-defined]
    before = question_metrics(np.array([ranking]), [relevant])
    after = question_metrics(
        np.array([[names[passage] for passage in ranking]]),
        [frozenset(names[passage] for passage in relevant)],
    )
    for name in before:
        assert before[name].tolist() == after[name].tolist()


@given(st.lists(cases(), min_size=1, max_size=5))
def test_questions_do_not_touch_each_other(several: list[Case]) -> None:
    depth = min(len(ranking) for ranking, _ in several)
    together = question_metrics(
        np.array([ranking[:depth] for ranking, _ in several]), [found for _, found in several]
    )
    for row, (ranking, relevant) in enumerate(several):
        alone = question_metrics(np.array([ranking[:depth]]), [relevant])
        for name in alone:
            assert together[name][row] == alone[name][0]


@given(cases())
def test_equal_to_trec_eval(case: Case) -> None:
    ranking, relevant = case
    measured = question_metrics(np.array([ranking]), [relevant])
    qrels = [Qrel("q", f"p{passage}", 1) for passage in relevant]
    run = [ScoredDoc("q", f"p{passage}", -float(place)) for place, passage in enumerate(ranking)]
    pairs = {nDCG @ 10: "ndcg@10", RR @ 10: "mrr@10", P @ 5: "precision@5", R @ 10: "recall@10"}
    # trec_eval divides by all relevant passages, so the definitions part above 100 of them.
    if len(relevant) <= 100:
        pairs[AP @ 100] = "map@100"
    found = ir_measures.calc_aggregate(list(pairs), qrels, run)
    for measure, name in pairs.items():
        assert found[measure] == pytest.approx(measured[name][0], abs=1e-9), name


def test_a_perfect_ranking_scores_one_even_with_more_relevant_than_places() -> None:
    relevant = frozenset(range(150))
    measured = question_metrics(np.arange(150)[None], [relevant])
    for name in ("ndcg@10", "map@100", "mrr@10", "precision@10", "accuracy@1"):
        assert measured[name][0] == 1.0, name
    assert measured["recall@10"][0] == pytest.approx(10 / 150)


def test_two_hits_by_hand() -> None:
    hits = np.array([[False, True, False, True]])
    counts = np.array([3])
    assert accuracy_at(hits, 1)[0] == 0
    assert accuracy_at(hits, 3)[0] == 1
    assert precision_at(hits, 4)[0] == 2 / 4
    assert precision_at(hits, 8)[0] == 2 / 8
    assert recall_at(hits, counts, 4)[0] == pytest.approx(2 / 3)
    assert reciprocal_rank_at(hits, 10)[0] == 1 / 2
    assert average_precision_at(hits, counts, 4)[0] == pytest.approx((1 / 2 + 2 / 4) / 3)
    ideal = 1 + 1 / math.log2(3) + 1 / 2
    assert ndcg_at(hits, counts, 4)[0] == pytest.approx(
        (1 / math.log2(3) + 1 / math.log2(5)) / ideal
    )


@pytest.mark.parametrize("metric", [accuracy_at, precision_at, reciprocal_rank_at])
def test_an_empty_ranking_scores_zero(
    metric: Callable[..., np.ndarray],
) -> None:
    assert metric(np.zeros((2, 0), dtype=bool), 10).tolist() == [0.0, 0.0]


def test_a_question_without_answers_is_refused() -> None:
    with pytest.raises(DataError, match="question 1 has no relevant passage"):
        relevant_counts([frozenset({0}), frozenset()])


def test_no_questions_give_no_values() -> None:
    measured = question_metrics(np.zeros((0, 5), dtype=np.int64), [])
    assert {values.shape for values in measured.values()} == {(0,)}


def test_a_ranking_of_other_questions_is_refused() -> None:
    with pytest.raises(DataError, match="one row of passage indices for each question"):
        find_hits(np.zeros((2, 5), dtype=np.int64), [frozenset({0})])
