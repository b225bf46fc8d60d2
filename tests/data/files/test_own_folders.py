"""Folders whose files are no texts, wherever data is expected."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sentune.data import read_pairs
from sentune.data.files.own_folders import refuse_not_data
from sentune.data.passages import passage_files
from sentune.documents.found import find
from sentune.documents.known import are_documents
from sentune.errors import DataError

READERS: list[Callable[[Path], object]] = [
    read_pairs,
    passage_files,
    lambda path: find([path]),
    lambda path: are_documents([path]),
]


def folder(path: Path, *names: str, content: str = "{}") -> Path:
    path.mkdir()
    for name in ("README.md", "vocab.txt", *names):
        (path / name).write_text(content, "utf-8")
    return path


@pytest.mark.parametrize("reader", READERS)
def test_a_model_is_no_data(reader: Callable[[Path], object], tmp_path: Path) -> None:
    model = folder(tmp_path / "model", "modules.json")
    with pytest.raises(DataError, match="model holds a model: expected data") as error:
        reader(model)
    assert str(error.value).count("\n") == 0


@pytest.mark.parametrize("reader", READERS)
def test_an_index_is_no_data(reader: Callable[[Path], object], tmp_path: Path) -> None:
    index = folder(tmp_path / "passages", "index.json", content='{"format": 4, "version": 1}')
    with pytest.raises(DataError, match="passages holds an index: expected data"):
        reader(index)


@pytest.mark.parametrize(
    ("names", "refused"),
    [
        (("config.json", "model.safetensors"), True),
        (("config_sentence_transformers.json",), True),
        (("config.json",), False),
        (("index.json",), False),
        ((), False),
    ],
)
def test_which_folders_are_refused(names: tuple[str, ...], refused: bool, tmp_path: Path) -> None:
    path = folder(tmp_path / "some", *names)
    if refused:
        with pytest.raises(DataError, match="holds a model"):
            refuse_not_data(path)
    else:
        refuse_not_data(path)
    refuse_not_data(tmp_path)  # a folder above is not looked at


def test_an_empty_folder_is_called_empty(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is an empty folder"):
        read_pairs(tmp_path)
