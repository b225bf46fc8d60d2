from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sentune.data.corpus import read_passages
from sentune.data.passages import read_passage_rows
from sentune.data.sentence_pairs import read_sentence_pairs
from sentune.data.texts import read_texts
from sentune.errors import DataError

Feed = Callable[[str | bytes], Iterator[bytes]]

_line = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)


@pytest.mark.parametrize("start", ["", "\ufeff", "\n \r\n"])
def test_jsonl_is_told_by_its_first_line(feed: Feed, start: str) -> None:
    content = start + '{"id": 7, "text": "a"}\r\n\r\n"b"\n{"text": "a"}'
    feed(content)
    assert list(read_texts("-")) == ["a", "b", "a"]
    feed(content)
    assert read_passages("-") == {"7": "a", "p2": "b"}
    feed(content)
    assert [passage.id for passage in read_passage_rows("-")] == ["7", "p2", "p3"]


@pytest.mark.parametrize("start", ["a", " {", '"a"', "[1]"])
def test_every_other_first_line_is_a_text(feed: Feed, start: str) -> None:
    feed(f"\ufeff{start}\n{{b\r\n")
    assert list(read_texts("-")) == [start, "{b"]
    feed(f"\n{start}\n\n{{b\n{start}\n")
    assert read_passages("-") == {"p1": start, "p2": "{b"}
    feed(f"\n{start}\n\n{{b\n{start}\n")
    rows = list(read_passage_rows("-"))
    assert [(row.id, row.text) for row in rows] == [("p1", start), ("p2", "{b"), ("p3", start)]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(texts=st.lists(_line.filter(lambda text: bool(text.strip())), min_size=1))
def test_no_line_is_lost(feed: Feed, texts: list[str]) -> None:
    if not texts[0].startswith("{"):
        feed("\n".join(texts))
        assert (
            list(read_texts("-"))
            == [text.removeprefix("\ufeff") for text in texts[:1]] + (texts[1:])
        )
    feed("\n".join(json.dumps({"text": text}) for text in texts))
    assert list(read_texts("-")) == texts


def test_standard_input_is_read_as_it_comes(feed: Feed) -> None:
    for read in (read_texts, read_passage_rows):
        lines = feed('\n{"text": "a"}\n{"text": "b"}\n')
        rows = read("-")
        assert next(lines) == b"\n"
        next(rows)
        assert next(lines) == b'{"text": "b"}\n'


def test_texts_that_start_with_a_brace_are_told_why(feed: Feed) -> None:
    for read in (read_texts, read_passage_rows, read_passages):
        feed("\n{name}, good morning\nGood evening\n")
        with pytest.raises(DataError) as caught:
            list(read("-"))
        message = str(caught.value)
        assert message.startswith(
            "standard input, line 2, column 2 is not JSON (Expecting property name"
        )
        assert 'was read as JSONL because its first line starts with "{"' in message
        assert "save them as a .txt file" in message
    feed('{"text": "a"}\nb\n')
    with pytest.raises(DataError, match=r"standard input, line 2, column 1.*read as JSONL"):
        list(read_texts("-"))


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ("", "standard input has no texts"),
        ("\n \n", "standard input has no texts"),
        (b"\n\xff\n", "standard input, line 2: byte 1 of the line (0xff) is not UTF-8"),
        (b"a\0\n", "standard input, line 1 holds a NUL byte"),
        ('{"text": 3}', "standard input, line 1, column 'text' holds a number"),
        ('{"body": "a"}', "standard input, line 1: no column could be the text"),
        ('{"text": "a"}\n{"text": "b", "text": "c"}', "line 2: an object has the key 'text'"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_place(
    feed: Feed, content: str | bytes, part: str
) -> None:
    for read in (read_texts, read_passages, read_passage_rows):
        feed(content)
        with pytest.raises(DataError) as caught:
            list(read("-"))
        assert part in str(caught.value)


def test_a_blank_line_before_the_texts_is_refused_as_in_a_file(feed: Feed) -> None:
    feed("\n \na\n")
    with pytest.raises(DataError, match="standard input, line 1 is empty"):
        list(read_texts("-"))


def test_pairs_come_from_standard_input_too(feed: Feed) -> None:
    content = '{"question": "q", "answer": "a"}\n{"question": "r", "answer": "a"}'
    feed(content)
    assert read_passages("-") == {"p1": "a"}
    feed(content)
    assert [(row.id, row.text, row.fields) for row in read_passage_rows("-")] == [("p1", "a", {})]
    feed(content)
    assert list(read_sentence_pairs("-")) == [("q", "a"), ("r", "a")]
