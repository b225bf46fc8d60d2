from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentune.data.corpus import read_passages
from sentune.data.texts import TextRow, read_text_rows, read_texts
from sentune.errors import DataError

Write = Callable[[str, str | bytes], Path]
Refusal = Callable[[Callable[[Path], object], Path], str]


def _texts(path: Path) -> list[str]:
    return list(read_texts(path))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.txt", "one\r\n two \none\n"),
        ("x.TXT", "\ufeffone\r two \rone\n\n \n"),
        ("x.jsonl", '"one"\n{"id": 1, "text": " two "}\n\n"one"'),
        ("x.json", '["one", " two ", "one"]'),
        ("x.json", '{"Sentence": ["one", " two ", "one"]}'),
        ("x.csv", "id,text\n1,one\n2, two \n3,one\n"),
        ("x.tsv", 'sentence\none\n" two "\none\n'),
    ],
)
def test_texts_are_read_as_they_are_in_order_with_repeats(
    write: Write, name: str, content: str
) -> None:
    assert _texts(write(name, content)) == ["one", " two ", "one"]


def test_standard_input_is_read_line_by_line(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = iter([b"one\n", b"two\n", b"\xff\n"])
    monkeypatch.setattr(sys, "stdin", _Stream(lines))
    texts = read_texts("-")
    assert next(texts) == "one"
    assert next(lines) == b"two\n"
    with pytest.raises(DataError, match="standard input, line 2: byte 1"):
        next(texts)


class _Stream:
    def __init__(self, lines: Iterator[bytes]) -> None:
        self.buffer = lines


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc", "Zs"]), min_size=1), min_size=1)
)
@settings(max_examples=50, deadline=None)
def test_one_text_a_line_comes_back(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    texts = [f"{text}\u2028x" for text in texts]
    path = tmp_path_factory.getbasetemp() / "lines.txt"
    path.write_text("\n".join(texts), encoding="utf-8-sig", newline="")
    assert _texts(path) == texts
    assert list(read_passages(path).values()) == list(dict.fromkeys(texts))


@pytest.mark.parametrize(
    ("name", "content", "part"),
    [
        ("x.txt", "", "x.txt has no texts"),
        ("x.txt", "\n\n", "x.txt has no texts"),
        ("x.txt", "a\n\n \nb\n", "x.txt, line 2 is empty"),
        ("x.txt", "\na\n", "x.txt, line 1 is empty"),
        ("x.txt", b"a\n\xff\n", "x.txt, line 2: byte 1 of the line (0xff) is not UTF-8"),
        ("x.jsonl", "", "x.jsonl has no texts"),
        ("x.jsonl", '"a"\n""', "x.jsonl, line 2 is empty"),
        ("x.jsonl", '"a"\n3', "x.jsonl, line 2 holds a number"),
        ("x.jsonl", '"a"\n{"text": null}', "x.jsonl, line 2, column 'text' holds null"),
        ("x.jsonl", '"a"\n{"body": "b"}', "x.jsonl, line 2: no column could be the text"),
        ("x.csv", "a,b\n1,2\n", "x.csv, line 1: no column could be the text (columns found:"),
        (
            "x.csv",
            "text,sentence\n1,2\n",
            "x.csv, line 1: the columns 'text', 'sentence' could each be the text",
        ),
        ("x.csv", "id,text\n1,a\n2,\n", "x.csv, line 3, column 'text' is empty"),
        ("x.json", '["a", [1]]', "x.json, row 2 holds a list"),
        ("x.docx", "a", "x.docx has the suffix '.docx': expected one of .txt, .jsonl"),
    ],
)
def test_texts_that_cannot_be_used_are_refused_with_their_place(
    write: Write, refusal: Refusal, name: str, content: str | bytes, part: str
) -> None:
    assert part in refusal(_texts, write(name, content))


def test_a_missing_file_is_refused_before_the_first_text(tmp_path: Path, refusal: Refusal) -> None:
    assert "no.txt does not exist" in refusal(read_texts, tmp_path / "no.txt")


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("x.txt", "a\n\nb\na\n", {"p1": "a", "p2": "b"}),
        ("x.jsonl", '"a"\n{"text": "b"}\n"a"', {"p1": "a", "p2": "b"}),
        (
            "x.jsonl",
            '{"page": 1, "passage_id": "u", "text": "a"}\n'
            '{"page": 1, "passage_id": "v", "text": "b"}\n'
            '{"page": 2, "passage_id": "w", "text": "a"}',
            {"u": "a", "v": "b"},
        ),
        (
            "x.jsonl",
            '{"page": 1, "text": "a"}\n{"page": 1, "text": "b"}\n{"page": 2, "text": "c"}',
            {"1": "a", "1#2": "b", "2": "c"},
        ),
        ("x.csv", "id,content\n7,a\nx,b\n", {"7": "a", "x": "b"}),
        ("x.csv", "question,answer\n1,a\n2,b\n3,a\n", {"p1": "a", "p2": "b"}),
        ("x.json", '[{"query": "q", "pos": ["a", "b"], "id": 9}]', {"p1": "a", "p2": "b"}),
        (
            "x.json",
            '{"questions": {"q": "?"}, "relevant_contexts": {"q": ["2"]}, '
            '"corpus": {"1": "a", "2": "b", "3": "a"}}',
            {"1": "a", "2": "b"},
        ),
    ],
)
def test_passages_of_every_layout(
    write: Write, name: str, content: str, expected: dict[str, str]
) -> None:
    passages = read_passages(write(name, content))
    assert passages == expected
    assert list(passages) == list(expected)


