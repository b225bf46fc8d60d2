"""Sentences of passages as questions."""

from __future__ import annotations

from tests.made_texts import COPY, JAPANESE, TEXTS, WAIT, pairs_of_sentences

from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.questions.sentences import sentence_rows


def test_each_sentence_stands_in_its_piece(model: SentenceTransformer) -> None:
    rows = sentence_rows(pairs_of_sentences(), model, 256, 9, 0)
    assert {row[0] for row in rows} >= {COPY, WAIT, JAPANESE}
    for sentence, piece in rows:
        assert sentence != piece
        assert sentence in piece
        assert 40 <= len(sentence) < 250
    assert "Contents" not in {row[1] for row in rows}


def test_no_more_than_asked_for_and_never_twice(
    model: SentenceTransformer, real_texts: list[str]
) -> None:
    passages = dict(enumerate(text for text in real_texts if len(text) > 1000))
    pairs = pairs_of_sentences(passages={str(key): text for key, text in passages.items()} | TEXTS)
    for each in (1, 2):
        rows = sentence_rows(pairs, model, 64, each, 0)
        assert len({*rows}) == len(rows)
        counts = [sum(row[1] == piece for row in rows) for piece in {row[1] for row in rows}]
        assert max(counts) == each
    lengths = [len(ids) for ids in model.tokenizer([row[1] for row in rows])[0]]
    assert max(lengths) <= 64


def test_the_seed_settles_them(model: SentenceTransformer) -> None:
    first, again, other = (
        sentence_rows(pairs_of_sentences(), model, 256, 1, seed) for seed in (1, 1, 2)
    )
    assert first == again != other


def test_rows_are_as_wide_as_those_with_hard_negatives(model: SentenceTransformer) -> None:
    pairs = pairs_of_sentences(negatives={"q": ("one", "two")})
    rows = sentence_rows(pairs, model, 256, 2, 0)
    pieces = {row[1] for row in rows}
    assert {len(row) for row in rows} == {4}
    assert {text for row in rows for text in row[2:]} <= pieces
    assert all(row[1] not in row[2:] for row in rows)
    alone = pairs_of_sentences(passages={"both": TEXTS["both"]}, negatives={"q": ("one", "two")})
    assert sentence_rows(alone, model, 256, 2, 0) == []


def test_what_stands_in_several_passages_tells_none_apart(model: SentenceTransformer) -> None:
    passages = {"both": TEXTS["both"], "again": f"{COPY} {WAIT[:-1]}, as others do."}
    rows = sentence_rows(pairs_of_sentences(passages=passages), model, 256, 9, 0)
    assert {row[0] for row in rows} == {WAIT, f"{WAIT[:-1]}, as others do."}


def test_a_sentence_is_not_the_answer_to_itself(model: SentenceTransformer) -> None:
    passages = {"both": ("one sentence that goes on and " * 5).strip()}
    assert sentence_rows(pairs_of_sentences(passages=passages), model, 256, 2, 0) == []


def test_passages_without_sentences_give_none(model: SentenceTransformer) -> None:
    assert sentence_rows(pairs_of_sentences(passages={"both": "Contents"}), model, 256, 2, 0) == []
