"""Texts without questions: made questions, and sentences to train on."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentune.data import Pairs
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import DataError
from sentune.questions import made_questions
from sentune.questions.made_questions import made_training, part_texts
from sentune.questions.prose import bare_words, half_of_words, one_line, whole_sentences
from sentune.tuning.split import Split

THINGS = ["file", "thread", "date", "socket", "list", "word", "table", "folder", "program", "hash"]


def text_about(thing: str) -> str:
    return (
        f"This chapter is about the {thing} and what is done with it.\n"
        f"A {thing} is opened before it is\nread, and it is closed when nobody uses it.\n\n"
        f"See https://example.org/{thing}/index.html for all that is known. "
        "All rights of this book are reserved by those who wrote it."
    )


def texts(things: list[str] = THINGS) -> Pairs:
    return Pairs({}, {f"p-{thing}": text_about(thing) for thing in things}, {}, source="x/t.jsonl")


def rarity() -> Counter[str]:
    return Counter(word for text in texts().passages.values() for word in set(bare_words(text)))


def test_a_made_question_is_half_of_a_sentence_of_its_passage() -> None:
    train, held_out = part_texts(texts(), 0.2, 0)
    assert len(held_out.passages) == 2
    assert train.questions == {}
    assert {**train.passages, **held_out.passages} == texts().passages
    for name, question in held_out.questions.items():
        (key,) = held_out.relevant[name]
        sentences = [one_line(each) for each in whole_sentences(texts().passages[key])]
        assert question in [half_of_words(each, rarity(), 0) for each in sentences]


@given(st.lists(st.text("abc", min_size=1), min_size=2, max_size=9), st.integers(0, 5))
def test_half_of_the_words_stay_in_their_order(words: list[str], seed: int) -> None:
    half = half_of_words(" ".join(words), {}, seed).split()
    assert len(half) == (len(words) + 1) // 2
    left = iter(words)
    assert all(word in left for word in half)


@pytest.mark.parametrize("seed", range(5))
def test_the_rarest_word_is_among_them(seed: int) -> None:
    rarity = {"press": 9, "the": 9, "red": 3, "button": 7, "of": 9, "pump": 2}
    assert "Pump:" in half_of_words("Press the red button of the Pump:", rarity, seed).split()


@given(st.text("語文字", min_size=1, max_size=9), st.integers(0, 5))
def test_half_of_a_sentence_without_spaces_is_in_a_row(sentence: str, seed: int) -> None:
    half = half_of_words(sentence, {}, seed)
    assert half in sentence
    assert len(half) == (len(sentence) + 1) // 2


def test_lines_are_no_sentences_and_what_all_passages_say_asks_for_none() -> None:
    everyone = part_texts(texts(), 0.9, 0).held_out
    wanted = set()
    for thing in THINGS:
        wanted.add(f"This chapter is about the {thing} and what is done with it.")
        wanted.add(f"A {thing} is opened before it is read, and it is closed when nobody uses it.")
    assert set(everyone.questions.values()) <= {half_of_words(each, rarity(), 0) for each in wanted}
    assert len(set(everyone.questions.values())) == len(everyone.questions)


def test_a_list_of_references_asks_nothing() -> None:
    titles = ("On the Opening of Files", "How a Queue Is Read", "The Closing of a Window")
    listed = " ".join(f"Doe, J. et al. (2021) {title}. doi:10.1/{title[:6]}." for title in titles)
    given = replace(texts(), passages={**texts().passages, "list": listed})
    held_out = part_texts(given, 0.9, 0).held_out
    assert "list" not in held_out.passages


def test_three_sentences_of_a_passage_are_asked() -> None:
    def passage(name: str) -> str:
        parts = ("cover", "handle", "wheel", "spring", "seal")
        return " ".join(f"Clean the {name} {part} of the {part} {name} weekly." for part in parts)

    passages = {name: passage(name) for name in ("pump", "valve")}
    held_out = part_texts(Pairs({}, passages, {}), 0.5, 0).held_out
    (key,) = held_out.passages
    assert list(held_out.questions) == [f"{key}#0", f"{key}#1", f"{key}#2"]
    assert set(held_out.relevant.values()) == {(key,)}


def test_without_whole_sentences_lines_are_asked() -> None:
    lines = "\n".join(
        f"a line of words that goes on for some {{}} time, number {n}" for n in range(4)
    )
    passages = {thing: lines.replace("{}", thing) for thing in THINGS}
    held_out = part_texts(Pairs({}, passages, {}), 0.2, 0).held_out
    assert len(held_out.questions) == 6
    assert all(len(question.split()) == 7 for question in held_out.questions.values())


@given(st.permutations(THINGS))
def test_the_order_of_the_texts_changes_nothing(things: list[str]) -> None:
    first, second = (part_texts(texts(order), 0.3, 7).held_out for order in (THINGS, things))
    assert first.questions == second.questions
    assert first.passages == second.passages


def test_the_seed_does() -> None:
    assert len({tuple(part_texts(texts(), 0.2, seed).held_out.questions) for seed in range(6)}) > 1


def test_no_more_passages_are_held_out_than_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(made_questions, "_MOST_HELD_OUT", 1)
    assert len(part_texts(texts(), 0.5, 0).held_out.passages) == 1


@pytest.mark.parametrize("passages", [{"a": "Contents"}, {"a": text_about("file"), "b": "No."}])
def test_too_few_sentences_are_refused(passages: dict[str, str]) -> None:
    with pytest.raises(DataError, match=r"t\.jsonl has no questions, and .* passage"):
        part_texts(Pairs({}, passages, {}, source="t.jsonl"), 0.2, 0)


def test_sentences_are_trained_on_with_their_pieces(model: SentenceTransformer) -> None:
    pairs, data = made_training(texts(), model, 256, 2, 5, 0)
    assert len(pairs) == len(data.rows) > len(THINGS)
    for row in data.rows:
        assert row.texts[0] in row.texts[1]
    assert data.extra == 0
    assert pairs.notes == (
        f"t.jsonl has no questions: {len(pairs)} sentences of {len(pairs.passages)} pieces of "
        "passages are trained on instead",
    )


def test_an_epoch_of_many_texts_uses_a_part_of_them(
    model: SentenceTransformer, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, _ = made_training(texts(), model, 256, 2, 5, 0)
    monkeypatch.setattr(made_questions, "_EPOCH", 4)
    pairs, data = made_training(texts(), model, 256, 2, 2, 0)
    assert (len(pairs), data.extra, data.spread) == (8, 8, 2)
    assert sorted([*data.rows_in(0), *data.rows_in(1)]) == list(range(8))
    assert f"of {len(whole)}; more epochs use more" in pairs.notes[-1]


def test_one_piece_is_too_few(model: SentenceTransformer) -> None:
    with pytest.raises(DataError, match="with a sentence to train on"):
        made_training(texts(["file"]), model, 256, 2, 5, 0)


def test_all_passages_are_ranked_and_the_best_step_is_chosen_on_others() -> None:
    train, held_out = part_texts(texts(), 0.2, 0)
    split = Split(train, held_out, None, "measured on two")
    assert split.texts_only
    assert split.caution is not None
    assert replace(split, test=replace(held_out, made=False)).caution is None
    assert len(split.task(split.valid).passages) == len(THINGS)
    watched = split.watching(0)
    assert watched.watched is not None
    assert watched.texts_only
    assert not set(watched.watched.questions) & set(held_out.questions)
    assert len(watched.task(split.valid).passages) == len(THINGS)
    assert not replace(split, train=held_out).texts_only
