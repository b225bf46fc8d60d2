"""The sample files of the pages."""

from __future__ import annotations

from pathlib import Path

import pytest

from sentune.data import read_pairs, read_passages, read_texts, write_sample
from sentune.data.samples.python_docs import PythonDocs
from sentune.errors import OutputError


def test_the_files_hold_the_pairs_by_module(library: PythonDocs, tmp_path: Path) -> None:
    written = write_sample(tmp_path / "sample")
    folder = tmp_path / "sample"
    assert sorted(written) == sorted(path.name for path in folder.iterdir())
    names = [f"{name}.jsonl" for name in ("train", "valid", "test")]
    parts = [read_pairs(folder / name) for name in names]
    assert [len(part) for part in parts] == [written[name] for name in names]
    asked = [text for part in parts for text in part.questions.values()]
    assert sorted(asked) == sorted(library.pairs.questions.values())
    assert read_passages(folder / "passages.jsonl") == library.pairs.passages
    assert list(read_texts(folder / "questions.txt")) == list(library.pairs.questions.values())
    with pytest.raises(OutputError):
        write_sample(folder)
