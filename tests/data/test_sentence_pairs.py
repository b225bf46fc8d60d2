from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sentune.data.sentence_pairs import read_sentence_pairs

Write = Callable[[str, str | bytes], Path]
Refusal = Callable[[Callable[[Path], object], Path], str]
Feed = Callable[[str | bytes], Iterator[bytes]]
# Repeats, exchanged sides and equal sides: a reader of questions and answers would merge them.
PAIRS = [("a", "b, c"), ("a", "b, c"), ("b, c", "a"), ("a", "a"), ("two\nlines", " blanks ")]
ROWS = [{"sentence1": first, "sentence2": second, "score": 0.5} for first, second in PAIRS]


def jsonl() -> str:
    return "\n".join(json.dumps(row) for row in ROWS)


def test_jsonl_json_and_standard_input(write: Write, feed: Feed) -> None:
    assert list(read_sentence_pairs(write("x.jsonl", jsonl()))) == PAIRS
    assert list(read_sentence_pairs(write("x.json", json.dumps(ROWS)))) == PAIRS
    feed(jsonl())
    assert list(read_sentence_pairs("-")) == PAIRS


@pytest.mark.parametrize(("name", "delimiter"), [("x.csv", ","), ("x.tsv", "\t")])
def test_tables(tmp_path: Path, name: str, delimiter: str) -> None:
    path = tmp_path / name
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, delimiter=delimiter)
        writer.writerows([("id", "question", "answer"), *(("7", *pair) for pair in PAIRS)])
    assert list(read_sentence_pairs(path)) == PAIRS


def test_a_table_with_scores_may_lack_the_header(write: Write) -> None:
    path = write("x.csv", 'A man eats.,"A man, eating.",3\nb,c,3\n')
    assert list(read_sentence_pairs(path)) == [("A man eats.", "A man, eating."), ("b", "c")]


def test_parquet(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    path = tmp_path / "x.parquet"
    pytest.importorskip("pyarrow.parquet").write_table(arrow.Table.from_pylist(ROWS), path)
    assert list(read_sentence_pairs(path)) == PAIRS


@pytest.mark.parametrize(
    ("name", "content", "parts"),
    [
        ("x.txt", "a", ["x.txt has the suffix '.txt'"]),
        ("x.csv", "a,b\n1,2\n", ["x.csv, line 1: no column could be the question"]),
        ("x.jsonl", '{"text1": "a", "text2": "b"}\n{"text1": "", "text2": "b"}', ["line 2"]),
        ("x.jsonl", '{"text1": "a", "text2": null}', ["line 1", "'text2' holds null"]),
        ("x.jsonl", '{"text1": "a", "text2": ["b"]}', ["line 1", "'text2' holds a list"]),
        ("x.jsonl", '["a", "b"]', ["line 1 holds a list", '"sentence1"']),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_place(
    write: Write, refusal: Refusal, name: str, content: str, parts: list[str]
) -> None:
    message = refusal(lambda path: list(read_sentence_pairs(path)), write(name, content))
    for part in parts:
        assert part in message


def test_a_missing_file_is_told_at_once(tmp_path: Path, refusal: Refusal) -> None:
    assert "does not exist" in refusal(read_sentence_pairs, tmp_path / "gone.csv")
