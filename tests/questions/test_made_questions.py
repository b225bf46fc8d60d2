"""Texts without questions: made questions, and sentences to train on."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentune.data import Pairs
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import DataError
from sentune.questions import made_questions
from sentune.questions.made_questions import made_training, part_texts
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


def test_a_made_question_is_a_sentence_that_its_passage_no_longer_has() -> None:
    train, held_out = part_texts(texts(), 0.2, 0)
    assert len(held_out.questions) == 2
    assert train.questions == {}
    assert {**train.passages, **held_out.passages}.keys() == texts().passages.keys()
    for key, question in held_out.questions.items():
        assert held_out.relevant[key] == (key,)
        whole = " ".join(texts().passages[key].split())
        rest = " ".join(held_out.passages[key].split())
        assert question in whole
        assert question not in rest
        assert sorted(whole.split()) == sorted([*question.split(), *rest.split()])


def test_lines_are_no_sentences_and_what_all_passages_say_asks_for_none() -> None:
    everyone = part_texts(texts(), 0.9, 0).held_out
    wanted = set()
    for thing in THINGS:
        wanted.add(f"This chapter is about the {thing} and what is done with it.")
        wanted.add(f"A {thing} is opened before it is read, and it is closed when nobody uses it.")
    assert set(everyone.questions.values()) <= wanted


def test_several_sentences_of_one_passage_are_asked_and_half_of_it_is_left() -> None:
    def passage(name: str) -> str:
        return " ".join(f"Part {part} of the {name} is checked every week." for part in range(9))

    held_out = part_texts(Pairs({}, {n: passage(n) for n in ("pump", "valve")}, {}), 0.5, 0)[1]
    (key,) = held_out.passages
    assert list(held_out.questions) == [key, f"{key}#1", f"{key}#2"]
    assert set(held_out.relevant.values()) == {(key,)}
    for question in held_out.questions.values():
        assert question in passage(key)
        assert question not in held_out.passages[key]
    assert 2 * len(held_out.passages[key]) >= len(passage(key))


def test_a_list_of_references_asks_nothing() -> None:
    titles = ("On the Opening of Files", "How a Queue Is Read", "The Closing of a Window")
    listed = " ".join(
        f"Doe, J. et al. (2021) {title}. arXiv:2101.0000{n}." for n, title in enumerate(titles)
    )
    given = replace(texts(), passages={**texts().passages, "list": listed})
    held_out = part_texts(given, 0.9, 0).held_out
    assert "list" not in held_out.passages


def test_without_whole_sentences_lines_are_asked() -> None:
    lines = "\n".join(
        f"a line of words that goes on for some {{}} time, number {n}" for n in range(4)
    )
    passages = {thing: lines.replace("{}", thing) for thing in THINGS}
    held_out = part_texts(Pairs({}, passages, {}), 0.2, 0).held_out
    assert all("number" in question for question in held_out.questions.values())


@given(st.permutations(THINGS))
def test_the_order_of_the_texts_changes_nothing(things: list[str]) -> None:
    first, second = (part_texts(texts(order), 0.3, 7).held_out for order in (THINGS, things))
    assert first.questions == second.questions
    assert first.passages == second.passages


def test_the_seed_does() -> None:
    assert len({tuple(part_texts(texts(), 0.2, seed).held_out.questions) for seed in range(6)}) > 1


def test_no_more_passages_are_held_out_than_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(made_questions, "_MOST_HELD_OUT", 1)
    assert len(part_texts(texts(), 0.5, 0).held_out.questions) == 1


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
