from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from sentune.data.pair_files import read_pairs

Write = Callable[[str, str | bytes], Path]
Refusal = Callable[[Callable[[Path], object], Path], str]


def test_both_layouts_give_the_same_pairs_under_their_own_ids(write: Write) -> None:
    questions = {"x": "what?", "y": "who?"}
    corpus = {"1": "that", "2": "they", "3": "nobody asks"}
    contexts = {
        "mode": "text",
        "questions": questions,
        "relevant_contexts": {"y": ["2", "1", "2"], "x": ["1"]},
        "corpus": corpus,
    }
    docs = {
        "queries": questions,
        "corpus": corpus,
        "relevant_docs": {"x": {"1": 1, "2": 0, "3": -1}, "y": {"2": 2.5, "1": 1}},
    }
    for document in (contexts, docs):
        pairs = read_pairs(write("x.json", json.dumps(document)))
        assert pairs.questions == questions
        assert pairs.passages == corpus
        assert pairs.relevant == {"x": ("1",), "y": ("2", "1")}
        assert list(pairs.relevant) == ["x", "y"]
        assert pairs.notes == ()


def test_repeated_texts_are_one_and_unanswered_questions_are_left_out(write: Write) -> None:
    document = {
        "questions": {"a": "q", "b": "r", "c": "q", "d": "s", "e": "t"},
        "relevant_contexts": {"a": ["1"], "b": ["3", "2"], "c": ["4", "2"], "d": []},
        "corpus": {"1": "one", "2": "two", "3": "two", "4": "one", "5": "two"},
    }
    pairs = read_pairs(write("x.json", json.dumps(document)))
    assert pairs.questions == {"a": "q", "b": "r"}
    assert pairs.passages == {"1": "one", "2": "two"}
    assert pairs.relevant == {"a": ("1", "2"), "b": ("2",)}
    assert pairs.notes == (
        "1 question repeats the text of another and counts as one with it",
        "3 passages repeat the text of another and count as one with it",
        "2 questions have no relevant passage and are left out",
    )


def _document(
    questions: object = '{"a": "q"}',
    relevant: object = '{"a": ["1"]}',
    corpus: object = '{"1": "p"}',
) -> str:
    return f'{{"questions": {questions}, "relevant_contexts": {relevant}, "corpus": {corpus}}}'


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        (_document(questions="[]"), ["x.json, questions holds a list"]),
        (_document(relevant="null"), ["x.json, relevant_contexts holds null"]),
        (_document(questions='{"a": 3}'), ["x.json, questions['a'] holds a number"]),
        (_document(corpus='{"1": " "}'), ["x.json, corpus['1'] is empty"]),
        (_document(relevant='{"a": "1"}'), ["x.json, relevant_contexts['a'] holds a text"]),
        (_document(relevant='{"a": [1]}'), ["x.json, relevant_contexts['a'] holds a number"]),
        (_document(relevant='{"a": {"1": "1"}}'), ["relevant_contexts['a'] has a text"]),
        (_document(relevant='{"a": {"1": true}}'), ["has true or false for a score"]),
        (_document(relevant='{"a": {"1": NaN}}'), ["has nan for a score"]),
        (_document(relevant='{"a": {"1": 1e999}}'), ["has inf for a score"]),
        (_document(relevant='{"a": []}'), ["x.json has no pairs"]),
        (_document(corpus='{"1": "p", "1": "r"}'), ["has the key '1' twice", "every key once"]),
        (
            _document(relevant='{"a": ["1", "5", "4", "5", "3", "2"]}'),
            [
                "x.json, relevant_contexts names 4 ids",
                "'5', '4', '3', and 1 more",
                "keys of corpus",
            ],
        ),
        (
            _document(relevant='{"a": ["1"], "z": ["1"]}'),
            ["x.json, relevant_contexts names 1 id ", "'z'", "keys of questions"],
        ),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_place(
    write: Write, refusal: Refusal, content: str, parts: list[str]
) -> None:
    message = refusal(read_pairs, write("x.json", content))
    for part in parts:
        assert part in message


def test_a_judgement_of_not_relevant_needs_no_passage(write: Write) -> None:
    content = _document(relevant='{"a": {"1": 1, "elsewhere": 0}}')
    assert read_pairs(write("x.json", content)).relevant == {"a": ("1",)}


def test_a_score_beyond_a_float_is_a_number_like_any_other(write: Write) -> None:
    content = _document(relevant='{"a": {"1": 1' + "0" * 400 + "}}")
    assert read_pairs(write("x.json", content)).relevant == {"a": ("1",)}
