"""What a student learns from: pieces and sentences, each once, without labels."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from sentune.data import Pairs
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import DataError
from sentune.tuning.texts_to_distill import prepare_texts, read_texts_to_distill

LINES = [f"The file number {n} is read by a thread. It is closed again." for n in range(60)]


def parts(*passages: str, questions: tuple[str, ...] = ()) -> list[Pairs]:
    named = {f"p{n}": text for n, text in enumerate(passages)}
    asked = {f"q{n}": text for n, text in enumerate(questions)}
    return [Pairs(asked, named, dict.fromkeys(asked, ("p0",)), source="/there/texts.csv")]


def test_passages_become_pieces_and_sentences(tiny: SentenceTransformer) -> None:
    found = prepare_texts(parts(*LINES, questions=("Who?",)), tiny, 0, hold_out=False)
    assert found.pieces == LINES
    assert found.sentences[:3] == [
        "Who?",
        "The file number 0 is read by a thread.",
        "It is closed again.",
    ]
    assert len(found.sentences) == 62  # a sentence that repeats is one
    assert found.files == ("texts.csv",)
    assert not found.unseen_pieces
    assert not found.unseen_sentences


def test_hard_negatives_are_passages_too(tiny: SentenceTransformer) -> None:
    (pairs,) = parts(*LINES, questions=("Who?",))
    pairs = replace(pairs, negatives={"q0": ("Sockets are not files.",)})
    assert "Sockets are not files." in prepare_texts([pairs], tiny, 0, hold_out=False).pieces


def test_long_passages_are_cut(tiny: SentenceTransformer) -> None:
    long = "\n\n".join(LINES)
    found = prepare_texts(parts(long), tiny, 0, hold_out=False)
    assert len(found.pieces) > 30
    assert " ".join(" ".join(found.pieces).split()) == " ".join(long.split())
    assert max(map(len, tiny.tokenizer.whole(found.pieces))) <= tiny.max_seq_length


def test_lines_of_a_page_are_joined_and_long_ones_are_kept_as_lines(
    tiny: SentenceTransformer, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrapped = "A file that a thread\nhas in two lines. Another file is here."
    table = "\n".join(f"the {n} of a file, and the file of the file" for n in range(8))
    monkeypatch.setattr(tiny.tokenizer, "max_seq_length", 400)
    found = prepare_texts(parts(wrapped, table, *LINES), tiny, 0, hold_out=False).sentences
    assert "A file that a thread has in two lines." in found
    assert "the 3 of a file, and the file of the file" in found
    assert not any("\n" in text for text in found)


def test_a_twentieth_is_held_out_and_not_learnt_from(tiny: SentenceTransformer) -> None:
    found = prepare_texts(parts(*LINES), tiny, 3)
    assert len(found.unseen_pieces) == 3
    assert not set(found.unseen_pieces) & set(found.pieces)
    assert set(found.unseen_pieces) | set(found.pieces) == set(LINES)
    # The second sentence of all passages is one that is learnt from.
    assert len(found.unseen_sentences) == 3
    assert not set(found.unseen_sentences) & set(found.sentences)
    assert prepare_texts(parts(*LINES), tiny, 3) == found
    assert prepare_texts(parts(*LINES), tiny, 4) != found


def test_rows_are_two_data_sets_with_their_prompts(tiny: SentenceTransformer) -> None:
    found = prepare_texts(parts(*LINES), tiny, 0)
    rows = found.rows()
    assert {row.dataset for row in rows.rows} == {"pieces", "sentences"}
    assert len(rows.rows) == len(found.pieces) + len(found.sentences)
    assert found.prompts(tiny) == {"pieces": "", "sentences": "find "}
    words = [f"word{n} word word" for n in range(120)]
    only = prepare_texts(parts(*words), tiny, 0)
    assert {*only.rows().columns} == {"pieces"}
    assert only.prompts(tiny) == {"pieces": ""}


def test_too_few_texts_are_refused(tiny: SentenceTransformer) -> None:
    with pytest.raises(DataError, match=r"texts\.csv: 51 texts in all.*at least 100 pieces"):
        prepare_texts(parts(*LINES[:25]), tiny, 0)


def test_texts_and_pairs_are_read(tmp_path: Path) -> None:
    pairs, texts = tmp_path / "pairs.jsonl", tmp_path / "texts.txt"
    pairs.write_text(json.dumps({"question": "Who is it?", "passage": "They are."}), "utf-8")
    texts.write_text("one\ntwo\n", "utf-8")
    first, second = read_texts_to_distill([pairs, texts])
    assert [*first.questions.values()] == ["Who is it?"]
    assert [*first.passages.values()] == ["They are."]
    assert not second.questions
    assert [*second.passages.values()] == ["one", "two"]
    with pytest.raises(DataError):
        read_texts_to_distill([tmp_path / "texts.pdf"])
