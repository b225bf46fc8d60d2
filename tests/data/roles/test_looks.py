"""A file of a layout that is not read is refused with what it looks like, and with a way on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sentune.data.pair_files.reading import read_pairs

Write = Callable[[str, str | bytes], Path]
Refusal = Callable[[Callable[[Path], object], Path], str]

_CHAT = [{"role": "user", "content": "who"}, {"role": "assistant", "content": "she"}]


@pytest.mark.parametrize(
    ("row", "look", "fix"),
    [
        ({"messages": _CHAT}, "this looks like chats", "the user's turn as question"),
        ({"id": "1", "conversations": _CHAT}, "this looks like chats", "Write a row"),
        ({"data": {"text": "a"}, "annotations": []}, "an export of Label Studio", "JSON-MIN"),
        (
            {"prompt": "a", "chosen": "b", "rejected": "c"},
            "this looks like a file of preferences",
            "--question-column prompt --passage-column chosen",
        ),
        (
            {"inputs": {"question": "a"}, "outputs": {"answer": "b"}},
            "rows whose texts are inside of objects",
            "as columns of their own",
        ),
        ({"fields": {"query": "a"}, "suggestions": {}}, "inside of objects", "anchor and positive"),
        ({"texts": ["a", "b"], "label": 1}, "this looks like InputExamples", "anchor"),
        ({"set": ["a", "b"]}, "lists of texts that mean the same", "anchor and positive"),
        (
            {"instruction": "a", "input": "b", "output": "c"},
            "the columns 'instruction', 'input' could each be the question",
            "--question-column NAME",
        ),
    ],
)
def test_a_layout_is_named(
    row: dict[str, Any], look: str, fix: str, write: Write, refusal: Refusal
) -> None:
    said = refusal(read_pairs, write("x.json", json.dumps([row, row])))
    assert look in said
    assert fix in said


def test_instructions_and_completions_are_pairs(write: Write) -> None:
    for first, second in (("instruction", "output"), ("prompt", "completion")):
        rows = [{first: f"what is {n}", second: f"thing {n}"} for n in range(3)]
        pairs = read_pairs(write("x.jsonl", "\n".join(map(json.dumps, rows))))
        assert [*pairs.questions.values()] == [f"what is {n}" for n in range(3)]


def test_what_pandas_writes_and_packed_files_are_refused_with_a_way_on(
    write: Write, refusal: Refusal
) -> None:
    columns = {"question": {"0": "a", "1": "b"}, "answer": {"0": "c", "1": "d"}}
    said = refusal(read_pairs, write("x.json", json.dumps(columns)))
    assert "numbered rows in each, as pandas writes" in said
    assert "to_json(path, orient='records')" in said
    assert "Unpack it first: gunzip FILE" in refusal(read_pairs, write("x.jsonl.gz", b"packed"))
