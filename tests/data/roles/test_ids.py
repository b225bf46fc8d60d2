"""Which column has the ids, and what they become."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sentune.data.files.records import Record
from sentune.data.passages import read_passage_rows
from sentune.data.roles.ids import id_of
from sentune.data.roles.options import ReadOptions
from sentune.errors import DataError

Write = Callable[[str, str | bytes], Path]


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ({"page": 3, "Passage ID": "a"}, ("a", False)),
        ({"page": 3, "chunk_id": "c-1"}, ("c-1", False)),
        ({"page": 3, "chunkId": 7}, ("7", False)),
        ({"_id": "d", "title": "T"}, ("d", False)),
        ({"doc_id": "d", "chunk_id": 2}, ("d#2", False)),
        ({"doc_id": "d", "chunk_id": "c"}, ("c", False)),
        ({"doc_id": "d"}, ("d", True)),
        ({"page": 3}, ("3", True)),
        ({"text": "a"}, None),
    ],
)
def test_the_id_of_a_row(row: dict[str, object], found: tuple[str, bool] | None) -> None:
    result = id_of(Record("x", row, "x"))
    assert (None if result is None else (result.text, result.shared)) == found


def test_a_person_names_the_id(write: Write) -> None:
    path = write("x.csv", "id,nr,text\n1,a,x\n1,b,y\n")
    with pytest.raises(DataError, match="name another with --id-column"):
        list(read_passage_rows(path))
    rows = list(read_passage_rows(path, ReadOptions(id="nr")))
    assert [(row.id, row.fields) for row in rows] == [("a", {}), ("b", {})]
    with pytest.raises(DataError, match=r"line 1: --id-column names 'no', and there is no such"):
        list(read_passage_rows(path, ReadOptions(id="no")))


def test_the_passages_of_a_document_are_numbered(write: Write) -> None:
    rows = read_passage_rows(write("x.csv", "doc_id,text\na,x\na,y\nb,x\n"))
    assert [(row.id, row.fields["doc_id"]) for row in rows] == [
        ("a", "a"),
        ("a#2", "a"),
        ("b", "b"),
    ]
