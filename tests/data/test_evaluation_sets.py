"""Sets to evaluate answers: which column is the passage, and which may be wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from sentune.data.corpus import read_passages
from sentune.data.pair_files.reading import read_pairs
from sentune.data.roles.options import ReadOptions
from sentune.data.texts import read_questions
from sentune.errors import ArgumentError

Write = Callable[[str, str | bytes], Path]
Refusal = Callable[[Callable[[Path], object], Path], str]


def _file(write: Write, columns: str) -> Path:
    row = {
        name: [f"{name} 1", f"{name} 2"] if name.endswith("contexts") else name
        for name in columns.split()
    }
    return write("x.jsonl", json.dumps(row))


@pytest.mark.parametrize(
    ("columns", "passage", "unused", "unproven"),
    [
        ("question ground_truth", "ground_truth", "", ""),
        ("question expected_answer", "expected_answer", "", ""),
        ("question reference", "reference", "", ""),
        ("question ideal_answer", "ideal_answer", "", ""),
        ("input expected_output", "expected_output", "", ""),
        ("question contexts ground_truth", "contexts", "ground_truth", ""),
        ("question context reference", "context", "reference", ""),
        ("question contexts answer ground_truth", "ground_truth", "", "answer contexts"),
        ("question answer ground_truth topic", "ground_truth", "topic", "answer"),
        (
            "user_input retrieved_contexts reference_contexts response reference",
            "reference_contexts",
            "reference",
            "retrieved_contexts response",
        ),
        (
            "user_input retrieved_contexts response reference",
            "reference",
            "",
            "retrieved_contexts response",
        ),
        (
            "question answer retrieved_contexts positive",
            "positive",
            "",
            "retrieved_contexts answer",
        ),
        ("query reference_contexts reference_answer", "reference_contexts", "reference_answer", ""),
        ("question text", "text", "", ""),
        ("question answer_text source_page", "answer_text", "source_page", ""),
        ("question answer text", "answer", "text", ""),
    ],
)
def test_only_what_is_known_to_be_right_is_the_passage(
    write: Write, columns: str, passage: str, unused: str, unproven: str
) -> None:
    pairs = read_pairs(_file(write, columns))
    texts = [f"{passage} 1", f"{passage} 2"] if passage.endswith("contexts") else [passage]
    assert list(pairs.passages.values()) == texts
    notes = [note for note in pairs.notes if "not used" in note]
    assert len(notes) == bool(unused) + bool(unproven)
    for names in (unused, unproven):
        assert not names or any(all(repr(name) in note for name in names.split()) for note in notes)
    assert not unproven or "is not known to be right" in notes[-1]


@pytest.mark.parametrize(
    ("columns", "parts"),
    [
        ("question context answer", ["'context', 'answer' could each be the passage"]),
        ("question answer reference", ["'answer', 'reference' could each be the passage"]),
        (
            "user_input retrieved_contexts response",
            ["'retrieved_contexts' may be wrong", "--passage-column retrieved_contexts"],
        ),
        ("question answer retrieved_contexts", ["'retrieved_contexts' may be wrong"]),
        ("pregunta respuesta", ["no column could be the question", "--question-column NAME"]),
        ("title text source", ["no column could be the question", "sentune ask makes questions"]),
        ("title abstract", ["no column could be the question", "--passage-column NAME"]),
    ],
)
def test_a_person_has_to_choose(
    write: Write, refusal: Refusal, columns: str, parts: list[str]
) -> None:
    message = refusal(read_pairs, _file(write, columns))
    assert all(part in message for part in parts)


@pytest.mark.parametrize(
    ("columns", "options", "expected"),
    [
        ("question context answer", ReadOptions(passage="context"), ("question", "context")),
        ("question context answer", ReadOptions(answer="Answer"), ("question", "answer")),
        (
            "pregunta respuesta",
            ReadOptions(question="pregunta", answer="respuesta"),
            ("pregunta", "respuesta"),
        ),
        ("title abstract year", ReadOptions(question="title", passage="abstract"), None),
        ("query positive body", ReadOptions(passage="body"), ("query", "body")),
    ],
)
def test_a_person_chooses(
    write: Write, columns: str, options: ReadOptions, expected: tuple[str, str] | None
) -> None:
    pairs = read_pairs(_file(write, columns), options)
    assert list(pairs.rows()) == [expected or ("title", "abstract")]


def test_a_name_that_is_not_there_is_refused_with_those_that_are(
    write: Write, refusal: Refusal
) -> None:
    path = _file(write, "question answer")
    message = refusal(lambda path: read_pairs(path, ReadOptions(passage="text")), path)
    assert "--passage-column names 'text', and there is no such column" in message
    assert "(columns found: 'question', 'answer')" in message


def test_titled_passages_of_dpr_and_tevatron(write: Write) -> None:
    dpr = {
        "dataset": "nq",
        "question": "q",
        "answers": ["a"],
        "positive_ctxs": [{"title": "T", "text": "p", "score": 9}],
        "negative_ctxs": [{"title": "N", "text": "n"}],
        "hard_negative_ctxs": [{"title": "H", "text": "h"}],
    }
    pairs = read_pairs(write("x.json", json.dumps([dpr])))
    assert list(pairs.rows()) == [("q", "T p", "H h", "N n")]
    tevatron = {
        "query_id": 1,
        "query": "q",
        "positive_passages": [{"docid": 3, "title": "T", "text": "p"}],
        "negative_passages": [{"docid": 4, "title": "", "text": "n"}],
    }
    pairs = read_pairs(write("x.jsonl", json.dumps(tevatron)))
    assert list(pairs.rows()) == [("q", "T p", "n")]


def test_rows_of_squad_without_an_answer_are_left_out(write: Write) -> None:
    rows = [
        {"context": "c", "question": "q", "answers": {"text": ["x"], "answer_start": [1]}},
        {"context": "c", "question": "r", "answers": {"text": [], "answer_start": []}},
    ]
    pairs = read_pairs(write("x.jsonl", "\n".join(map(json.dumps, rows))))
    assert list(pairs.rows()) == [("q", "c")]
    assert "1 row without an answer in the passage is left out" in pairs.notes


def test_blank_cells_are_left_out_and_counted(write: Write, refusal: Refusal) -> None:
    path = write("x.csv", "question,answer\na,b\nc,\n ,d\ne,f\n")
    assert "column 'answer' is empty" in refusal(read_pairs, path)
    pairs = read_pairs(path, ReadOptions(skip_blank=True))
    assert list(pairs.rows()) == [("a", "b"), ("e", "f")]
    assert pairs.notes == ("2 rows with a blank cell are left out",)
    path = write("x.jsonl", '{"query": "a", "pos": null}\n{"query": "b", "pos": ["c"], "neg": []}')
    assert len(read_pairs(path, ReadOptions(skip_blank=True))) == 1


def test_a_file_of_questions_may_call_them_query(write: Write) -> None:
    assert list(read_questions(write("x.jsonl", '{"id": 1, "query": "a"}'))) == ["a"]
    assert list(read_questions(write("x.csv", "_id,text\n1,a\n"))) == ["a"]
    assert list(read_questions(write("x.csv", "query,answer\na,b\n"))) == ["a"]
    path = write("x.csv", "frage,text\na,b\n")
    assert list(read_questions(path, ReadOptions(question="frage"))) == ["a"]


def test_labels_of_pairs_do_not_matter_where_only_passages_do(write: Write) -> None:
    told: list[str] = []
    path = write("x.csv", "query,passage,relevant\na,b,1\na,c,0\n")
    assert read_passages(path, ReadOptions(tell=told.append)) == {"p1": "b", "p2": "c"}


def test_settings_give_back_what_a_person_said() -> None:
    options = ReadOptions(question="q", ignore=("a", "b"), header=False, skip_blank=True)
    assert ReadOptions.of_settings(options.settings()) == options
    assert ReadOptions.of_settings({}) == ReadOptions()
    for name, value in (("question_column", 3), ("ignore_column", "a"), ("no_header", "yes")):
        with pytest.raises(ArgumentError, match=name):
            ReadOptions.of_settings({name: value})
