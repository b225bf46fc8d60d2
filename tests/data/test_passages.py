from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentune.data.corpus import read_passages
from sentune.data.many_files import text_files
from sentune.data.passages import Passage, PassageFiles, passage_files, read_passage_rows
from sentune.data.roles.options import ReadOptions
from sentune.errors import DataError
from sentune.index.sources import sources_of

Write = Callable[[str, str | bytes], Path]
Refusal = Callable[[Callable[[Path], object], Path], str]


def _rows(path: Path) -> list[Passage]:
    return list(read_passage_rows(path))


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("x.txt", "\ufeffa\r\n\r\nb\ra\n", [("p1", "a", {}), ("p2", "b", {}), ("p3", "a", {})]),
        (
            "x.jsonl",
            '"a"\n{"text": " b ", "n": [1]}\n{"id": "p2", "text": " b "}\n{"id": 9, "text": "a"}',
            [("p1", "a", {}), ("p2", " b ", {"n": "[1]"}), ("9", "a", {})],
        ),
        (
            "x.jsonl",
            '{"id": "p2", "text": "a", "ok": true}\n{"text": "b", "ok": null}',
            [("p2", "a", {"ok": True}), ("p2#2", "b", {"ok": None})],
        ),
        (
            "x.json",
            '{"page": [12, 12, "x", 12, 12], "content": ["a", "b", "c", "a", "d"]}',
            [
                ("12", "a", {"page": 12}),
                ("12#2", "b", {"page": 12}),
                ("x", "c", {"page": "x"}),
                ("12#3", "d", {"page": 12}),
            ],
        ),
        (
            "x.csv",
            "page,Text\r\n012,1\r\n12#2,2\r\n12,3\r\n12,4\r\n",
            [
                ("012", "1", {"page": "012"}),
                ("12#2", "2", {"page": "12#2"}),
                ("12", "3", {"page": "12"}),
                ("12#3", "4", {"page": "12"}),
            ],
        ),
        (
            "x.csv",
            "pid,page,passage_id,text,price\n1,3,u,a,\n1,4,v,a,2\n1,3,u,a,9\n",
            [
                ("u", "a", {"pid": 1, "page": 3, "price": None}),
                ("v", "a", {"pid": 1, "page": 4, "price": 2}),
            ],
        ),
        ("x.tsv", "id\ttext\n007\t1\n8\t2\n", [("007", "1", {}), ("8", "2", {})]),
        (
            "x.csv",
            "query,answer,page\nq,b,1\nr,a,2\ns,b,3\n",
            [("p1", "b", {}), ("p2", "a", {})],
        ),
        (
            "x.json",
            '{"queries": {"q": "?"}, "relevant_docs": {"q": ["2"]}, '
            '"corpus": {"1": "a", "2": "b", "3": "a"}}',
            [("1", "a", {}), ("2", "b", {})],
        ),
    ],
)
def test_rows_of_every_layout(
    write: Write, name: str, content: str, expected: list[tuple[str, str, dict[str, object]]]
) -> None:
    rows = _rows(write(name, content))
    assert [(row.id, row.text, row.fields) for row in rows] == expected
    assert [[type(value) for value in row.fields.values()] for row in rows] == [
        [type(value) for value in fields.values()] for _, _, fields in expected
    ]


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    table = pa.table(
        {
            "id": [1, 2],
            "text": ["a", "b"],
            "score": [0.5, float("nan")],
            "at": [dt.datetime(2024, 1, 2, 3), None],
            "tags": [["x"], None],
            "code": ["007", "8"],
            "ok": [True, None],
        }
    )
    pq.write_table(table, tmp_path / "x.parquet")
    assert _rows(tmp_path / "x.parquet") == [
        Passage(
            "1",
            "a",
            {
                "score": 0.5,
                "at": "2024-01-02T03:00:00",
                "tags": '["x"]',
                "code": "007",
                "ok": True,
            },
        ),
        Passage("2", "b", dict.fromkeys(("score", "at", "tags", "ok")) | {"code": "8"}),
    ]
    table = pa.table({"text": ["a", "b"], "image": [b"x", b"\xff"]})
    pq.write_table(table, tmp_path / "x.parquet")
    with pytest.raises(DataError, match="row 2, column 'image' holds bytes that are not UTF-8"):
        _rows(tmp_path / "x.parquet")