@pytest.mark.parametrize(
    ("name", "content", "part"),
    [
        ("x.txt", " \n", "x.txt has no texts"),
        ("x.csv", "text\n", "x.csv has no texts"),
        (
            "x.csv",
            "id,text\n1,a\n1,b\n",
            "x.csv, line 3, column 'id' holds '1', the id of another text",
        ),
        ("x.jsonl", '{"id": null, "text": "a"}', "x.jsonl, line 1, column 'id' holds null"),
        ("x.jsonl", '{"id": true, "text": "a"}', "column 'id' holds true or false"),
        ("x.csv", "question,context,answer\n1,2,3\n", "could each be the passage"),
        ("x.csv", "a,b\n1,2\n", "x.csv, line 1: no column could be the text (columns found:"),
    ],
)
def test_passages_that_cannot_be_used_are_refused_with_their_place(
    write: Write, refusal: Refusal, name: str, content: str, part: str
) -> None:
    assert part in refusal(read_passages, write(name, content))


def test_ids_of_any_kind_of_number_are_text(write: Write) -> None:
    rows = [{"id": 10**30, "text": "a"}, {"id": "10", "text": "b"}]
    path = write("x.jsonl", "\n".join(map(json.dumps, rows)))
    assert list(read_passages(path)) == [str(10**30), "10"]


# ── texts with their ids ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "content", "ids"),
    [
        ("x.txt", "a\nb\n", None),
        ("x.jsonl", '"a"\n"b"\n', None),
        ("x.jsonl", '{"text": "a", "page": 3}\n{"page": 3, "text": "b"}\n', ["3", "3"]),
        ("x.json", '{"text": ["a", "b"], "_id": ["x", "y"]}', ["x", "y"]),
        ("x.csv", "id,passage_id,text\n1,p,a\n2,q,b\n", ["p", "q"]),
        ("x.tsv", "ID\ttext\n007\ta\n8\tb\n", ["007", "8"]),
    ],
)
def test_texts_come_with_the_ids_of_their_file(
    write: Write, name: str, content: str, ids: list[str] | None
) -> None:
    rows = list(read_text_rows(write(name, content)))
    assert rows == [TextRow(*pair) for pair in zip("ab", ids or (None, None), strict=True)]


@pytest.mark.parametrize(
    ("name", "content", "part"),
    [
        ("x.jsonl", '{"id": 1, "text": "a"}\n{"text": "b"}', "x.jsonl, line 2 has no id"),
        ("x.jsonl", '{"id": 1, "text": "a"}\n"b"', "x.jsonl, line 2 has no id"),
        ("x.jsonl", '{"id": null, "text": "a"}', "x.jsonl, line 1, column 'id' holds null"),
        ("x.csv", "id,text\n1,\n", "x.csv, line 2, column 'text' is empty"),
        ("x.csv", "id,text\n", "x.csv has no texts"),
        ("x.txt", "", "x.txt has no texts"),
    ],
)
def test_rows_that_cannot_be_used_are_refused_with_their_place(
    write: Write, refusal: Refusal, name: str, content: str, part: str
) -> None:
    assert part in refusal(lambda path: list(read_text_rows(path)), write(name, content))


def test_an_id_that_comes_later_is_left_out_like_any_column(write: Write) -> None:
    path = write("x.jsonl", '{"text": "a"}\n{"id": 1, "text": "b"}')
    assert [row.id for row in read_text_rows(path)] == [None, None]
