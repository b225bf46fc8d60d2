"""Situations of a result, and what may be said in each: sentences, advice and JSON agree."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentune.errors import DataError
from sentune.evaluation.claims import certainty, chance_sentence, notes, standing, verdict_text
from sentune.evaluation.facts import Facts, Relation, relation
from sentune.evaluation.significance import Difference, SeenDifference
from sentune.evaluation.verdict import verdict_of
from sentune.tokens.truncation import Truncation

CUT, WHOLE = Truncation(43, 27, 28828), Truncation(86)


def difference(value: float, p_value: float) -> Difference:
    return Difference(value, value - 0.1, value + 0.1, p_value)


def facts(
    *,
    gain: float = 0.05,
    p: float = 0.01,
    fusion: float = 0.1,
    fusion_p: float = 0.01,
    over_words: float = 0.1,
    words_p: float = 0.01,
    **changes: Any,
) -> Facts:
    """The facts of a tuning with the nDCG@10 of the tuned model as 0.7."""
    words = 0.7 - over_words
    return Facts(
        **{
            "questions": 12,
            "passages": 500,
            "groups": 40,
            "largest_group": 2,
            "means": {"base": 0.7 - gain, "model": 0.7, "bm25": words, "fusion": 0.7 + fusion},
            "right_first": {"base": 5, "model": 8, "bm25": 4, "fusion": 9},
            "differences": {
                "model_minus_base": difference(gain, p),
                "model_minus_bm25": difference(over_words, words_p),
                "fusion_minus_bm25": difference(0.7 + fusion - words, fusion_p),
                "fusion_minus_model": difference(fusion, fusion_p),
            },
            "weight": 0.6,
            "tunes": True,
            "trained": WHOLE,
            "measured": WHOLE,
            "limit": 256,
            **changes,
        }
    )


NONE: dict[str, Any] = {}
SITUATIONS: dict[str, tuple[dict[str, Any], str, tuple[str, ...], tuple[str, ...]]] = {
    # name: changes, outcome, what is said, what is not said
    "shown": (NONE, "shown", ("Tuning helped. Right passage first: 8 of 12",), ("may have",)),
    "at the limit": ({"p": 0.05}, "shown", ("Tuning helped.",), ("may have",)),
    "nothing to gain": (
        {"gain": 0.0, "p": 1.0, "means": dict.fromkeys(("base", "model", "bm25", "fusion"), 1.0)},
        "no better",
        ("The right passages already rank first for every question", "harder ones"),
        (),
    ),
    "something to gain": (NONE, "shown", (), ("already ranks",)),
    "not shown": (
        {"p": 0.25},
        "not shown",
        ("may have helped, but these questions do not show it; the tuned model is kept.",),
        ("Tuning helped",),
    ),
    "few groups": (
        {"groups": 5, "p": 0.0625},
        "not shown",
        ("5 independent groups of questions). So few groups of questions: fewer than 6 cannot",),
        ("Tuning helped",),
    ),
    "some groups": (
        {"groups": 29},
        "shown",
        ("29 independent groups of questions). So few groups of questions: the intervals are",),
        ("cannot show", "Only 29"),
    ),
    "won and lost": (
        {"p": 0.5, "won": 3, "lost": 2},
        "not shown",
        (
            "Tuning may have helped, but these questions do not show it; the tuned model is kept.",
            "in place of 5. Right passages rank higher for 3 questions and lower for 2. nDCG@10",
        ),
        ("show whether",),
    ),
    "more lost than won": (
        {"p": 0.5, "won": 2, "lost": 3},
        "not shown",
        (
            "These questions do not show whether tuning helped; the tuned model is kept.",
            "higher for 2 questions and lower for 3.",
        ),
        ("may have helped",),
    ),
    "as many lost as won, made questions": (
        {"p": 0.5, "won": 1, "lost": 1, "made": True},
        "not shown",
        (
            "On questions made from the passages, these questions do not show whether tuning",
            "higher for 1 question and lower for 1.",
        ),
        ("may have helped",),
    ),
    "shown, and more lost than won": (
        {"won": 2, "lost": 3},
        "shown",
        ("Tuning helped.", "higher for 2 questions and lower for 3."),
        ("may have",),
    ),
    "one group": (
        {"groups": 1, "p": 1.0},
        "not shown",
        ("All questions are connected", "1 independent group of questions)."),
        ("Only 1", "1 independent groups"),
    ),
    "one question": (
        {"questions": 1, "groups": 1, "p": 1.0, "right_first": {"base": 0, "model": 1}},
        "not shown",
        ("first: 1 of 1 question in place of 0.",),
        ("1 questions",),
    ),
    "a tie": (
        {"gain": 0.0, "p": 1.0},
        "no better",
        ("Tuning did not help, so the base model is kept.",),
        ("worse", "helped."),
    ),
    "behind": (
        {"gain": -0.02, "p": 0.3},
        "no better",
        ("Tuning did not help, so the base model is kept.",),
        ("worse",),
    ),
    "behind on made questions": (
        {"gain": -0.02, "p": 0.3, "made": True},
        "not shown",
        (
            "On questions made from the passages, these questions do not show whether tuning "
            "helped; the tuned model is kept.",
        ),
        ("worse", "did not help", "may have helped"),
    ),
    "worse on made questions": (
        {"gain": -0.2, "p": 0.001, "made": True},
        "no better",
        ("did not help: it made the model worse, so the base model is kept.",),
        ("may have",),
    ),
    "worse": (
        {"gain": -0.2, "p": 0.001},
        "no better",
        ("did not help: it made the model worse, so the base model is kept.",),
        ("may have",),
    ),
    "as many": (
        {"right_first": {"base": 8, "model": 8}},
        "shown",
        ("Right passage first: 8 of 12 questions, as before tuning.",),
        ("in place of",),
    ),
    "cut while measuring": (
        {"measured": CUT},
        "shown",
        ("In measuring, 27 of 43 texts were cut at 256 tokens: 28,828 tokens went unseen.",),
        ("In training",),
    ),
    "one text cut": (
        {"trained": Truncation(41, 1, 1)},
        "shown",
        ("In training, 1 of 41 texts was cut at 256 tokens: 1 token went unseen.",),
        ("In measuring",),
    ),
    "made questions": (
        {"made": True},
        "shown",
        ("On questions made from the passages, tuning helped.",),
        ("Tuning helped",),
    ),
    "few passages": ({"passages": 30}, "shown", ("Only 30 passages to choose from",), ()),
    "fusion shown worse": (
        {"fusion": -0.05},
        "shown",
        (
            "The fusion is worse than the model alone",
            "the fusion weight saved is 1: searches",
        ),
        ("chance",),
    ),
    "fusion behind": (
        {"fusion": -0.05, "fusion_p": 1.0},
        "shown",
        ("The fusion is behind the model alone", "but that may be chance), so searches use both."),
        ("weight saved", "worse", "search with"),
    ),
    "words shown better": (
        {"over_words": -0.2, "fusion": 0.3},
        "shown",
        ("BM25 alone beats the model",),
        ("is ahead of",),
    ),
    "words ahead": (
        {"over_words": -0.2, "words_p": 0.2, "fusion": 0.3},
        "shown",
        ("BM25 alone is ahead of the model", "but that may be chance"),
        ("beats",),
    ),
    "words better than the fusion": (
        {"over_words": -0.3, "fusion": 0.1},
        "shown",
        (
            "The fusion is worse than BM25 alone",
            "the fusion weight saved is 0: searches",
        ),
        ("worse than the model",),
    ),
}


@pytest.mark.parametrize("name", SITUATIONS)
def test_each_situation_has_its_words(name: str) -> None:
    changes, outcome, said, unsaid = SITUATIONS[name]
    found = facts(**changes)
    text = " ".join([verdict_text(found), *notes(found)])
    assert found.outcome == outcome
    assert found.keep == (outcome != "no better")
    assert all(part in text for part in said), text
    assert not any(part in text for part in unsaid), text
    assert verdict_of(found).text == verdict_text(found)
    plain = found.to_json()
    assert (plain["outcome"], plain["kept"]) == (outcome, "tuned" if found.keep else "base")


@pytest.mark.parametrize(
    ("changes", "weight"),
    [
        ({}, 0.6),
        ({"fusion": -0.05}, 1.0),
        ({"fusion": -0.05, "fusion_p": 0.06}, 0.6),
        ({"over_words": -0.3, "fusion": 0.1}, 0.0),
        ({"over_words": -0.3, "fusion": 0.1, "fusion_p": 0.06}, 0.6),
        ({"over_words": -0.3, "fusion": -0.1}, 0.0),  # worse than both: the better of them
        ({"over_words": 0.05, "fusion": -0.1}, 1.0),
    ],
)
def test_the_default_follows_the_advice(changes: dict[str, Any], weight: float) -> None:
    found = facts(**changes)
    assert found.search_weight == found.to_json()["search_weight"] == weight
    advised = [note for note in notes(found) if "the fusion weight saved is" in note]
    assert len(advised) == (weight != 0.6)
    # An evaluation saves nothing: it advises.
    advised = [note for note in notes(replace(found, tunes=False)) if ": search with" in note]
    assert len(advised) == (weight != 0.6)


def test_a_discarded_tuning_has_notes_and_weight_of_the_base_model() -> None:
    alone = facts(fusion=-0.05)
    found = facts(gain=-0.1, base_alone=alone, over_words=-0.2)
    assert found.of_kept is alone
    assert found.to_json()["search_weight"] == 1.0
    assert not any("BM25" in note for note in notes(found))
    (told,) = (note for note in notes(found) if "the fusion weight saved is 1" in note)
    assert told.startswith("With the base model, the fusion is worse than the model alone (")


def test_a_difference_on_questions_of_a_tuning_is_no_matter_of_chance() -> None:
    of = {"model_minus_bm25": SeenDifference(-0.2, -0.3, -0.1, 0.01)}
    found = facts(differences=of, tunes=False)
    (note,) = (note for note in notes(found) if note.startswith("BM25 alone"))
    assert "ahead" in note
    assert "on questions of a tuning, which proves nothing" in note
    assert "chance" not in note
    assert certainty(of["model_minus_bm25"]) == "trained on"
    assert [certainty(difference(0.1, p)) for p in (0.05, 0.051)] == ["shown", "not shown"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"p": 0.0566}, "about 5.66 of 100 tries"),
        ({"p": 0.25}, "about 25 of 100 tries"),
        ({"p": 0.003}, "fewer than 1 of 100 tries"),
        ({"p": 0.25, "groups": 5}, ""),
    ],
)
def test_p_is_told_as_a_count(changes: dict[str, Any], said: str) -> None:
    told = chance_sentence(facts(**changes))
    assert said in told
    assert bool(told) == bool(said)


def test_facts_without_a_base_have_no_verdict() -> None:
    found = facts(differences={}, tunes=False)
    assert found.to_json()["outcome"] is None
    assert found.to_json()["kept"] is None
    with pytest.raises(DataError, match="without the base model"):
        verdict_text(found)


@pytest.mark.parametrize(
    ("value", "p_value", "expected", "said"),
    [
        (0.1, 0.05, "better", "B is better than A."),
        (0.1, 0.06, "ahead", "B is ahead of A, but that may be chance."),
        (0.0, 1.0, "equal", "B and A have the same nDCG@10."),
        (-0.1, 0.06, "behind", "B is behind A, but that may be chance."),
        (-0.1, 0.05, "worse", "B is worse than A."),
    ],
)
def test_relations(value: float, p_value: float, expected: Relation, said: str) -> None:
    assert relation(difference(value, p_value)) == expected
    assert standing("B", "A", difference(value, p_value)) == said


@given(
    gain=st.floats(-0.5, 0.5),
    p=st.floats(0, 1),
    fusion=st.floats(-0.3, 0.3),
    fusion_p=st.floats(0, 1),
    groups=st.integers(1, 60),
)
def test_nothing_is_claimed_that_is_not_shown(
    gain: float, p: float, fusion: float, fusion_p: float, groups: int
) -> None:
    found = facts(gain=gain, p=p, fusion=fusion, fusion_p=fusion_p, groups=groups)
    text = " ".join([verdict_text(found), *notes(found)])
    assert ("Tuning helped." in text) == (gain > 0 and p <= 0.05)
    assert ("made the model worse" in text) == (gain < 0 and p <= 0.05)
    assert ("the fusion weight saved is" in text) == (found.search_weight != 0.6)
    assert not (fusion_p > 0.05 and re.search("fusion is worse|weight saved", text))
    assert not re.search(r"\b1 (questions|groups|independent groups|texts|tokens)\b", text)


def test_an_evaluation_has_no_verdict_that_says_how_few_groups_there_are() -> None:
    (told,) = (each for each in notes(facts(groups=29, tunes=False)) if "groups" in each)
    assert told.startswith("Only 29 independent groups of questions: the intervals are wide")
