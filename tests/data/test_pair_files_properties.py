from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sentune.data.corpus import read_passages
from sentune.data.files.reading import ROW_SUFFIXES
from sentune.data.labelled import read_labelled_texts
from sentune.data.pair_files.reading import read_pairs
from sentune.data.passages import read_passage_rows
from sentune.data.roles.options import ReadOptions
from sentune.data.scored import is_scored, read_scored_pairs
from sentune.data.texts import read_questions, read_text_rows, read_texts
from sentune.errors import DataError

Row = tuple[str, str, str]

# Every layout that a file of rows can have, as a function from rows to the text of the file.


def _jsonl(rows: Sequence[Row]) -> str:
    objects = [dict(zip(("anchor", "positive", "negative"), row, strict=True)) for row in rows]
    return "\n".join(json.dumps(item, ensure_ascii=False) for item in objects)


def _json_rows(rows: Sequence[Row]) -> str:
    return json.dumps(
        [{"question": q, "context": p, "negatives": [n]} for q, p, n in rows], indent=1
    )


def _json_columns(rows: Sequence[Row]) -> str:
    names = ("query", "passage", "negative_1")
    return json.dumps(dict(zip(names, zip(*rows, strict=True), strict=True)), ensure_ascii=False)


def _table(delimiter: str, terminator: str) -> Callable[[Sequence[Row]], str]:
    def write_table(rows: Sequence[Row]) -> str:
        stream = io.StringIO(newline="")
        writer = csv.writer(stream, delimiter=delimiter, lineterminator=terminator, quoting=1)
        writer.writerows([("sentence_0", "sentence_1", "sentence_2"), *rows])
        return stream.getvalue()

    return write_table


LAYOUTS = {
    "a.jsonl": _jsonl,
    "b.ndjson": _jsonl,
    "c.json": _json_rows,
    "d.json": _json_columns,
    "e.csv": _table(",", "\r\n"),
    "f.CSV": _table(",", "\n"),
    "g.csv": _table(",", "\r"),
    "h.tsv": _table("\t", "\n"),
}


def _parquet(rows: Sequence[Row]) -> bytes:
    columns = dict(zip(("anchor", "positive", "negative"), zip(*rows, strict=True), strict=True))
    stream = io.BytesIO()
    pq.write_table(pa.table(columns), stream)
    return stream.getvalue()


_character = st.one_of(
    st.sampled_from("\"',;\t\n\r =+-@\\{}[]\u2028\u0085\ufeff😀é"),
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
)
_text = st.text(_character, min_size=1, max_size=20).filter(
    # A text in brackets may be a list; tests/data/test_cells.py has these.
    lambda text: not text.isspace() and not text.strip().startswith("[")
)
_rows = st.lists(st.tuples(_text, _text, _text), min_size=1, max_size=6)


