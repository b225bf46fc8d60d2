"""The texts of a folder and of a bucket are those of its files, one after another."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.object_storage import Server, error

from sentune.bucket import Bucket
from sentune.data import read_pairs, read_passages
from sentune.data.files.bucket_files import ObjectFolder
from sentune.data.many_files import text_files
from sentune.data.passages import passage_files, passage_objects
from sentune.data.texts import TextRow
from sentune.documents import find
from sentune.errors import ArgumentError, DataError
from sentune.index.sources import sources_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "texts"
    (place / "b").mkdir(parents=True)
    (place / "a.jsonl").write_text(
        "\n".join(json.dumps({"id": f"a{n}", "text": f"text {n}"}) for n in range(3))
    )
    pq.write_table(pa.table({"id": [7, 8], "text": ["seven", "eight"]}), place / "b" / "z.parquet")
    (place / "notes.md").write_text("# Notes")
    (place / ".hidden.jsonl").write_text("no JSON")
    return place


EXPECTED = [
    *(TextRow(f"text {n}", f"a{n}") for n in range(3)),
    TextRow("seven", "7"),
    TextRow("eight", "8"),
]


def test_a_folder(folder: Path) -> None:
    found = text_files(folder)
    assert (found.count, found.skipped) == (2, 1)
    assert list(found) == EXPECTED
    assert list(text_files(folder / "a.jsonl")) == EXPECTED[:3]


def test_a_bucket(folder: Path, s3: Server) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            Bucket("s3://test/texts").put(str(path.relative_to(folder)), path)
    for location in ("s3://test/texts", "s3://test/texts/", "s3://test"):
        found = text_files(location)
        assert (found.count, found.skipped) == (2, 1)
        assert list(found) == EXPECTED
    assert list(text_files("s3://test/texts/a.jsonl")) == EXPECTED[:3]
    s3.requests.clear()
    rows = iter(text_files("s3://test/texts"))
    next(rows)
    assert [path for _, path in s3.requests if path.endswith((".jsonl", ".parquet"))] == [
        "/test/texts/a.jsonl",  # its first line says that it was not made of another file
        "/test/texts/a.jsonl",  # the next object is fetched when its rows are asked for
    ]


def test_a_folder_in_a_bucket_may_be_called_as_a_file(folder: Path, s3: Server) -> None:
    place = "s3://test/export.parquet"
    Bucket(place).put("part-0.parquet", folder / "b" / "z.parquet")
    Bucket(place).put("_SUCCESS", b"")
    found = text_files(f"{place}/")
    assert (found.count, found.skipped) == (1, 1)
    assert list(found) == EXPECTED[3:]
    several = sources_of(f"{place}/")
    assert [source.name for source in several.each] == [f"{place}/part-0.parquet"]
    assert several.covers(f"{place}/part-1.parquet")
    with pytest.raises(DataError, match=r"export\.parquet does not exist.*ends in a slash"):
        list(text_files(place))


_ROW = '{"text": "one"}'
_PASSAGE = {"id": "a.md#1", "text": "a", "source": "a.txt", "headings": "", "start": 0, "end": 1}
TREES = {
    "models, indexes and runs": {
        "a.txt": "one",
        "model/modules.json": "[]",
        "model/vocab.txt": "a",
        "b/index/index.json": '{"format": 4, "version": 1}',
        "b/index/1/facts.json": "{}",
        "b/index/1/rows.jsonl": _ROW,
        "b/site/index.json": '{"pages": []}',
        "b/c.jsonl": _ROW,
        "run/data/documents.json": "{}",
        "run/data/passages.jsonl": _ROW,
        "run/tuned/vocab.txt": "a",
        "v.npy": "",
        ".git/index.json": _ROW,
    },
    "made of another file": {
        "a.txt": "one",
        "passages.jsonl": json.dumps(_PASSAGE),
        "asked.ndjson": json.dumps({"made": True, "question": "q", "source": "a.txt"}),
        "made elsewhere.jsonl": json.dumps({**_PASSAGE, "source": "b.pdf"}),
    },
    "BEIR": {
        "corpus.jsonl": _ROW,
        "queries.jsonl": _ROW,
        "qrels/test.tsv": "a",
        "notes.txt": "a",
    },
    "a corpus alone": {"corpus.jsonl": _ROW, "notes.txt": "a"},
}


def _stored(tree: dict[str, str], folder: Path, place: str) -> None:
    for name, content in tree.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
        Bucket(place).put(name, content.encode())


@pytest.mark.parametrize("tree", TREES.values(), ids=TREES)
def test_a_bucket_has_the_files_that_a_folder_has(
    tree: dict[str, str], tmp_path: Path, s3: Server
) -> None:
    """What sentune made is no data, wherever it is kept."""
    _stored(tree, tmp_path, "s3://test/data")
    here, there = passage_files(tmp_path), passage_objects("s3://test/data")
    names = [str(path.relative_to(tmp_path)) for path in here.files]
    assert [name.removeprefix("s3://test/data/") for name in there.names] == names
    assert there.skipped == here.skipped > 0 or tree is TREES["a corpus alone"]
    assert [note.replace("s3://test/data", str(tmp_path)) for note in there.notes] == [*here.notes]


def test_the_folder_of_an_index_in_a_bucket_is_no_data(tmp_path: Path, s3: Server) -> None:
    _stored({"index.json": '{"format": 4, "version": 1}'}, tmp_path, "s3://test/index")
    with pytest.raises(DataError, match="s3://test/index holds an index: expected data"):
        text_files("s3://test/index")
    with pytest.raises(DataError, match="holds an index: expected data"):
        text_files(tmp_path)


def test_only_the_start_of_a_large_object_is_read_to_see_what_it_is(s3: Server) -> None:
    row = json.dumps({"text": "word " * 100})
    Bucket("s3://test/texts").put("a.jsonl", "\n".join([row] * 20_000).encode())
    lines = ObjectFolder("s3://test/texts").lines("a.jsonl")
    assert next(lines) == row.encode()
    Bucket("s3://test/texts").put("b.jsonl", b"x" * (6 << 20))
    assert [*ObjectFolder("s3://test/texts").lines("b.jsonl")] == []


def test_the_sources_of_an_index(folder: Path, s3: Server) -> None:
    Bucket("s3://test/texts").put("a.jsonl", folder / "a.jsonl")
    found = sources_of("s3://test/texts")
    assert [source.name for source in found.each] == ["s3://test/texts/a.jsonl"]
    for _ in range(2):  # once to compare, once to encode
        assert [each.id for each in found.each[0].passages()] == ["a0", "a1", "a2"]
    assert found.covers("s3://test/texts/gone.jsonl")
    assert not found.covers("s3://test/other/gone.jsonl")
    assert not sources_of("s3://test/texts/a.jsonl").covers("s3://test/texts/gone.jsonl")


@pytest.mark.usefixtures("quick")
def test_errors_name_the_object(s3: Server) -> None:
    Bucket("s3://test/texts").put("a.jsonl", b'{"text": "one"}\n{"text": 3}\n')
    with pytest.raises(DataError, match=r"^s3://test/texts/a.jsonl, line 2"):
        list(text_files("s3://test/texts"))
    with pytest.raises(DataError, match=r"s3://test/texts/b.jsonl does not exist"):
        list(text_files("s3://test/texts/b.jsonl"))
    with pytest.raises(DataError, match="s3://test/none has no file with passages"):
        text_files("s3://test/none")
    with pytest.raises(ArgumentError, match="expected a bucket and a name in it"):
        text_files("s3://")
    s3.fault = lambda *_: ("403 Forbidden", error("AccessDenied"))
    with pytest.raises(DataError, match=r"s3://test/texts can't be read .access denied"):
        text_files("s3://test/texts")
    with pytest.raises(DataError, match=r"s3://test/texts/a.jsonl can't be read .access denied"):
        list(text_files("s3://test/texts/a.jsonl"))


def test_a_folder_without_texts(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no file with passages"):
        text_files(tmp_path)


@pytest.mark.parametrize("read", [read_pairs, read_passages, lambda path: find([path])])
def test_what_reads_no_bucket_says_so(read: Callable[[str], object]) -> None:
    with pytest.raises(DataError, match=r"^s3://test/texts is in a bucket: expected a file"):
        read("s3://test/texts")
