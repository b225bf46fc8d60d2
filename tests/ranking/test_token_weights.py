"""What each token of a question counts, beside the words found one by one."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentune import SentenceTransformer
from sentune.ranking.bm25 import BM25, counted_words, stemmed_words
from sentune.ranking.token_vectors import question_tokens
from sentune.ranking.token_weights import token_weights

PASSAGES = ["files are read", "reading is slow", "a slow thread", "files"]


def test_idf_is_that_of_the_scores() -> None:
    words = BM25(PASSAGES)
    for stem, having in (("read", 2), ("thread", 1), ("nowher", 0)):
        assert words.idf(stem) == pytest.approx(math.log(1 + (4 - having + 0.5) / (having + 0.5)))


def test_words_are_those_that_bm25_counts(real_texts: list[str]) -> None:
    texts = [*real_texts[:300], "", "Größe ÉTÉ x 12 a1 don't\nfoo_bar — naïve 東京 e\u0301t"]
    found = counted_words(texts)
    assert [[word.stem for word in row] for row in found] == stemmed_words(texts)
    for text, row in zip(texts, found, strict=True):
        for word in row:
            assert stemmed_words([text[word.start : word.end]]) == [[word.stem]]


def test_a_token_has_the_idf_of_its_word(tiny: SentenceTransformer) -> None:
    question = "How are threads and unthinkable files read, a?"
    (found,) = token_weights(tiny.tokenizer, [question], BM25(PASSAGES).idf)
    tokens = tiny.tokenizer.parsed().encode(question).tokens[1:-1]
    assert len(found) == len(tokens)
    assert found.mean() == pytest.approx(1, abs=1e-6)
    idf = {stem: BM25(PASSAGES).idf(stem) for stem in ("thread", "unthink", "file", "read")}
    starts = [0]
    expected = []
    for token in tokens:
        place = question.lower().index(token.removeprefix("##"), starts[-1])
        starts.append(place + len(token.removeprefix("##")))
        stems = [w.stem for w in counted_words([question])[0] if w.start <= place < w.end]
        expected.append(idf[stems[0]] if stems else 0.0)
    assert expected.count(0.0) >= 5
    np.testing.assert_allclose(found / found.max(), np.array(expected) / max(expected), atol=1e-6)


@given(st.lists(st.text(max_size=40), max_size=3))
def test_there_is_one_weight_for_each_token(tiny: SentenceTransformer, texts: list[str]) -> None:
    texts = [*texts, "word " * 200, "the and of"]
    vectors = question_tokens(tiny, texts, BM25(PASSAGES).idf)
    weights = token_weights(tiny.tokenizer, texts, BM25(PASSAGES).idf, tiny.query_prompt)
    assert list(map(len, vectors)) == list(map(len, weights))
    for tokens, own in zip(vectors, weights, strict=True):
        np.testing.assert_allclose(np.linalg.norm(tokens, axis=1), own, atol=1e-5)
        if len(own):
            assert own.mean() == pytest.approx(1, abs=1e-5)
    assert (weights[-1] == 1).all()


def test_every_architecture_finds_the_word_of_a_token(architecture_folder: Path) -> None:
    model = SentenceTransformer(architecture_folder, device="cpu", compute_dtype="float32")
    question = "the files of a thread"
    (found,) = token_weights(model.tokenizer, [question], BM25(PASSAGES).idf, model.query_prompt)
    text = model.query_prompt + question
    rows = model.tokenizer.parsed().encode(text)
    skipped = model.tokenizer.prompt_length(model.query_prompt)
    of_thread = [
        number
        for number, (start, end) in enumerate(rows.offsets[skipped : skipped + len(found)])
        if start < text.index("thread") + 6 and text.index("thread") < end
    ]
    assert of_thread
    assert set(np.flatnonzero(found == found.max())) == set(of_thread)
    assert (found == 0).any()


def test_a_question_that_is_cut_has_the_weights_of_what_is_left(tiny_folder: Path) -> None:
    model = SentenceTransformer(tiny_folder, device="cpu", compute_dtype="float32")
    model.max_seq_length = 8
    words = BM25(PASSAGES)
    (whole,) = token_weights(model.tokenizer, ["files thread"], words.idf)
    (cut,) = token_weights(model.tokenizer, ["files thread " * 9], words.idf)
    assert len(cut) == 6
    shared = min(len(whole), 6)
    np.testing.assert_allclose(cut[:shared] / cut[0], whole[:shared] / whole[0], rtol=1e-5)
