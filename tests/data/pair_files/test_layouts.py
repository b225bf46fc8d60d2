from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from sentune.data.pair_files.reading import read_pairs

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


def _squad(*asked: object) -> dict[str, object]:
    paragraph = {"context": "c", "qas": list(asked)}
    return {"version": "v2.0", "data": [{"title": "T", "paragraphs": [paragraph]}]}


def test_squad_gives_paragraphs_and_the_questions_they_answer(write: Write) -> None:
    answers = [{"text": "c", "answer_start": 0}]
    document = _squad(
        {"id": "1", "question": "q", "answers": answers},
        {"id": "2", "question": "r", "answers": [], "is_impossible": True},
        {"id": "3", "question": "s", "answers": answers, "is_impossible": True},
    )
    pairs = read_pairs(write("x.json", json.dumps(document)))
    assert pairs.questions == {"1": "q"}
    assert list(pairs.rows()) == [("q", "c")]
    assert pairs.notes == ("2 questions have no relevant passage and are left out",)


@pytest.mark.parametrize(
    ("document", "part"),
    [
        (_squad({"id": "1", "question": 3}), "question 1, column 'question' holds a number"),
        (_squad(3), "article 1, paragraph 1, question 1 holds a number"),
        (_squad({"id": 1, "question": "a"}, {"id": 1, "question": "b"}), "the id '1' of another"),
        ({"data": [{"paragraphs": [3]}]}, "article 1, paragraph 1 holds a number"),
        ({"data": [{"paragraphs": 3}]}, "article 1, paragraphs holds a number"),
        ({"data": [{"paragraphs": []}, 3]}, "article 2 holds a number"),
    ],
)
def test_squad_of_another_shape_is_refused(
    write: Write, refusal: Refusal, document: object, part: str
) -> None:
    assert part in refusal(read_pairs, write("x.json", json.dumps(document)))


@pytest.mark.parametrize(
    ("document", "parts"),
    [
        (
            {"name": "n", "test_cases": [{"question": "a"}]},
            [
                "'name', 'test_cases'",
                "1 row under 'test_cases'",
                "Save the list under 'test_cases'",
            ],
        ),
        ({"test_cases": [{"question": "a"}] * 2}, ["2 rows under 'test_cases'"]),
        ({"a": {"b": [{"c": 1}]}, "d": 1}, ["1 row under 'a.b'"]),
        (
            {"train": [{"c": 1}], "test": [{"c": 1}]},
            ["1 row under 'train', 1 row under 'test'", "under one of these keys"],
        ),
    ],
)
def test_rows_inside_a_document_are_named(
    write: Write, refusal: Refusal, document: object, parts: list[str]
) -> None:
    message = refusal(read_pairs, write("x.json", json.dumps(document)))
    assert all(part in message for part in parts)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n"])
def test_one_row_a_line_may_be_called_json(write: Write, refusal: Refusal, end: str) -> None:
    lines = ['{"question": "a\u2028", "answer": "b"}', '{"question": "c", "answer": "d"}']
    pairs = read_pairs(write("x.json", end.join(lines) + end))
    assert list(pairs.rows()) == [("a\u2028", "b"), ("c", "d")]
    path = write("x.json", lines[0] + "\n" + lines[1][:-2])
    assert "x.json, line 2, column" in refusal(read_pairs, path)
