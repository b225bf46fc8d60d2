from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sentune.data.scored import read_scored_pairs

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
