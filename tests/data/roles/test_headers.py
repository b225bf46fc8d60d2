"""Files without a header, and files with an unexpected separator."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sentune.data.labelled import read_labelled_texts
from sentune.data.pair_files.reading import read_pairs
from sentune.data.roles.options import ReadOptions
from sentune.data.scored import is_scored, read_scored_pairs
from sentune.data.sentence_pairs import read_sentence_pairs
from sentune.data.texts import TextRow, read_text_rows

Write = Callable[[str, str | bytes], Path]
Refusal = Callable[[Callable[[Path], object], Path], str]
NO_HEADER = ReadOptions(header=False)


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        ("q\tp\nr\ts\n", [("q", "p"), ("r", "s")]),
        ("q\tp\tn\nr\ts\tm\n", [("q", "p", "n"), ("r", "s", "m")]),
        ("q\tp\tn\to\nr\ts\tm\tu\n", [("q", "p", "n", "o"), ("r", "s", "m", "u")]),
        ("q\tp\t1\nq\ts\t0\n", [("q", "p", "s")]),
        ("q\tp\tentailment\nq\ts\tcontradiction\n", [("q", "p", "s")]),
        ("query\tpassage\nr\ts\n", [("query", "passage"), ("r", "s")]),
    ],
)
def test_the_place_of_a_column_says_what_it_is(
    write: Write, content: str, rows: list[tuple[str, ...]]
) -> None:
    assert list(read_pairs(write("x.tsv", content), NO_HEADER).rows()) == rows


def test_a_person_names_columns_by_their_numbers(write: Write, refusal: Refusal) -> None:
    path = write("x.csv", "7,q,9,p\n")
    assert "with 4 columns" in refusal(lambda path: read_pairs(path, NO_HEADER), path)
    pairs = read_pairs(path, ReadOptions(header=False, question="2", passage="4"))
    assert list(pairs.rows()) == [("q", "p")]
    assert pairs.notes == ("the columns '1', '3' are not used",)
    options = ReadOptions(header=False, passage="2", id="1")
    assert list(read_text_rows(path, options)) == [TextRow("q", "7")]


def test_texts_labels_and_scores_without_a_header(write: Write) -> None:
    assert list(read_text_rows(write("a.csv", "x\ny\n"), NO_HEADER)) == [TextRow("x"), TextRow("y")]
    assert list(read_text_rows(write("b.tsv", "7\tx\n"), NO_HEADER)) == [TextRow("x", "7")]
    assert read_labelled_texts(write("c.csv", "x,1\ny,2\n"), NO_HEADER).labels == ("1", "2")
    path = write("d.csv", "a,b,3\nc,d,1\n")
    assert is_scored(path, NO_HEADER)
    assert read_scored_pairs(path, NO_HEADER).scores == (3.0, 1.0)
    assert list(read_sentence_pairs(write("e.csv", "a,b\nc,d\n"), NO_HEADER)) == [
        ("a", "b"),
        ("c", "d"),
    ]


@pytest.mark.parametrize(
    "content",
    [
        "what is it?\tIt is a thing.\nq\tp\n",
        "a cat\ta dog\t0\nq\tp\t1\n",
        "1\tthis is a text of many words\n2\tanother\n",
        "q1\t" + "x" * 50 + "\nq\tp\n",
    ],
)
def test_a_file_without_a_header_is_told_what_to_add(
    write: Write, refusal: Refusal, content: str
) -> None:
    path = write("x.tsv", content)
    for read in (read_pairs, lambda path: list(read_text_rows(path)), read_labelled_texts):
        message = refusal(read, path)
        assert "looks like a row of a file without a header" in message
        assert "Add --no-header" in message


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.csv", "question;answer\na, b;c\nd;e, f, g\n"),
        ("x.csv", 'question;answer\n"a, b";c\nd;"e, f, g"\n'),
        ("x.csv", "question\tanswer\na, b\tc\nd\te, f, g\n"),
        ("x.csv", "question|answer\na, b|c\nd|e, f, g\n"),
        ("x.csv", "sep=;\nquestion;answer\na, b;c\nd;e, f, g\n"),
        ("x.tsv", 'question,answer\n"a, b",c\nd,"e, f, g"\n'),
    ],
)
def test_another_separator_is_found(write: Write, name: str, content: str) -> None:
    assert list(read_pairs(write(name, content)).rows()) == [("a, b", "c"), ("d", "e, f, g")]


def test_one_column_with_other_separators_inside_stays_one(write: Write) -> None:
    rows = read_text_rows(write("x.csv", "text\na; b\nc; d\n"))
    assert [row.text for row in rows] == ["a; b", "c; d"]
    rows = read_text_rows(write("x.tsv", "text\na, b\n" + "c, d\n" * 30))
    assert [row.text for row in rows][:2] == ["a, b", "c, d"]