@pytest.mark.parametrize("name", [*LAYOUTS, "i.parquet"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@settings(max_examples=40, deadline=None)
@given(rows=_rows)
@example(rows=[('"a"\r\nb', "=1+1,\r2", "\ufeff…"), ("q", 'p\n"', "\\n")])
def test_every_layout_gives_back_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, name: str, bom: bytes, rows: list[Row]
) -> None:
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(bom + LAYOUTS[name](rows).encode() if name in LAYOUTS else _parquet(rows))
    pairs = read_pairs(path)
    written = dict.fromkeys((question, passage) for question, passage, _ in rows)
    read = {
        (pairs.questions[key], pairs.passages[passage]): None
        for key, passages in pairs.relevant.items()
        for passage in passages
    }
    assert set(read) == set(written)
    assert list(pairs.questions.values()) == list(dict.fromkeys(row[0] for row in rows))
    assert list(pairs.passages.values()) == list(dict.fromkeys(row[1] for row in rows))
    assert list(pairs.questions) == [f"q{n + 1}" for n in range(len(pairs.questions))]
    assert list(pairs.passages) == [f"p{n + 1}" for n in range(len(pairs.passages))]
    for key, question in pairs.questions.items():
        negatives = dict.fromkeys(row[2] for row in rows if row[0] == question)
        answers = {row[1] for row in rows if row[0] == question}
        assert list(pairs.negatives.get(key, ())) == [n for n in negatives if n not in answers]


@pytest.mark.parametrize("suffix", [*ROW_SUFFIXES, ".txt"])
@settings(max_examples=60, deadline=None)
@given(
    content=st.one_of(
        st.binary(max_size=60),
        st.text('{}[]":,ab1\n\r\t\\u.eE-', max_size=60).map(str.encode),
        st.sampled_from([b'{"a":' + b"[" * 100_000, b"[" * 100_000, b"1" * 5000, b"[1e999]"]),
    )
)
@example(content=b'{"anchor": "\\ud800", "positive": "\\u0000"}')
@example(content=b'"\\ud800"')
@example(
    content=b'{"queries": {"a": "b"}, "corpus": {"c": "d"}, "relevant_docs": {"a": {"c": NaN}}}'
)
@example(content=b'{"queries": [], "corpus": 1, "relevant_docs": null}')
@example(content=b"[[1]]")
@example(content=b"a,b\n1\n")
@example(content=b"\xff\xfea\x00")
def test_arbitrary_bytes_give_a_result_or_a_data_error(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / f"bytes{suffix}"
    path.write_bytes(content)
    readers: list[Callable[[Path], object]] = [
        read_pairs,
        lambda path: read_pairs(path, ReadOptions(header=False, skip_blank=True)),
        lambda path: list(read_text_rows(path, ReadOptions(header=False, skip_blank=True))),
        lambda path: list(read_questions(path)),
        read_passages,
        read_scored_pairs,
        read_labelled_texts,
        is_scored,
        lambda path: list(read_texts(path)),
        lambda path: list(read_passage_rows(path)),
    ]
    for read in readers:
        message = _refused(read, path)
        assert message is None or (str(path) in message and "\n" not in message)


_json = st.recursive(
    st.sampled_from([None, True, 0, 1, 0.5, -1, "", " ", "a", "b", "yes", "no", "['a']", "1"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["text", "title", "id", "answer_start", "qas"]), inner)
    ),
    max_leaves=5,
)
_names = st.sampled_from(
    [
        *("question", "context", "answers", "label", "score", "foo", "page", "chunk_id", "doc_id"),
        *("positive_ctxs", "negative_ctxs", "retrieved_contexts", "reference", "text", "title"),
        *("query-id", "corpus-id", "data", "queries", "corpus", "relevant_docs", "paragraphs"),
    ]
)


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(st.dictionaries(_names, _json, max_size=5), max_size=3),
    suffix=st.sampled_from([".json", ".jsonl", ".whole.json"]),
    cut=st.sampled_from([0, 0, 0, 1, 7]),
)
@example(
    rows=[{"data": [{"paragraphs": [{"context": "a", "qas": [{}]}]}]}], suffix=".whole.json", cut=0
)
@example(
    rows=[{"queries": {"a": "b"}, "corpus": {}, "relevant_docs": 1}], suffix=".whole.json", cut=0
)
def test_known_names_with_any_values_give_a_result_or_a_data_error(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[dict[str, object]],
    suffix: str,
    cut: int,
) -> None:
    content = "\n".join(map(json.dumps, rows)) if suffix == ".jsonl" else json.dumps(rows)
    if suffix == ".whole.json":
        content = json.dumps(rows[0] if rows else {})
    path = tmp_path_factory.getbasetemp() / f"known{suffix}"
    path.write_text(content[: len(content) - cut], encoding="utf-8")
    for read in (
        read_pairs,
        lambda path: read_pairs(path, ReadOptions(label="foo", skip_blank=True)),
        lambda path: read_pairs(path, ReadOptions(ignore=("foo", "label", "score"))),
        is_scored,
        read_passages,
        lambda path: list(read_passage_rows(path, ReadOptions(skip_blank=True))),
        lambda path: list(read_text_rows(path)),
    ):
        message = _refused(read, path)
        assert message is None or "\n" not in message


def _refused(read: Callable[[Path], object], path: Path) -> str | None:
    try:
        read(path)
    except DataError as error:
        return str(error)
    return None