@settings(max_examples=100, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.sampled_from(["id", "page", None]), st.integers(1, 3), st.sampled_from("ab")),
        min_size=1,
        max_size=12,
    )
)
def test_ids_are_unique_and_agree_with_read_passages(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str | None, int, str]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "ids.jsonl"
    objects = [{"text": text} | ({name: key} if name else {}) for name, key, text in rows]
    path.write_text("\n".join(map(json.dumps, objects)), encoding="utf-8")
    try:
        passages = _rows(path)
    except DataError as error:
        assert "the id of another text" in str(error)  # noqa: PT017 - not in every example
        return
    assert len({passage.id for passage in passages}) == len(passages)
    assert {passage.text for passage in passages} == {text for _, _, text in rows}
    for name, key, text in rows:
        if name == "page":
            assert any(
                row.text == text
                and row.id.split("#")[0] == str(key)
                and row.fields.get("page") == key
                for row in passages
            )
    texts = [text for _, _, text in rows]
    if len(set(texts)) == len(texts):
        assert {row.id: row.text for row in passages} == read_passages(path)


def test_rows_are_streamed(write: Write) -> None:
    contents = {"x.jsonl": b'{"text": "a"}\n{oops}', "x.txt": b"a\n\xff\n"}
    for name, content in contents.items():
        rows = read_passage_rows(write(name, content))
        assert next(rows).text == "a"
        with pytest.raises(DataError, match="line 2"):
            next(rows)


