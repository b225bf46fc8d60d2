"""The vectors of a base beside those of an index."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from sentune import SentenceTransformer
from sentune.errors import IndexFolderError
from sentune.index import Index

PASSAGES = [{"id": str(number), "text": f"copy the file {number}"} for number in range(6)]


@pytest.fixture(scope="module")
def base(make_folder: Callable[..., Path]) -> SentenceTransformer:
    """Another model of another width."""
    return SentenceTransformer(make_folder(hidden_size=16, num_attention_heads=2))


def _ids(index: Index, query: str) -> list[tuple[str, float]]:
    return [(hit.id, round(hit.score, 4)) for hit in index.search(query, 10, mode="dense")]


def test_both_models_search_the_same_passages(
    tmp_path: Path, tiny: SentenceTransformer, base: SentenceTransformer
) -> None:
    index = Index.build(tmp_path / "index", tiny, PASSAGES, compare=base)
    alone = Index.build(tmp_path / "alone", base, PASSAGES)
    found = index.compared_with(str(base.base.folder))
    assert _ids(found, "file 3") == _ids(alone, "file 3") != _ids(index, "file 3")

    index.add([{"id": "new", "text": "read a line"}])
    index.delete(["1"])
    alone.add([{"id": "new", "text": "read a line"}])
    alone.delete(["1"])
    again = Index.open(tmp_path / "index", tiny).compared_with(str(base.base.folder))
    assert _ids(again, "a line") == _ids(alone, "a line")
    assert _ids(found, "a line") == _ids(alone, "a line")  # one that was open follows


def test_a_rebuild_keeps_the_base(
    tmp_path: Path, tiny: SentenceTransformer, base: SentenceTransformer
) -> None:
    index = Index.build(tmp_path / "index", tiny, PASSAGES, compare=base)
    other = copy.deepcopy(tiny)
    with torch.no_grad():
        next(other.parameters()).mul_(1.5)
    index.rebuild(other)
    assert len(index.compared_with(str(base.base.folder))) == 6


def test_without_a_base_the_command_is_named(tmp_path: Path, tiny: SentenceTransformer) -> None:
    index = Index.build(tmp_path / "index", tiny, PASSAGES)
    with pytest.raises(IndexFolderError, match=r"sentune index build .* --compare some-base"):
        index.compared_with("some-base")


def test_another_base_is_refused(
    tmp_path: Path, tiny: SentenceTransformer, base: SentenceTransformer
) -> None:
    index = Index.build(tmp_path / "index", tiny, PASSAGES, compare=base)
    with pytest.raises(IndexFolderError, match="is another model"):
        index.compared_with(str(tiny.base.folder))


def test_an_interrupted_change_is_refused(
    tmp_path: Path,
    tiny: SentenceTransformer,
    base: SentenceTransformer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    index = Index.build(tmp_path / "index", tiny, PASSAGES, compare=base)
    with monkeypatch.context() as patched:
        patched.setattr(Index, "_update_base", lambda self, **_: None)  # a kill comes before it
        index.delete(["0"])
    with pytest.raises(IndexFolderError, match="for other passages"):
        index.compared_with(str(base.base.folder))
    index.add([{"id": "7", "text": "and on"}])
    assert len(index.compared_with(str(base.base.folder))) == 6
