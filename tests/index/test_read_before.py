"""An index and files that are read otherwise than before: nothing is lost, nothing comes twice."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sentune import SentenceTransformer
from sentune.data import Passage, ReadOptions
from sentune.errors import DataError
from sentune.index import Index
from sentune.index.sources import Source, Sources


def _split(folder: Path, name: str, text: str) -> None:
    folder.mkdir(exist_ok=True)
    pq.write_table(pa.table({"text": [text, f"{text} too"]}), folder / f"{name}.parquet")


def _document(path: Path) -> Source:
    passage = Passage(f"{path.name}#1", path.name)
    return Source(str(path), lambda: [passage], whole=True)


def test_rows_do_not_replace_documents(tmp_path: Path, tiny: SentenceTransformer) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "a.txt").write_text("one line\nanother line\n")
    (docs / "b.md").write_text("a text")
    cut = [_document(docs / name) for name in ("a.txt", "b.md")]
    index = Index.build(tmp_path / "index", tiny, Sources(tuple(cut), docs))
    for data in (docs, docs / "a.txt"):
        with pytest.raises(DataError, match=r"has .*a\.txt as a document.*sentune index add"):
            index.add(data)
    assert sorted(hit.id for hit in index.search("line", 5)) == ["a.txt#1", "b.md#1"]
    rows = tmp_path / "rows.jsonl"
    rows.write_text(json.dumps({"text": "a row"}) + "\n")
    assert index.add(rows).added == 1


@pytest.mark.parametrize("gained", [True, False])
def test_a_folder_whose_splits_change(
    tmp_path: Path, tiny: SentenceTransformer, gained: bool
) -> None:
    folder, split = tmp_path / "set", ReadOptions(split="train")
    _split(folder, "train", "wool")
    if not gained:
        _split(folder, "test", "salt")
    index = Index.build(tmp_path / "index", tiny, folder, reading=split)
    if gained:
        _split(folder, "test", "salt")
    else:
        (folder / "test.parquet").unlink()
    with pytest.raises(DataError, match=r"gained or lost a split.*--source"):
        index.add(folder, reading=split)
    assert len(index) == 2
    (source,) = index.ids_of_sources()
    index.delete(source=source)
    assert index.add(folder, reading=split).added == 2
    assert index.add(folder, reading=split).unchanged == 2


def test_another_file_beside_a_split_is_added(tmp_path: Path, tiny: SentenceTransformer) -> None:
    folder = tmp_path / "set"
    _split(folder, "train", "wool")
    index = Index.build(tmp_path / "index", tiny, folder)
    assert str(folder) in index.ids_of_sources()
    more = folder / "more.jsonl"
    more.write_text(json.dumps({"text": "a row"}) + "\n")
    assert index.add(more).added == 1
    with pytest.raises(DataError, match="would come beside them"):
        index.add(folder / "train.parquet")
    assert len(index) == 3
