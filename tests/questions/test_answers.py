"""Answers of a model: what of them are questions."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.questions.server import answer

from sentune.questions.answers import Answer, UnusableAnswerError, answer_of, pairs_of
from sentune.questions.prompt import ASKED_KINDS, SCHEMA
from sentune.questions.source import SourcePassage

GOOD = answer(("question", "Who opens the valve?", "The keeper opens it."))
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@pytest.mark.parametrize(
    "content",
    [
        GOOD,
        f"```json\n{GOOD}\n```",
        f"<think>The passage {{ is short.</think>\n\n{GOOD}\n",
        json.dumps(json.loads(GOOD)["questions"]),
    ],
)
def test_ways_in_which_models_write_an_answer(content: str) -> None:
    expected = Answer("question", "Who opens the valve?", "The keeper opens it.")
    assert answer_of(content) == [expected]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "an empty answer"),
        ("Sure! " + GOOD, "no whole JSON"),
        (GOOD[:-3], "no whole JSON"),
        ("<html>", "HTML"),
        ("[" * 100_000, "no whole JSON"),
        ('"questions"', "without a list"),
        ('{"questions": ["Who?"]}', "no object"),
        ('{"questions": [{"kind": "claim"}]}', "without a text"),
        ('{"questions": [{"kind": "claim", "text": " "}]}', "without a text"),
    ],
)
def test_no_answer(content: str, reason: str) -> None:
    with pytest.raises(UnusableAnswerError, match=reason):
        answer_of(content)


def test_nothing_to_ask_is_an_answer() -> None:
    assert answer_of('{"questions": []}') == []


def test_more_than_was_asked_for_is_flagged() -> None:
    flags = [
        each.flag
        for each in answer_of(
            answer(("title", "Valves", "x"), ("title", "More", "x"), ("poem", "Oh valve", "x"))
        )
    ]
    assert flags[0] is None
    assert all(str(flag).startswith("not asked for") for flag in flags[1:])


def test_the_schema_has_the_kinds_that_are_asked_for() -> None:
    item = SCHEMA["properties"]["questions"]["items"]
    assert item["properties"]["kind"]["enum"] == list(ASKED_KINDS)
    assert sorted(item["required"]) == sorted(item["properties"])


@settings(max_examples=50)
@given(JSON.map(json.dumps) | st.text())
def test_anything_is_questions_or_unusable(content: str) -> None:
    passage = SourcePassage("p", "The keeper opens it.")
    try:
        answers = answer_of(content)
    except UnusableAnswerError:
        return
    for pair in pairs_of(answers, passage):
        assert pair.question.strip()
        assert pair.question.encode()


@given(st.lists(st.tuples(st.sampled_from([*ASKED_KINDS, "x"]), st.text(min_size=1), st.text())))
def test_no_question_is_lost(written: list[tuple[str, str, str]]) -> None:
    written = [each for each in written if any(map(str.isalnum, each[1]))]
    assert len(answer_of(answer(*written))) == len(written)
