from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sentune.data.scored import is_scored, read_scored_pairs

Write = Callable[[str, str | bytes], Path]
Refusal = Callable[[Callable[[Path], object], Path], str]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.csv", 'a,"b, c",5.0\na,"b, c",0\n'),
        ("x.csv", 'sentence1,sentence2,score\na,"b, c",5.0\na,"b, c",0\n'),
        ("x.tsv", "id\tlabel\ttext2\ttext1\n1\t5\tb, c\ta\n2\t0.0\tb, c\ta\n"),
        (
            "x.jsonl",
            '{"anchor": "a", "positive": "b, c", "similarity": 5}\n'
            '{"anchor": "a", "positive": "b, c", "similarity": 0}',
        ),
    ],
)
def test_every_layout_gives_the_same_pairs(write: Write, name: str, content: str) -> None:
    pairs = read_scored_pairs(write(name, content))
    assert pairs.first == ("a", "a")
    assert pairs.second == ("b, c", "b, c")
    assert pairs.scores == (5.0, 0.0)
    assert len(pairs) == 2
    assert pairs.source.endswith(name)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.csv", "a,b,5.0\n"),
        ("x.csv", "a,b,1\nc,d,0\ne,f,0.5\n"),
        ("x.CSV", "id,sentence1,sentence2,score\n1,a,b,1\n2,a,b,3\n"),
        ("x.csv", "sentence1,sentence2,score\na,b,x\na,b,3\n"),
        ("x.tsv", "Text A\ttext-b\tlabel\na\tb\t4.5\n"),
        ("x.jsonl", '{"sentence_0": "a", "sentence_1": "b", "similarity": 0.25}\n{oops'),
        ("x.json", '{"question1": ["a"], "question2": ["b"], "label": ["3"]}'),
    ],
)
def test_a_scale_between_two_sentences_is_a_score(write: Write, name: str, content: str) -> None:
    assert is_scored(str(write(name, content)))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.csv", "question,answer\na,b\n"),
        ("x.csv", "sentence1,sentence2\na,b\n"),
        ("x.csv", "sentence1,sentence2,label\na,b,1\nc,d,1.0\n"),
        ("x.csv", "sentence1,sentence2,is_duplicate\na,b,1\nc,d,0\n"),
        ("x.csv", "sentence1,sentence2,label\na,b,-1\nc,d,1\n"),
        ("x.csv", "sentence1,sentence2,sentence3,score\na,b,c,5\n"),
        ("x.csv", "sentence1,sentence2,score,label\na,b,5,5\n"),
        ("x.csv", "sentence1,sentence2,label\na,b,neutral\nc,d,nan\n"),
        ("x.csv", "premise,hypothesis,label\na,b,2\n"),
        ("x.csv", "question,passage,relevance\na,b,3\n"),
        ("x.csv", "anchor,positive,score\na,b,0.93\n"),
        ("x.csv", "text,label\na,3\n"),
        ("x.csv", ""),
        ("x.jsonl", ""),
        ("x.jsonl", '"a"'),
        ("x.jsonl", '{"sentence1": "a", "sentence2": "b", "score": true}'),
        ("x.json", '{"queries": {}, "relevant_docs": {}, "corpus": {}}'),
        ("x.json", "[]"),
    ],
)
def test_everything_else_is_no_score(write: Write, name: str, content: str) -> None:
    assert not is_scored(write(name, content))


def test_only_a_broken_file_is_refused(write: Write, refusal: Refusal) -> None:
    assert "x.jsonl, line 1, column 2" in refusal(is_scored, write("x.jsonl", "{oops"))
    assert "x.csv, line 2: the row has 1 field" in refusal(
        is_scored, write("x.csv", "sentence1,sentence2,score\na\n")
    )
    assert "x.txt has the suffix '.txt'" in refusal(is_scored, write("x.txt", "a"))


HEADER = "sentence1,sentence2,score\na,b,1\n"


@pytest.mark.parametrize(
    ("name", "content", "parts"),
    [
        ("x.csv", "", ["x.csv has no rows"]),
        ("x.csv", "a,b,3\n", ["x.csv has the same score in every row"]),
        ("x.csv", "a,b,3\nc,d,3.0\n", ["x.csv has the same score in every row"]),
        ("x.csv", "a,b,3\nc,d,x\n", ["x.csv, line 2, column 'score' holds 'x'"]),
        ("x.csv", HEADER + "c,d,nan\n", ["x.csv, line 3, column 'score' holds 'nan'"]),
        ("x.csv", HEADER + "c,d,\n", ["x.csv, line 3, column 'score' holds ''"]),
        ("x.csv", HEADER + ",d,2\n", ["x.csv, line 3, column 'sentence1' is empty"]),
        ("x.csv", "a,b,nan\n", ["x.csv has no rows"]),
        ("x.csv", "a,b,c\n1,2,3\n", ["x.csv, line 1: no column could be the question"]),
        ("x.csv", "text1,text2\na,b\n", ["x.csv, line 1: no column could be the score"]),
        (
            "x.csv",
            "text1,text2,score,label\na,b,1,2\n",
            ["the columns 'score', 'label' could each be the score", "sentence1, sentence2 and"],
        ),
        (
            "x.jsonl",
            '{"text1": "a", "text2": "b", "score": true}',
            ["x.jsonl, line 1, column 'score' holds true or false"],
        ),
        (
            "x.jsonl",
            '{"text1": "a", "text2": "b", "score": 1' + "0" * 400 + "}",
            ["x.jsonl, line 1, column 'score' holds a number"],
        ),
        ("x.jsonl", "[1]", ["x.jsonl, line 1 holds a list", '"sentence1"']),
        ("x.txt", "a", ["x.txt has the suffix '.txt'"]),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_place(
    write: Write, refusal: Refusal, name: str, content: str, parts: list[str]
) -> None:
    message = refusal(read_scored_pairs, write(name, content))
    for part in parts:
        assert part in message
