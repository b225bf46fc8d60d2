from __future__ import annotations

import pytest

from sentune.data.roles.columns import PairColumns, is_pair, pair_columns
from sentune.data.roles.options import ReadOptions
from sentune.data.roles.text_columns import text_columns
from sentune.errors import DataError


@pytest.mark.parametrize(
    ("columns", "question", "passage", "negatives"),
    [
        (["anchor", "positive"], "anchor", "positive", []),
        (["positive", "anchor", "negative"], "anchor", "positive", ["negative"]),
        (
            ["negative_10", "negative_2", "anchor", "positive", "negative_1"],
            "anchor",
            "positive",
            ["negative_1", "negative_2", "negative_10"],
        ),
        (["anchor", "positive", "negatives"], "anchor", "positive", ["negatives"]),
        (["Question", "Context"], "Question", "Context", []),
        (["question", "passage"], "question", "passage", []),
        (["question", "answer"], "question", "answer", []),
        (["query", "document"], "query", "document", []),
        (["query", "pos", "neg", "prompt", "pos_scores"], "query", "pos", ["neg"]),
        (["query", "positive", "Hard Negative"], "query", "positive", ["Hard Negative"]),
        (["sentence_0", "sentence_1"], "sentence_0", "sentence_1", []),
        (["sentence_2", "sentence_1", "sentence_0"], "sentence_0", "sentence_1", ["sentence_2"]),
        (["sentence1", "sentence2"], "sentence1", "sentence2", []),
        (["text2", "text1", "text3"], "text1", "text2", ["text3"]),
        (["question1", "question2"], "question1", "question2", []),
        (["sentence_A", "sentence_B"], "sentence_A", "sentence_B", []),
        (["premise", "hypothesis"], "premise", "hypothesis", []),
        (["id", "text", " QUERY ", "passage", "negation"], " QUERY ", "passage", []),
    ],
)
def test_names_that_people_use_have_roles(
    columns: list[str], question: str, passage: str, negatives: list[str]
) -> None:
    expected = PairColumns(question, passage, tuple(negatives), ())
    assert pair_columns(columns, "file") == expected
    assert is_pair(columns)


@pytest.mark.parametrize("name", ["label", "labels", "Score", "scores", "is_duplicate"])
def test_scores_are_found(name: str) -> None:
    assert pair_columns(["anchor", "positive", name], "file").scores == (name,)


@pytest.mark.parametrize(
    "columns",
    [
        ["anchor"],
        ["positive"],
        ["sentence_2", "sentence_3"],
        ["text", "label"],
        ["anchor", "question", "positive"],
        ["anchor", "positive", "context"],
        ["sentence1", "sentence2", "query"],
        ["anchor", "positive", "sentence_0"],
        ["sentence1", "sentence2", "text1"],
        [],
    ],
)
def test_a_role_that_is_missing_or_claimed_twice_is_refused(columns: list[str]) -> None:
    with pytest.raises(DataError, match="ename the columns to anchor and positive") as caught:
        pair_columns(columns, "here.csv, line 1")
    assert str(caught.value).startswith("here.csv, line 1: ")
    assert all(repr(name) in str(caught.value) for name in columns)


def test_many_and_long_names_are_shortened_in_messages() -> None:
    with pytest.raises(DataError) as caught:
        pair_columns(["x" * 500, *map(str, range(30))], "file")
    assert len(str(caught.value)) < 500
    assert "and 21 more" in str(caught.value)


@pytest.mark.parametrize("columns", [["a"], ["text", "sentence"], []])
def test_the_text_must_be_one_column(columns: list[str]) -> None:
    with pytest.raises(DataError, match="exactly one column of texts"):
        text_columns(columns, "file")


def test_one_column_is_not_both_question_and_passage() -> None:
    options = ReadOptions(question="frage", passage="frage")
    with pytest.raises(DataError, match=r"f\.csv, line 1: the column 'frage' is named both for"):
        pair_columns(["frage", "antwort"], "f.csv, line 1", options)


def test_a_wrong_answer_is_a_negative() -> None:
    found = pair_columns(["question", "correct_answers", "incorrect_answers", "distractor2"], "x")
    assert (found.question, found.passage) == ("question", "correct_answers")
    assert set(found.negatives) == {"incorrect_answers", "distractor2"}


def test_a_context_beside_what_was_retrieved_is_the_right_one() -> None:
    columns = ["input", "actual_output", "expected_output", "context", "retrieval_context"]
    found = pair_columns(columns, "x")
    assert found.passage == "context"
    assert set(found.unproven) == {"actual_output", "retrieval_context"}
