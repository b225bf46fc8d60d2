"""Postings: joined they are those of all passages, and scores depend on what is there alone."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import bm25s
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sentune.data.samples.python_docs import PythonDocs
from sentune.ranking.bm25 import BM25, stemmed_words
from sentune.ranking.postings import K1, B, Collection, Postings

WORDS = st.lists(st.sampled_from(["a", "b", "cé", "dd", "e" * 9, "日"]), max_size=8)


def _same(one: Postings, other: Postings) -> bool:
    arrays, others = one.arrays(), other.arrays()
    return all(
        arrays[name].dtype == others[name].dtype and np.array_equal(arrays[name], others[name])
        for name in arrays
    )


def _scores(collection: Collection, words: list[str], width: int) -> np.ndarray:
    found = np.zeros(width, dtype=np.float32)
    passages, scores = collection.scores(words)
    found[passages] = scores
    return found


@settings(max_examples=60, deadline=None)
@given(
    st.lists(WORDS, max_size=12),
    st.integers(0, 12),
    st.lists(st.booleans(), min_size=12, max_size=12),
    WORDS,
)
def test_parts_and_gaps_change_nothing(
    passages: list[list[str]], cut: int, there: list[bool], question: list[str]
) -> None:
    kept = np.array(there[: len(passages)], dtype=np.bool_)
    left = [words for words, keep in zip(passages, kept, strict=True) if keep]
    fresh = Postings.of(left)
    parts = [Postings.of(passages[:cut]), Postings.of(passages[cut:])]
    assert _same(Postings.joined(parts, [kept[:cut], kept[cut:]]), fresh)
    assert _same(Postings.from_arrays(fresh.arrays()), fresh)
    expected = _scores(Collection([fresh]), question, len(left))
    found = _scores(Collection(parts, kept), question, len(passages))
    assert found[kept].tolist() == expected.tolist()
    assert not found[~kept].any()
    words = {word for each in left for word in each}
    assert fresh.words() == sorted(word.encode() for word in words)
    for word in words:
        places, counts = fresh.find(word)
        right = [(place, each.count(word)) for place, each in enumerate(left) if word in each]
        assert list(zip(places.tolist(), counts.tolist(), strict=True)) == right


def test_a_word_can_be_there_very_often() -> None:
    postings = Postings.of([["a"] * 300, ["a"] * 70_000])
    assert postings.find("a")[1].tolist() == [300, 70_000]


def test_scores_are_those_of_bm25s(library: PythonDocs) -> None:
    passages = list(library.pairs.passages.values())[:400]
    questions = list(library.pairs.questions.values())[:40]
    reference: Any = bm25s.BM25(k1=K1, b=B)
    reference.index(stemmed_words(passages), create_empty_token=False, show_progress=False)
    ours = BM25(passages).scores(questions)
    for row, words in zip(ours, stemmed_words(questions), strict=True):
        expected = reference.get_scores_from_ids(reference.get_tokens_ids(words))
        np.testing.assert_allclose(row, expected, rtol=1e-6)


def test_pairs_of_ends_cover_everything() -> None:
    postings = Postings.of([["b", "a"], ["a"]])
    assert [end - start for start, end in pairwise(postings.ends.tolist())] == [2, 1]
