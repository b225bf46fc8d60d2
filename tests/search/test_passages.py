"""Search ranks as the evaluation's fusion does."""

from __future__ import annotations

import numpy as np
import pytest

from sentune import SentenceTransformer
from sentune.data import python_docs
from sentune.errors import ArgumentError
from sentune.ranking.bm25 import BM25
from sentune.ranking.fusion import dense_candidates, fuse, word_candidates
from sentune.ranking.rank import rank
from sentune.ranking.retrieval_model import similarity_scores
from sentune.search import PassageSearch


@pytest.fixture(scope="module")
def passages() -> dict[str, str]:
    return dict(list(python_docs().pairs.passages.items())[:300])


@pytest.fixture(scope="module")
def questions() -> list[str]:
    return list(python_docs().pairs.questions.values())[:30]


def test_hybrid_search_ranks_as_the_evaluation_does(
    model: SentenceTransformer, passages: dict[str, str], questions: list[str]
) -> None:
    texts = list(passages.values())
    dense = similarity_scores(model, model.encode_query(questions), model.encode_document(texts))
    words = BM25(texts).scores(questions)
    expected = rank(fuse(dense_candidates(dense), word_candidates(words), 0.6))
    search = PassageSearch(model, passages, fusion_weight=0.6)
    ids = list(passages)
    for question, row in zip(questions, expected, strict=True):
        found = [hit.id for hit in search.search(question)]
        assert found == [ids[position] for position in row[:10]]


def test_without_a_weight_the_model_ranks_alone(
    model: SentenceTransformer, passages: dict[str, str], questions: list[str]
) -> None:
    search = PassageSearch(model, passages)
    vectors = model.encode_document(list(passages.values()))
    for question in questions[:5]:
        hits = search.search(question, 3)
        similarities = vectors @ model.encode_query(question)
        assert [hit.similarity for hit in hits] == pytest.approx(
            np.sort(similarities)[::-1][:3].tolist(), abs=1e-5
        )
        assert [hit.score for hit in hits] == [hit.similarity for hit in hits]


def test_the_weight_saved_with_the_model_is_used(passages: dict[str, str]) -> None:
    tuned = SentenceTransformer(compute_dtype="float32")
    tuned.extras = {"fusion_weight": 0.3}
    assert PassageSearch(tuned, passages).fusion_weight == 0.3


def test_more_results_than_passages(model: SentenceTransformer) -> None:
    search = PassageSearch(model, {"one": "a cat", "two": "a dog"}, fusion_weight=0.5)
    assert [hit.rank for hit in search.search("dog")] == [1, 2]


@pytest.mark.parametrize(("question", "top"), [("", 1), ("  \n", 1), ("a", 0)])
def test_empty_questions_are_refused(model: SentenceTransformer, question: str, top: int) -> None:
    with pytest.raises(ArgumentError):
        PassageSearch(model, {"one": "a cat"}).search(question, top)


def test_a_weight_outside_its_range_is_refused(model: SentenceTransformer) -> None:
    with pytest.raises(ArgumentError, match=r"1\.5"):
        PassageSearch(model, {"one": "a cat"}, fusion_weight=1.5)


def test_no_passages_are_refused(model: SentenceTransformer) -> None:
    with pytest.raises(ArgumentError, match="no passages"):
        PassageSearch(model, {})
