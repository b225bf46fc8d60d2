"""Pairs of the documents' own structure."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentune.data import read_pairs
from sentune.questions.lines import json_line
from sentune.questions.made import MadePair, write_pairs
from sentune.questions.rules import flag_by_rules
from sentune.questions.source import PLACES, SourcePassage
from sentune.questions.structure import pairs_from_structure
from sentune.questions.terms import terms_of

CLOSE = "The keeper closes the main valve of the pump before all the side valves."
DAILY = "Every morning he notes the pressure in a book that lies on the shelf."
LATER = "Whoever closes the side valves first will damage the main valve and the pump."


def passage(name: str, body: str, *headings: str, source: str = "m.md") -> SourcePassage:
    title = " > ".join(headings)
    return SourcePassage(name, f"{title} {body}".strip(), title, headings, source)


def made(*passages: SourcePassage, seed: int = 0) -> dict[str, list[MadePair]]:
    found: dict[str, list[MadePair]] = {}
    for pair in pairs_from_structure(passages, seed):
        found.setdefault(pair.kind, []).append(pair)
    return found


def ids(pair: MadePair) -> tuple[str, tuple[str, ...]]:
    return pair.question, tuple(each.id for each in pair.passages)


def test_headings_and_titles() -> None:
    found = made(
        passage("0", CLOSE, "Manual of pumps", "2.1 Opening valves"),
        passage("1", LATER, "Manual of pumps", "2.1 Opening valves"),
        passage("2", DAILY, "Manual of pumps", "Closing valves", "Overview"),
        passage("3", DAILY, "Manual of pumps", "C. How is it cleaned?"),
        passage("4", "Introduction", "Manual of pumps", "Introduction"),
        *[passage(f"b{n}", DAILY, "Manual of pumps", "A broad section") for n in range(5)],
    )
    assert [ids(pair) for pair in found["heading"]] == [
        ("Opening valves", ("0", "1")),
        ("Closing valves: Overview", ("2",)),
    ]
    assert [ids(pair) for pair in found["title"]] == [("Manual of pumps", ("0",))]
    assert [ids(pair) for pair in found["question"]] == [("How is it cleaned?", ("3",))]
    assert all(pair.taken in pair.passages[0].title for pair in found["heading"])


@pytest.mark.parametrize(
    ("heading", "question"),
    [
        ("2.1 Opening valves", "Opening valves"),
        ("IV. Opening valves", "Opening valves"),
        ("Appendix B. Opening valves", "Opening valves"),
        ("Using libffi: valves", "Using libffi: valves"),
        ("asn1 read tag", "asn1 read tag"),
        ("Opening 3 valves", "Opening 3 valves"),
    ],
)
def test_only_a_number_before_a_heading_goes(heading: str, question: str) -> None:
    found = made(passage("0", CLOSE, heading))
    assert [ids(pair) for pair in found["heading"]] == [(question, ("0",))]


def test_every_place_in_a_document_is_read_as_no_judgement(tmp_path: Path) -> None:
    rows = [
        MadePair(f"question {n}", (_placed(n, name),), "heading")
        for name in PLACES
        for n in (1, 2, 4)
    ]
    write_pairs(tmp_path / "pairs.jsonl", rows)
    assert len(read_pairs(tmp_path / "pairs.jsonl")) == len(rows)


def _placed(number: int, name: str) -> SourcePassage:
    return SourcePassage(f"{name}{number}", f"{DAILY} {name} {number}", place={name: number})


def test_a_title_without_headings_as_in_rows() -> None:
    row = SourcePassage("r", f"Closing valves {CLOSE}", "Closing valves")
    assert [ids(pair) for pair in made(row)["title"]] == [("Closing valves", ("r",))]


def test_sentences_stand_in_one_passage_alone() -> None:
    found = made(passage("0", f"{CLOSE} {DAILY}"), passage("1", f"{DAILY} {LATER}"))
    sentences = {ids(pair) for pair in found["sentence"]}
    assert sentences == {(CLOSE, ("0",)), (LATER, ("1",))}
    assert all(pair.taken in pair.passages[0].body for pair in found["sentence"])


def test_questions_in_the_text_have_an_answer_behind_them() -> None:
    asked = "Q: When should the main valve be closed?"
    found = made(passage("0", f"{asked} {CLOSE}"), passage("1", f"{DAILY} And what comes then?"))
    assert [ids(pair) for pair in found["question"]] == [(asked.removeprefix("Q: "), ("0",))]


def test_spans_ask_for_the_next_passage_of_their_section() -> None:
    first = passage("0", f"{DAILY} {CLOSE}", "Pumps", "Valves")
    found = made(first, passage("1", LATER, "Pumps", "Valves"))
    assert [ids(pair) for pair in found["span"]] == [(f"{DAILY} {CLOSE}", ("1",))]
    assert "span" not in made(first, passage("1", LATER, "Pumps", "Other"))
    assert "span" not in made(first, passage("1", "A lamp is lit at dusk.", "Pumps", "Valves"))


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("Relay: a switch that a small current opens and closes.", ["Relay"]),
        ("1. Data privacy – impacts that come of the use of personal data.", ["Data privacy"]),
        ("Done. The bias circuit is a part that sets the point of operation.", ["bias circuit"]),
        ("Drift refers to a slow change of a quantity over time.", ["Drift"]),
        (
            "Bias assessment. Automated systems should be tested with a broad set of measures.",
            ["Bias assessment"],
        ),
        ("However, for old pumps, there is a valve that nobody has to close.", []),
        ("This is a part that sets the point of operation of it all.", []),
        ("Note: the valve has to be closed before the pump is opened.", []),
        ("It should be closed at night. Then all of the side valves may be opened.", []),
        ("The name of the game that we play here every day: a matter of taste, says he.", []),
    ],
)
def test_terms(text: str, terms: list[str]) -> None:
    assert terms_of(text) == terms


@settings(max_examples=40)
@given(st.lists(st.tuples(st.text(), st.lists(st.text(), max_size=2)), max_size=3))
def test_any_text_gives_pairs_that_can_be_written(written: list[tuple[str, list[str]]]) -> None:
    passages = [
        SourcePassage(str(n), text, headings=tuple(headings), source="s")
        for n, (text, headings) in enumerate(written)
    ]
    for pair in flag_by_rules(pairs_from_structure(passages, 0)):
        assert pair.passages
        assert all(json_line(row).count(b"\n") == 1 for row in pair.rows())


def test_lists_of_references_give_nothing() -> None:
    reference = "A. Person et al. (2021) On the uses of pumps in the country. arXiv:2101.00001. "
    assert not made(passage("0", reference * 4))


def test_the_texts_and_the_seed_settle_them() -> None:
    words = [word for word in f"{CLOSE} {DAILY} {LATER}".split() if word.isalpha()]
    draw = random.Random(0)
    passages = [
        passage(str(n), " ".join(f"The {' '.join(draw.sample(words, 9))}." for _ in range(6)))
        for n in range(8)
    ]
    one, again, other = (pairs_from_structure(passages, seed) for seed in (1, 1, 2))
    assert one == again != other
    backwards = pairs_from_structure(passages[::-1], 1)
    assert set(map(ids, one)) == set(map(ids, backwards))
    assert len({pair.passages[0].id for pair in one}) == 8
