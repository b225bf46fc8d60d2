from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from sentune.data.pair_files.reading import read_pairs, require_at_least
from sentune.errors import DataError

Write = Callable[[str, str | bytes], Path]
Refusal = Callable[[Callable[[Path], object], Path], str]
GOOD = '{"anchor": "a", "positive": "b"}\n'


@pytest.mark.parametrize(
    ("name", "content", "parts"),
    [
        ("x.jsonl", "", ["x.jsonl has no pairs"]),
        ("x.jsonl", "\n \n", ["x.jsonl has no pairs"]),
        ("x.json", "", ["x.json is empty"]),
        ("x.json", "[]", ["x.json has no pairs"]),
        ("x.json", "{}", ["x.json holds an object: expected a list of rows"]),
        ("x.json", '{"queries": {}, "corpus": {}}', ["'queries', 'corpus'", "relevant_docs"]),
        ("x.json", "3", ["x.json holds a number"]),
        ("x.csv", "", ["x.csv has no pairs"]),
        ("x.csv", "anchor,positive\n", ["x.csv has no pairs"]),
        ("x.jsonl", GOOD + "{oops}\n", ["x.jsonl, line 2, column 2", "valid JSON"]),
        ("x.jsonl", GOOD + "\n" + GOOD[:-4], ["x.jsonl, line 3, column"]),
        ("x.json", '[\n{"anchor": "a",\n "positive" "b"}]', ["x.json, line 3, column 13"]),
        ("x.json", '[{"anchor": "a", "anchor": "b"}]', ["x.json: ", "the key 'anchor' twice"]),
        ("x.jsonl", GOOD + '{"a": 1, "a": 1}', ["x.jsonl, line 2: ", "the key 'a' twice"]),
        ("x.jsonl", GOOD + "[" * 10**5, ["x.jsonl, line 2: ", "nested"]),
        ("x.jsonl", GOOD + '["a", "b"]', ["x.jsonl, line 2 holds a list", '{"anchor"']),
        ("x.jsonl", '"a"', ["x.jsonl, line 1 holds a text"]),
        ("x.json", '[{"anchor": "a", "positive": "b"}, null]', ["x.json, row 2 holds null"]),
        (
            "x.jsonl",
            GOOD + '{"anchor": 3, "positive": "b"}',
            ["x.jsonl, line 2, column 'anchor' holds a number", "Correct it"],
        ),
        (
            "x.jsonl",
            GOOD + '{"anchor": "a", "positive": null}',
            ["x.jsonl, line 2, column 'positive' holds null"],
        ),
        (
            "x.jsonl",
            '{"anchor": ["a"], "positive": "b"}',
            ["x.jsonl, line 1, column 'anchor' holds a list"],
        ),
        (
            "x.jsonl",
            '{"query": "a", "pos": ["b", true]}',
            ["x.jsonl, line 1, column 'pos' holds true or false"],
        ),
        ("x.jsonl", '{"query": "a", "pos": []}', ["line 1, column 'pos' is an empty list"]),
        (
            "x.jsonl",
            '{"anchor": "a", "positive": "b", "negative_2": " "}',
            ["x.jsonl, line 1, column 'negative_2' is empty"],
        ),
        (
            "x.jsonl",
            '{"anchor": "", "positive": "b"}',
            ["'anchor' is empty", "Fill it in"],
        ),
        ("x.jsonl", '{"anchor": "a\\u0000", "positive": "b"}', ["'anchor' holds a NUL character"]),
        ("x.jsonl", '{"anchor": "a\\ud83d", "positive": "b"}', ["half of a surrogate pair"]),
        ("x.jsonl", GOOD + "\0", ["x.jsonl, line 2 holds a NUL byte", "UTF-8"]),
        ("x.json", '[\n"\0"]', ["x.json, line 2 holds a NUL byte"]),
        ("x.csv", "anchor,positive\na,b\0\n", ["x.csv, line 2 holds a NUL byte"]),
        ("x.jsonl", GOOD.encode() + b"\xe9", ["x.jsonl, line 2: byte 1 of the line (0xe9)"]),
        ("x.json", b"[\n\n \xff]", ["x.json, line 3: byte 2 of the line (0xff)", "UTF-8"]),
        ("x.tsv", b"anchor\tpositive\r\na\tb\xc3\r\n", ["x.tsv, line 2: byte 4"]),
        (
            "x.csv",
            'anchor,positive\n"a\nb",c\nd\n',
            ["x.csv, line 4: the row has 1 field", "expected 2"],
        ),
        ("x.csv", "anchor,positive\na,b,c\n", ["x.csv, line 2: the row has 3 fields"]),
        ("x.csv", 'anchor,positive\n\n"a\nb\n', ["x.csv, line 3: a double quote opens here"]),
        (
            "x.csv",
            'anchor,positive\nx,"y ""a"" "\nx,y\n"a\n ""b"",\n c","d\n\ne\n',
            ["x.csv, line 6: a double quote opens here and never closes", "cut off"],
        ),
        ("x.csv", "anchor,positive\nx,y\nx", ["x.csv, line 3: the file ends inside", "cut off"]),
        ("x.csv", "anchor,positive\nx,y\nx\n", ["x.csv, line 3: the row has 1 field"]),
        ("x.csv", "anchor,positive\nx\nx,y", ["x.csv, line 2: the row has 1 field"]),
        ("x.csv", "anchor,positive\nx,y,z", ["x.csv, line 2: the row has 3 fields"]),
        ("x.csv", b"%PDF-1.5\n%\xd0\xd4", ["x.csv is a PDF document", "sentune read FILE.pdf"]),
        ("x.csv", b"PK\x03\x04\x14", ["x.csv is a ZIP archive", ".xlsx", "sentune read"]),
        ("x.jsonl", b"PAR1\x15\x04\x15", ["x.jsonl is a Parquet file", "suffix to .parquet"]),
        ("x.jsonl", b"PAR1 and PAR2\n", ["x.jsonl, line 1"]),
        ("x.csv", b"\x1f\x8b\x08\x00", ["x.csv is a file packed by gzip", "gunzip FILE.gz"]),
        ("x.tsv", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", ["an old office program", "as CSV"]),
        (
            "x.csv",
            "anchor,positive\nx,  \n",
            ["x.csv, line 2, column 'positive' is empty", "add --skip-blank to leave such rows"],
        ),
        ("x.csv", 'anchor,positive\n"a"b,c\n', ["x.csv, line 2: the row", "doubled"]),
        ("x.csv", "anchor,positive,anchor\n1,2,3\n", ["line 1: the header names 'anchor' more"]),
        ("x.csv", "a,b\n1,2\n", ["x.csv, line 1: no column could be the question", "'a', 'b'"]),
        (
            "x.jsonl",
            GOOD + '{"anchor": "a", "postive": "b"}',
            [
                "x.jsonl, line 2: no column could be the passage",
                "'anchor', 'postive'",
                "Rename the columns to anchor and positive",
            ],
        ),
        (
            "x.csv",
            "question,context,answer\n1,2,3\n",
            [
                "x.csv, line 1: the columns 'context', 'answer' could each be the passage",
                "columns found: 'question', 'context', 'answer'",
            ],
        ),
        ("x.csv", "Query,query,pos\n1,2,3\n", ["'Query', 'query' could each be the question"]),
        ("x.json", '{"anchor": [], "positive": []}', ["x.json has no pairs"]),
        (
            "x.json",
            '{"anchor": ["a"], "positive": ["b", "c"]}',
            ["x.json: the columns differ in length ('anchor' has 1, 'positive' has 2)"],
        ),
        ("x.json", '{"a": ["a"], "positive": ["b"]}', ["x.json: no column could be the question"]),
        ("x.xlsx", "PK", ["x.xlsx has the suffix '.xlsx'", ".jsonl, .ndjson, .json"]),
        ("x", GOOD, ["x has no suffix", ".csv, .tsv"]),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_place(
    write: Write, refusal: Refusal, name: str, content: str | bytes, parts: list[str]
) -> None:
    message = refusal(read_pairs, write(name, content))
    for part in parts:
        assert part in message


def test_a_path_without_a_file_is_refused(tmp_path: Path, refusal: Refusal) -> None:
    assert "no.csv does not exist" in refusal(read_pairs, tmp_path / "no.csv")
    (tmp_path / "folder.csv").mkdir()
    message = refusal(read_pairs, tmp_path / "folder.csv")
    assert "folder.csv is an empty folder" in message
    assert "BEIR" not in message
    loop = tmp_path / "loop.csv"
    loop.symlink_to(loop)
    assert "loop.csv can't be read (" in refusal(read_pairs, loop)


@pytest.mark.parametrize("name", ["x.csv", "x.json", "x.jsonl"])
def test_a_file_that_may_not_be_read_is_refused(
    write: Write, refusal: Refusal, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path = write(name, GOOD)

    def denied(*_: object, **__: object) -> None:
        raise PermissionError(13, os.strerror(13))

    monkeypatch.setattr(Path, "open", denied)
    assert f"{name} can't be read (Permission denied)" in refusal(read_pairs, path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("1.csv", "anchor,positive,label\na,b,1\nc,d,0\n"),
        ("2.csv", "sentence1,sentence2,score\na,b,1.0\nc,d,0.4\n"),
        ("3.csv", "premise,hypothesis,Labels\na,b,1\nc,d,entailment\n"),
        ("4.csv", "text1,text2,scores\na,b,1\nc,d,5.0\n"),
    ],
)
def test_pairs_with_scores_below_one_are_refused(
    write: Write, refusal: Refusal, name: str, content: str
) -> None:
    message = refusal(read_pairs, write(name, content))
    column = content.splitlines()[0].split(",")[2]
    value = content.splitlines()[2].split(",")[2]
    assert f"{name}, line 3, column '{column}' holds '{value}'" in message
    assert "sentune evaluate" in message
    assert "sentence1, sentence2 and score" in message


@pytest.mark.parametrize("value", ["null", "false", "[1, 1]", "0", "2", '"x"'])
def test_json_scores_other_than_one_are_refused(write: Write, refusal: Refusal, value: str) -> None:
    path = write("x.jsonl", f'{{"anchor": "a", "positive": "b", "label": {value}}}')
    assert "x.jsonl, line 1, column 'label' holds" in refusal(read_pairs, path)


@pytest.mark.parametrize("value", ["1", "1.0", '"1"', "true"])
def test_pairs_that_are_all_scored_one_are_read(write: Write, value: str) -> None:
    path = write("x.jsonl", f'{{"anchor": "a", "positive": "b", "label": {value}}}')
    assert list(read_pairs(path).rows()) == [("a", "b")]


def test_repeated_questions_and_pairs_are_merged_and_noted(write: Write) -> None:
    pairs = read_pairs(
        write("x.csv", "question,answer\na,one\nb,one\na,two\na,one\na,one\nc,two\n")
    )
    assert pairs.questions == {"q1": "a", "q2": "b", "q3": "c"}
    assert pairs.passages == {"p1": "one", "p2": "two"}
    assert pairs.relevant == {"q1": ("p1", "p2"), "q2": ("p1",), "q3": ("p2",)}
    assert pairs.notes == (
        "2 pairs repeat an earlier pair and count once",
        "1 question has more than one relevant passage",
    )
    assert pairs.source.endswith("x.csv")


def test_a_negative_that_answers_its_question_is_left_out_and_noted(write: Write) -> None:
    lines = [
        {"query": "a", "pos": ["1", "2"], "neg": ["3", "1", "3"]},
        {"query": "a", "pos": "4", "neg": ["5", "2"]},
        {"query": "b", "pos": ["3"], "neg": []},
    ]
    pairs = read_pairs(write("x.jsonl", "\n".join(map(json.dumps, lines))))
    assert pairs.negatives == {"q1": ("3", "5")}
    assert "2 negatives also answer the question and are left out" in pairs.notes


def test_unknown_columns_and_blank_lines_are_ignored(write: Write) -> None:
    path = write("x.csv", ",title,Question, PASSAGE \n0,t,a,b\n\n1,,c,d\n")
    assert list(read_pairs(path).rows()) == [("a", "b"), ("c", "d")]


def test_a_field_longer_than_the_csv_default_is_read(write: Write) -> None:
    before = csv.field_size_limit(131_072)
    try:
        long = "x" * 300_000
        assert read_pairs(write("x.csv", f"anchor,positive\na,{long}\n")).passages["p1"] == long
        assert csv.field_size_limit() >= 300_000
    finally:
        csv.field_size_limit(before)


def test_one_pair_is_read_but_not_enough_to_tune(write: Write) -> None:
    pairs = read_pairs(str(write("x.jsonl", GOOD)))
    assert len(pairs) == 1
    require_at_least(pairs, 1, "evaluation")
    with pytest.raises(DataError, match=r"x\.jsonl has 1 pair: expected at least 2 for tuning"):
        require_at_least(pairs, 2, "tuning")


def test_columns_without_a_name_and_rows_of_separators_are_no_loss(write: Write) -> None:
    pairs = read_pairs(write("x.csv", "question,answer,,\na,b,,\nc,d,,\n,,,\n"))
    assert list(pairs.rows()) == [("a", "b"), ("c", "d")]
    assert pairs.notes == ("the columns 'column 3', 'column 4' are not used",)
