"""Versions: which one holds, and what is left alone."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from sentune.errors import IndexFolderError, OutputError
from sentune.index.layout import Layout


def _begin(layout: Layout, version: int) -> None:
    layout.folder(version).mkdir(parents=True)
    (layout.folder(version) / "facts.json").write_text("{}")


def test_publish_keeps_the_version_before(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "index")
    for version in (1, 2, 3):
        _begin(layout, version)
        assert layout.unfinished() == version
        layout.publish(version)
        assert layout.version() == version
        assert layout.unfinished() is None
    assert not layout.folder(1).exists()
    assert layout.folder(2).exists()


@pytest.mark.parametrize(
    "content", ["", "[]", "{", '{"format": 2, "version": 1}', '{"format": 1}', "\udcff"]
)
def test_a_damaged_pointer(tmp_path: Path, content: str) -> None:
    (tmp_path / "index.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(IndexFolderError):
        Layout(tmp_path).version()


def test_one_filling_at_a_time(tmp_path: Path) -> None:
    with (
        Layout(tmp_path).filling(),
        pytest.raises(OutputError, match="another process"),
        Layout(tmp_path).filling(),
    ):
        pass
    with Layout(tmp_path).filling():
        pass


def test_writers_wait(tmp_path: Path) -> None:
    order: list[str] = []

    def other() -> None:
        with Layout(tmp_path).writing():
            order.append("other")

    with Layout(tmp_path).writing():
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(0.2)
        order.append("first")
    thread.join()
    assert order == ["first", "other"]


def test_an_empty_folder_is_removed_with_its_locks(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "index")
    _begin(layout, 1)
    with layout.filling():
        layout.discard(1)
        assert layout.is_being_filled()
    assert not layout.is_being_filled()
    layout.remove_if_empty()
    assert not layout.path.exists()
    _begin(layout, 1)
    layout.remove_if_empty()
    assert layout.unfinished() == 1


@pytest.mark.parametrize("name", ["1", "007", "2024", "notes.txt"])
def test_foreign_names_are_no_versions(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    assert Layout(tmp_path).unfinished() is None
    with pytest.raises(OutputError, match="something else"):
        Layout(tmp_path).require_free()
