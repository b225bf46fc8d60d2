"""Passages over the limit are cut so that every token is read, and rank by their best piece."""

from __future__ import annotations

from itertools import chain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentune import SentenceTransformer, count_truncation
from sentune.errors import ArgumentError
from sentune.ranking.pieces import (
    Pieces,
    cut_texts,
    encode_pieces,
    require_long_text,
    what_is_read,
)

WORDS = [
    "the",
    "of",
    "a",
    "file",
    "thread",
    "\n",
    "  ",
    "unforeseeable,",
    "e.g.",
    "übergrößen",
    "—",
]


def _ids(model: SentenceTransformer, texts: list[str]) -> list[list[int]]:
    before, after = model.tokenizer.frame()
    return [ids[before : len(ids) - after] for ids in model.tokenizer.whole(texts)]


@given(st.lists(st.lists(st.sampled_from(WORDS), max_size=150).map(" ".join), max_size=4))
def test_every_token_is_in_one_piece(tiny: SentenceTransformer, texts: list[str]) -> None:
    cut = cut_texts(texts, tiny)
    whole, pieces = _ids(tiny, texts), _ids(tiny, cut.texts)
    for text, ids, start, end in zip(texts, whole, cut.starts, cut.starts[1:], strict=False):
        assert list(chain.from_iterable(pieces[start:end])) == ids
        assert (end - start == 1) == (len(ids) <= 46)
        assert [text[a:b] for a, b in cut.spans[start:end]] == cut.texts[start:end]
    assert all(len(ids) <= 46 for ids in pieces)
    with count_truncation() as counted:
        tiny.encode(cut.texts)
    assert counted.truncated == 0


@pytest.mark.parametrize(
    "text", ["x" * 300, "naïve café " * 60, "日本語の文章です。" * 30, "🙂" * 90]
)
def test_no_piece_is_longer_by_itself(architecture_folder: str, text: str) -> None:
    model = SentenceTransformer(architecture_folder, device="cpu", compute_dtype="float32")
    model.max_seq_length = 16
    cut = cut_texts([text], model)
    longest = max(map(len, model.tokenizer.whole(cut.texts)))
    assert longest <= 16
    assert "".join("".join(cut.texts).split()) == "".join(text.split())


def test_the_prompt_takes_its_room(tiny_folder: str) -> None:
    prompts = {"document": "the file of a thread: "}
    model = SentenceTransformer(tiny_folder, device="cpu", prompts=prompts)
    text = "a thread of the file " * 18
    cut = cut_texts([text], model)
    with count_truncation() as counted:
        encode_pieces(model, cut)
    assert (counted.truncated, counted.texts, counted.in_pieces) == (0, 1, 1)
    assert counted.pieces == len(cut.texts)
    plain = SentenceTransformer(tiny_folder, device="cpu")
    assert len(cut.texts) > len(cut_texts([text], plain).texts)
    model.prompts["document"] = "the " * 50
    with pytest.raises(ArgumentError, match="a prompt for passages of 46 tokens"):
        cut_texts([text], model)


def test_truncated_passages_stay_whole(tiny: SentenceTransformer, real_texts: list[str]) -> None:
    texts = ["\n".join(real_texts[:9]), "short"]
    cut = cut_texts(texts, tiny, "truncate")
    assert cut.texts == texts
    np.testing.assert_array_equal(encode_pieces(tiny, cut), tiny.encode_document(texts))
    with pytest.raises(ArgumentError, match="long_text is 'chunk'"):
        require_long_text("chunk")


def test_a_passage_has_the_score_of_its_best_piece() -> None:
    passages = ["abcdef", "gh", "ijk"]
    cut = Pieces.of(passages, [[(0, 2), (2, 5), (5, 6)], [(0, 2)], [(0, 1), (1, 3)]])
    assert cut.texts == ["ab", "cde", "f", "gh", "i", "jk"]
    scores = np.array([[0.1, 0.3, 0.2, -1.0, 0.5, 0.5], [3.0, 1.0, 2.0, 0.0, -2.0, -1.0]])
    np.testing.assert_array_equal(cut.best(scores), [[0.3, -1.0, 0.5], [3.0, 0.0, -1.0]])
    assert cut.shown(0, scores[0]) == {"piece": "cde", "piece_number": 2, "pieces": 3}
    assert cut.shown(2, scores[0]) == {"piece": "i", "piece_number": 1, "pieces": 2}
    assert list(cut.counts) == [3, 1, 2]


def test_the_late_stage_reads_the_best_piece_by_words() -> None:
    pieces = Pieces.of(["ab", "c", "def"], [[(0, 1), (1, 2)], [(0, 1)], [(0, 1), (1, 2), (2, 3)]])
    dense = np.array([[0.1, 0.9, 0.3, 0.2, 0.8, 0.8], [0.9, 0.1, 0.3, 0.5, 0.4, 0.3]])
    words = np.array([[2.0, 1.0, 0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 5.0, 0.0, 3.0, 3.0]])
    passages = np.array([[2, 0, 1], [0, 2, 1]])
    found = pieces.read_of(passages, dense, words)
    np.testing.assert_array_equal(found, [[4, 0, 2], [0, 4, 2]])


def test_what_is_read_counts_passages_and_questions(
    tiny: SentenceTransformer, real_texts: list[str]
) -> None:
    long = "\n".join(real_texts[:9])
    pieces = len(cut_texts([long], tiny).texts)
    found = what_is_read(tiny, [long, "short"], ["short", long], "pieces")
    left_out = len(tiny.tokenizer.whole([long])[0]) - 48
    assert (found.texts, found.truncated, found.tokens_left_out) == (4, 1, left_out)
    assert found.describe(48) == (
        f"4 texts, 1 of more than 48 tokens in {pieces} pieces, 1 cut at 48 tokens: "
        f"{left_out} tokens left out"
    )
    found = what_is_read(tiny, ["short"], ["short", long], "pieces")
    assert found.describe(48) == f"3 texts, 1 of more than 48 tokens in {pieces} pieces, none cut"
    assert what_is_read(tiny, ["short"], [long], "truncate") == tiny.tokenizer(["short", long])[1]
