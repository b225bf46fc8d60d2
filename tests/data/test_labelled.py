from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sentune.data.labelled import LabelledTexts, read_labelled_texts
from sentune.errors import DataError

Write = Callable[[str, str | bytes], Path]
Refusal = Callable[[Callable[[Path], object], Path], str]
Feed = Callable[[str | bytes], Iterator[bytes]]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.jsonl", '{"text": " a", "label": 3}\n\n{"Class": " b c ", "content": "d"}'),
        ("x.json", '[{"Sentence": " a", "Label": 3}, {"text": "d", "topic": "b c"}]'),
        ("x.json", '{"passage": [" a", "d"], "category": ["3", "b c "]}'),
        ("x.csv", "\ufefftext,label,id\r\n a,3,1\r\nd, b c,2\r\n"),
        ("x.tsv", "topic\ttext\n3\t a\nb c\td\n"),
    ],
)
def test_every_layout_gives_the_same_texts(write: Write, name: str, content: str) -> None:
    path = write(name, content)
    expected = LabelledTexts(texts=(" a", "d"), labels=("3", "b c"), source=str(path))
    assert read_labelled_texts(path) == expected
    assert len(expected) == 2


def test_parquet(tmp_path: Path) -> None:
    table = pa.table({"text": ["a", "a", "b"], "label": pa.array([0, -1, 2**62])})
    pq.write_table(table, tmp_path / "x.parquet")
    texts = read_labelled_texts(tmp_path / "x.parquet")
    assert texts.texts == ("a", "a", "b")
    assert texts.labels == ("0", "-1", str(2**62))


def test_truth_values_are_labels(write: Write) -> None:
    path = write("x.jsonl", '{"text": "a", "label": true}\n{"text": "b", "label": false}')
    assert read_labelled_texts(path).labels == ("true", "false")


def test_standard_input_is_jsonl(feed: Feed) -> None:
    feed('\n{"text": "a", "label": "x"}\n{"text": "b", "label": 0}\n')
    expected = LabelledTexts(texts=("a", "b"), labels=("x", "0"), source="standard input")
    assert read_labelled_texts("-") == expected
    feed("\ntext,label\na,x\n")
    with pytest.raises(DataError, match=r'standard input, line 2 does not start with "{".*JSONL'):
        read_labelled_texts("-")
    feed("")
    with pytest.raises(DataError, match="standard input has no rows"):
        read_labelled_texts("-")


@pytest.mark.parametrize(
    ("name", "content", "part"),
    [
        ("x.csv", "text,label\na,\n", "x.csv, line 2, column 'label' is empty"),
        ("x.csv", "text,label\na, \n", "x.csv, line 2, column 'label' is empty"),
        ("x.csv", "text,label\n,x\n", "x.csv, line 2, column 'text' is empty"),
        ("x.csv", "text,label\n", "x.csv has no rows"),
        ("x.jsonl", "", "x.jsonl has no rows"),
        ("x.jsonl", '{"text": "a", "label": null}', "x.jsonl, line 1, column 'label' holds null"),
        ("x.jsonl", '{"text": "a", "label": 1.5}', "line 1, column 'label' holds 1.5: expected a"),
        ("x.jsonl", '{"text": "a", "label": NaN}', "line 1, column 'label' holds nan"),
        ("x.jsonl", '{"text": "a", "label": ["x"]}', "line 1, column 'label' holds a list"),
        ("x.jsonl", '{"text": "a", "label": "\\ud800"}', "column 'label' holds half of a"),
        ("x.jsonl", '{"text": 3, "label": "a"}', "line 1, column 'text' holds a number"),
        (
            "x.jsonl",
            '{"text": "a"}',
            "line 1: no column could be the label (columns found: 'text')",
        ),
        (
            "x.jsonl",
            '{"text": "a", "label": 1, "topic": 2}',
            "'label', 'topic' could each be the label",
        ),
        ("x.jsonl", '{"label": "a"}', "line 1: no column could be the text (columns found:"),
        ("x.jsonl", '"a"', "x.jsonl, line 1 holds a text: expected an object"),
        ("x.txt", "a", "x.txt has the suffix '.txt'"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_place(
    write: Write, refusal: Refusal, name: str, content: str, part: str
) -> None:
    assert part in refusal(read_labelled_texts, write(name, content))


def test_a_null_label_of_parquet_is_refused_with_its_row(tmp_path: Path, refusal: Refusal) -> None:
    path = tmp_path / "x.parquet"
    for labels, found in (([1.0, math.nan], "1.0"), (["a", None], "null")):
        pq.write_table(pa.table({"text": ["a", "b"], "label": labels}), path)
        assert f"column 'label' holds {found}" in refusal(read_labelled_texts, path)