@pytest.mark.parametrize(
    ("name", "content", "part"),
    [
        ("x.txt", " \n", "x.txt has no texts"),
        ("x.csv", "text\n", "x.csv has no texts"),
        ("x.json", "[]", "x.json has no texts"),
        ("x.jsonl", "", "x.jsonl has no texts"),
        ("x.csv", "id,text\n1,a\n1,b\n", "x.csv, line 3, column 'id' holds '1', the id of another"),
        (
            "x.jsonl",
            '{"text": "a"}\n{"id": "p1", "text": "b"}',
            "line 2, column 'id' holds 'p1', the id",
        ),
        ("x.jsonl", '{"id": null, "text": "a"}', "x.jsonl, line 1, column 'id' holds null"),
        ("x.jsonl", '{"id": 1.5, "text": "a"}', "x.jsonl, line 1, column 'id' holds a number"),
        ("x.jsonl", '{"text": "a", "n": 1e999}', "line 1, column 'n' holds an infinite number"),
        ("x.jsonl", '{"text": "a\\u0000"}', "line 1, column 'text' holds a NUL character"),
        ("x.csv", "id,text\n1,a\n2,\n", "x.csv, line 3, column 'text' is empty"),
        ("x.csv", "a,b\n1,2\n", "x.csv, line 1: no column could be the text (columns found:"),
        ("x.csv", b"text,n\na,\0\n", "x.csv, line 2 holds a NUL byte"),
        ("x.csv", "text,n\na\n", "x.csv, line 2: the row has 1 field"),
        ("x.jsonl", "3", "x.jsonl, line 1 holds a number"),
        ("x.doc", "a", "x.doc has the suffix '.doc': expected one of .txt, .jsonl"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_place(
    write: Write, refusal: Refusal, name: str, content: str | bytes, part: str
) -> None:
    assert part in refusal(_rows, write(name, content))


def test_a_line_of_ten_megabytes_is_read(write: Write) -> None:
    long = "é" * 5_000_000
    assert [len(row.text) for row in _rows(write("x.txt", f"{long}\nb\n"))] == [5_000_000, 1]
    assert len(_rows(write("x.jsonl", json.dumps({"text": long})))[0].text) == 5_000_000
    rows = _rows(write("x.csv", f'text,note\na,"{long}"\n'))
    assert rows[0].fields == {"note": long}


def test_a_missing_file_is_refused_before_the_first_row(tmp_path: Path, refusal: Refusal) -> None:
    assert "no.txt does not exist" in refusal(read_passage_rows, tmp_path / "no.txt")
    assert "no.txt does not exist" in refusal(passage_files, tmp_path / "no.txt")


def test_a_file_gives_itself(write: Write, refusal: Refusal) -> None:
    path = write(".hidden.CSV", "")
    assert passage_files(str(path)) == PassageFiles((path,), skipped=0)
    message = refusal(passage_files, write("x.pdf", ""))
    assert "x.pdf has the suffix '.pdf'" in message


def test_a_folder_gives_what_can_be_read_below_it(tmp_path: Path, write: Write) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    (tmp_path / "x.csv").mkdir()
    kept = ["a/b/z.ndjson", "a/y.PARQUET", "b.txt", "c.tsv", "d.json", "e.jsonl", "x.csv/f.csv"]
    for name in [*kept, "a/b/z.pdf", "README", ".e.txt", ".git/f.txt", "a/.g.pdf"]:
        write(name, "")
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "gone.txt").symlink_to(tmp_path / "nothing")
    (tmp_path / "link.txt").symlink_to(tmp_path / "README")
    expected = sorted(tmp_path / name for name in [*kept, "link.txt"])
    # z.pdf, README, and the link to nothing
    assert passage_files(tmp_path) == PassageFiles(tuple(expected), skipped=3)


def test_what_was_made_of_the_files_of_a_folder_is_skipped_and_told(
    tmp_path: Path, write: Write
) -> None:
    row = {"id": "a.txt#1", "text": "one", "source": "d/a.txt", "headings": [], "start": 0}
    made = {"made": True, "question": "what", "passage": "one", "source": "d/a.txt"}
    (tmp_path / "d").mkdir()
    text = write("d/a.txt", "one\n")
    passages = write("passages.jsonl", json.dumps({**row, "end": 3}) + "\n")
    pairs = write("d/pairs.jsonl", json.dumps(made) + "\n")
    other = write("d/other.jsonl", json.dumps({**row, "end": 3, "source": "gone.txt"}) + "\n")
    found = passage_files(tmp_path)
    assert (found.files, found.skipped) == ((text, other), 2)
    why = "was made of d/a.txt; name the file itself to read it"
    assert found.notes == (f"{pairs} {why}", f"{passages} {why}")
    assert passage_files(passages).files == (passages,)
    told: list[str] = []
    options = ReadOptions(tell=told.append)
    assert [row.text for row in text_files(tmp_path, options)] == ["one", "one"]
    assert len(sources_of(tmp_path, options).each) == 2
    assert [note for note in told if "was made of" in note] == [*found.notes] * 2
    # Beside documents that are not read here, it is all that there is of them.
    text.rename(tmp_path / "d" / "a.pdf")
    assert passages in passage_files(tmp_path).files


def test_a_folder_without_passages_is_refused(
    tmp_path: Path, write: Write, refusal: Refusal
) -> None:
    (tmp_path / "d").mkdir()
    message = refusal(passage_files, tmp_path / "d")
    assert "d has no file with passages: expected files that end in .txt, .jsonl," in message
    assert ".parquet" in message
    write("d/x.pdf", "")
    assert "d has no file with passages (1 other file)" in refusal(passage_files, tmp_path / "d")


def test_a_folder_that_cannot_be_listed_is_refused(
    tmp_path: Path, write: Write, refusal: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("x.txt", "a")

    def denied(path: str) -> object:
        raise PermissionError(13, os.strerror(13), path)

    monkeypatch.setattr(os, "scandir", denied)
    assert "can't be read (Permission denied)" in refusal(passage_files, tmp_path)
