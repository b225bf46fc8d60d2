"""Versions: which one is current, and what is left alone."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from sentune.errors import IndexFolderError, OutputError
from sentune.index.store import LocalStore


def _begin(store: LocalStore, version: int) -> None:
    store.write(version, "facts.json", {})


def test_publish_keeps_the_version_before(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "index")
    for version in (1, 2, 3):
        _begin(store, version)
        assert store.unfinished() == version
        store.publish(version)
        assert store.current() == version
        assert store.unfinished() is None
    assert not (store.path / "1").exists()
    assert (store.path / "2").exists()


@pytest.mark.parametrize(
    "content", ["", "[]", "{", '{"format": 1, "version": 1}', '{"format": 2}', "\udcff"]
)
def test_a_damaged_pointer(tmp_path: Path, content: str) -> None:
    (tmp_path / "index.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(IndexFolderError):
        LocalStore(tmp_path).current()


def test_one_filling_at_a_time(tmp_path: Path) -> None:
    with (
        LocalStore(tmp_path).filling(),
        pytest.raises(OutputError, match="another process"),
        LocalStore(tmp_path).filling(),
    ):
        pass
    with LocalStore(tmp_path).filling():
        pass


def test_writers_wait(tmp_path: Path) -> None:
    order: list[str] = []

    def other() -> None:
        with LocalStore(tmp_path).writing():
            order.append("other")

    with LocalStore(tmp_path).writing():
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(0.2)
        order.append("first")
    thread.join()
    assert order == ["first", "other"]


def test_an_empty_folder_is_removed_with_its_locks(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "index")
    _begin(store, 1)
    with store.filling():
        store.discard(1)
        assert store.is_being_filled()
    assert not store.is_being_filled()
    store.remove_if_empty()
    assert not store.path.exists()
    _begin(store, 1)
    store.remove_if_empty()
    assert store.unfinished() == 1


@pytest.mark.parametrize("name", ["1", "007", "2024", "notes.txt"])
def test_foreign_names_are_no_versions(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    assert LocalStore(tmp_path).unfinished() is None
    with pytest.raises(OutputError, match="something else"):
        LocalStore(tmp_path).require_free()
