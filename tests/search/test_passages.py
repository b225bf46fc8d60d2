"""Search ranks as the evaluation's fusion does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sentune import SentenceTransformer
from sentune.data.samples.python_docs import PythonDocs
from sentune.errors import ArgumentError
from sentune.ranking.bm25 import BM25
from sentune.ranking.fusion import dense_candidates, fuse, word_candidates
from sentune.ranking.rank import rank
from sentune.ranking.retrieval_model import similarity_scores
from sentune.search import PassageSearch


@pytest.fixture(scope="module")
def passages(library: PythonDocs) -> dict[str, str]:
    return dict(list(library.pairs.passages.items())[:60])


@pytest.fixture(scope="module")
def questions(library: PythonDocs) -> list[str]:
    return list(library.pairs.questions.values())[:10]


def _best(scores: np.ndarray, cut: list[list[str]]) -> np.ndarray:
    ends = np.cumsum([len(own) for own in cut])
    columns = [scores[:, end - len(own) : end] for own, end in zip(cut, ends, strict=True)]
    return np.stack([own.max(axis=1) for own in columns], axis=1)


@pytest.mark.parametrize("long_text", ["pieces", "truncate"])
def test_hybrid_search_ranks_as_the_evaluation_does(
    model: SentenceTransformer, passages: dict[str, str], questions: list[str], long_text: Any
) -> None:
    some = sorted(passages, key=lambda name: -len(passages[name]))[:4]
    passages = {name: passages[name] for name in [*some, *list(passages)[:25]]}
    cut = [
        model.tokenizer.pieces(text, 254) if long_text == "pieces" else [text]
        for text in passages.values()
    ]
    texts = [piece for own in cut for piece in own]
    dense = similarity_scores(model, model.encode_query(questions), model.encode_document(texts))
    dense, words = _best(dense, cut), _best(BM25(texts).scores(questions), cut)
    expected = rank(fuse(dense_candidates(dense), word_candidates(words), 0.6))
    search = PassageSearch(model, passages, fusion_weight=0.6, long_text=long_text)
    ids = list(passages)
    assert (len(texts) > len(passages)) == (long_text == "pieces")
    for question, row in zip(questions, expected, strict=True):
        found = [hit.id for hit in search.search(question)]
        assert found == [ids[position] for position in row[:10]]


def test_without_a_weight_the_model_ranks_alone(
    model: SentenceTransformer, passages: dict[str, str], questions: list[str]
) -> None:
    passages = {name: text[:200] for name, text in passages.items()}
    search = PassageSearch(model, passages)
    vectors = model.encode_document(list(passages.values()))
    for question in questions[:5]:
        hits = search.search(question, 3)
        similarities = vectors @ model.encode_query(question)
        assert [hit.similarity for hit in hits] == pytest.approx(
            np.sort(similarities)[::-1][:3].tolist(), abs=1e-5
        )
        assert [hit.score for hit in hits] == [hit.similarity for hit in hits]


FILLER = "The committee met on a Tuesday and agreed to meet again. " * 60
HIDDEN = "Penguins are fed with herring at noon."


@pytest.mark.parametrize("weight", [1.0, 0.5])
def test_what_stands_at_the_end_is_found(model: SentenceTransformer, weight: float) -> None:
    passages = {"short": "The zoo is closed.", "long": FILLER + HIDDEN, "other": FILLER}
    hit = PassageSearch(model, passages, fusion_weight=weight).search("when do the birds eat?")[0]
    assert (hit.id, hit.piece_number, hit.text) == ("long", hit.pieces, FILLER + HIDDEN)
    assert hit.pieces == len(model.tokenizer.pieces(FILLER + HIDDEN, 254)) > 2
    assert hit.piece.endswith(HIDDEN)
    assert hit.piece in hit.text
    question, piece = model.encode(["when do the birds eat?", hit.piece])
    assert hit.similarity == pytest.approx(float(question @ piece), abs=1e-3)


def test_words_alone_show_the_piece_with_most_of_them(model: SentenceTransformer) -> None:
    passages = {"short": "The zoo is closed.", "long": FILLER + HIDDEN, "other": FILLER}
    hit, *others = PassageSearch(model, passages, mode="words").search("penguins and herring")
    pieces = model.tokenizer.pieces(FILLER + HIDDEN, 254)
    assert (hit.id, hit.similarity, hit.piece) == ("long", None, pieces[-1])
    assert (hit.piece_number, hit.pieces) == (len(pieces), len(pieces))
    every = [piece for text in passages.values() for piece in model.tokenizer.pieces(text, 254)]
    assert hit.score == pytest.approx(BM25(every).scores(["penguins and herring"]).max())
    assert [other.score for other in others] == [0, 0]


def test_truncated_passages_are_not_found_by_their_end(model: SentenceTransformer) -> None:
    passages = {"short": "The zoo is closed.", "long": FILLER + HIDDEN}
    search = PassageSearch(model, passages, fusion_weight=1.0, long_text="truncate")
    hits = {hit.id: hit for hit in search.search(HIDDEN)}
    assert (hits["long"].piece, hits["long"].pieces) == (FILLER + HIDDEN, 1)
    assert hits["long"].rank == 2


def test_the_weight_saved_with_the_model_is_used(tiny_folder: Path) -> None:
    tuned = SentenceTransformer(tiny_folder, compute_dtype="float32")
    tuned.extras = {"fusion_weight": 0.3}
    assert PassageSearch(tuned, {"one": "a cat", "two": "a dog"}).fusion_weight == 0.3


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


def test_another_way_with_long_texts_is_refused(model: SentenceTransformer) -> None:
    with pytest.raises(ArgumentError, match="long_text is 'chunk'"):
        PassageSearch(model, {"one": "a cat"}, long_text="chunk")  # type: ignore[arg-type]


def test_no_passages_are_refused(model: SentenceTransformer) -> None:
    with pytest.raises(ArgumentError, match="no passages"):
        PassageSearch(model, {})
