"""Counts of what may be wrong with pairs."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from sentune.data import Pairs, inspect_pairs
from sentune.data.guards import normalised
from sentune.data.pair_files.assembly import PairRow, pairs_of_rows


def made(*rows: tuple[str, str]) -> Pairs:
    return pairs_of_rows((PairRow(question, (passage,)) for question, passage in rows), "x")


def test_groups_and_what_nobody_asks_for() -> None:
    pairs = made(("a?", "one"), ("b?", "one"), ("c?", "two"), ("a?", "three"))
    pairs = replace(pairs, passages={**pairs.passages, "x": "four"})
    found = inspect_pairs(pairs)
    assert (found.pairs, found.questions, found.passages, found.unasked) == (4, 3, 4, 1)
    assert (found.groups, found.largest_group, found.most_asked) == (2, 2, 2)


def test_lengths_and_question_marks_tell_of_swapped_columns() -> None:
    found = inspect_pairs(made(("a long answer", "why?"), ("short", "is it longer?")))
    assert (found.longer, found.question_letters, found.passage_letters) == (1, 18, 17)
    assert (found.asking_questions, found.asking_passages) == (0, 2)


def test_placeholders_are_counted_in_every_pair_and_passage() -> None:
    pairs = made(("a?", "nan"), ("b?", "nan"), ("c?", "N/A"), ("d?", "None of it"), ("e?", "NaN "))
    pairs = replace(pairs, passages={**pairs.passages, "x": "null"})
    assert inspect_pairs(pairs).placeholders == {"nan": 2, "N/A": 1, "NaN": 1, "null": 1}


def test_texts_that_are_alike() -> None:
    pairs = made(("Who?", "They."), ("who", "they"), ("Same. ", "same"), ("what", "Other"))
    found = inspect_pairs(pairs)
    assert (found.same, found.alike_questions, found.alike_passages) == (1, 1, 1)


def test_texts_alone_can_be_inspected() -> None:
    found = inspect_pairs(Pairs({}, {"p": "This is a text.", "q": "Das ist ein Text."}, {}))
    assert (found.pairs, found.groups, found.unasked) == (0, 0, 2)
    assert found.languages == {"en": 1, "de": 1}
    assert found.read == 2


def test_languages_are_those_of_a_sample_from_all_over() -> None:
    english = {f"p{n}": f"This is the text of number {n}." for n in range(5000)}
    found = inspect_pairs(Pairs({}, english, {}))
    assert found.languages == {"en": found.read}
    assert 1000 < found.read <= 2000


texts = st.text("ab. ?", min_size=1, max_size=6).filter(str.strip)


@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=12))
def test_counts_are_those_of_a_plain_count(rows: list[tuple[str, str]]) -> None:
    pairs = made(*rows)
    found = inspect_pairs(pairs)
    kept = list(dict.fromkeys(rows))
    assert found.pairs == len(kept)
    assert found.longer == sum(len(question) > len(passage) for question, passage in kept)
    assert found.same == sum(normalised(a) == normalised(b) for a, b in kept)
    passages = list(dict.fromkeys(passage for _, passage in rows))
    forms = {normalised(passage) for passage in passages}
    assert found.alike_passages == len(passages) - len(forms)
    linked = sum(a[0] != b[0] and a[1] == b[1] for a, b in combinations(kept, 2))
    assert found.largest_group <= found.questions
    assert (found.groups == found.questions) == (linked == 0)
