"""Lists in the cells of CSV, and passages that are objects."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentune.data.files.records import Record
from sentune.data.pair_files.reading import read_pairs
from sentune.data.roles.cells import passages_in
from sentune.data.texts import read_texts
from sentune.errors import DataError

Write = Callable[[str, str | bytes], Path]
Refusal = Callable[[Callable[[Path], object], Path], str]
TABLE = Record("x.csv, line 2", {}, "x.csv, line 1", is_table=True)
JSON = Record("x.jsonl, line 2", {}, "x.jsonl, line 2")
_texts = st.lists(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")).filter(str.strip),
    min_size=1,
    max_size=4,
)


@settings(max_examples=150, deadline=None)
@given(texts=_texts)
def test_a_list_in_the_writing_of_python_json_or_numpy_is_read_as_in_json(
    texts: list[str],
) -> None:
    expected = tuple(texts)
    for cell in (repr(texts), json.dumps(texts), json.dumps(texts, ensure_ascii=False)):
        assert passages_in(cell, TABLE, "contexts") == expected
        assert passages_in(f" {cell}\n", TABLE, "contexts") == expected
    written = str(np.array(texts, dtype=object))
    assert passages_in(written, TABLE, "contexts") == expected
    assert passages_in(texts, JSON, "contexts") == expected


@pytest.mark.parametrize(
    "cell",
    ["[Music] plays [End]", "[1]", "[1, 2]", "[a, b]", "a ['b']", "[", "['", "x]", "[1] and ['2']"],
)
def test_a_text_with_brackets_stays_a_text(cell: str) -> None:
    assert passages_in(cell, TABLE, "contexts") == (cell,)
    assert passages_in(cell, JSON, "contexts") == (cell,)


@pytest.mark.parametrize("cell", ["['a', 'b', 3]", "['a' + 'b']", "['a', ...]", "['a', 'b..."])
def test_a_broken_list_is_no_passage(cell: str) -> None:
    with pytest.raises(DataError, match="looks like a list written as text"):
        passages_in(cell, TABLE, "contexts")


@settings(max_examples=100, deadline=None)
@given(cell=st.text("[]'\",{}:ab\\ \nfub0()", max_size=20))
def test_any_cell_gives_texts_or_a_data_error(cell: str) -> None:
    for record in (TABLE, JSON):
        with contextlib.suppress(DataError):
            assert all(map(str.strip, passages_in(cell, record, "contexts")))


def test_deep_nesting_in_a_cell_is_no_crash() -> None:
    for cell in ("['" + "[" * 50_000 + "]" * 50_000 + "']", "[" * 50_000 + "]" * 50_000):
        with contextlib.suppress(DataError):
            passages_in(cell, TABLE, "contexts")
    nested = "[{'a':" * 5_000 + "1" + "}]" * 5_000
    assert passages_in(nested, TABLE, "contexts") == (nested,)


def test_a_file_with_lists_in_its_cells(write: Write, refusal: Refusal) -> None:
    stream = io.StringIO()
    rows = [("question", "contexts", "negatives"), ("q", "['Text one\\nline', 'two']", "[]")]
    csv.writer(stream).writerows(rows)
    pairs = read_pairs(write("x.csv", stream.getvalue()))
    assert list(pairs.passages.values()) == ["Text one\nline", "two"]
    assert pairs.negatives == {}
    path = write("y.csv", 'question,contexts\nq,"[]"\n')
    assert "column 'contexts' is an empty list" in refusal(read_pairs, path)
    path = write("z.csv", "text\n\"['a', 'b']\"\n")
    assert "column 'text' holds a list" in refusal(lambda path: list(read_texts(path)), path)


def test_objects_give_their_title_and_their_text() -> None:
    objects = [{"title": "T", "text": "a", "score": 1}, {"docid": "3", "title": "", "text": "b"}]
    assert passages_in(objects, JSON, "positive_ctxs") == ("T a", "b")
    assert passages_in(repr(objects), TABLE, "positive_ctxs") == ("T a", "b")
    with pytest.raises(DataError, match="holds an object with the keys 'body'"):
        passages_in([{"body": "a"}], JSON, "positive_ctxs")


def test_a_backslash_in_a_cell_warns_nobody() -> None:
    code = (
        "from sentune.data.roles.cells import passages_in;"
        "from sentune.data.files.records import Record;"
        "print(passages_in(r\"['\\d+', 'b']\", Record('x', {}, 'x', True), 'c'))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == r"('\\d+', 'b')"
    assert done.stderr == ""
