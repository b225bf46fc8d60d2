"""The folder of an index: numbered versions, and the one file that says which of them holds.

::

    INDEX/
      index.json        {"format": 1, "version": 2}; readers follow it, `publish` replaces it
      writing.lock      held while rows are written, for seconds
      filling.lock      held while a version is being filled, for as long as it takes
      2/                facts.json, dense.json and LanceDB's table of passages

A version is filled first and published after that, by replacing one small file. So a build that
is killed leaves a version that nobody follows, which the next build goes on filling, and a reader
sees either the old version whole or the new one.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sentune.errors import IndexFolderError, OutputError
from sentune.files import locked, write_json

__all__ = ["Layout", "read_json"]

_FORMAT = 1
_CURRENT = "index.json"
_VERSION = re.compile("[1-9][0-9]{0,8}")


class Layout:
    """Where the parts of an index are.

    Args:
        path: the folder of the index.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def version(self) -> int:
        """The number of the version that holds.

        Raises:
            IndexFolderError: there is no index, it was never finished, or its file is damaged.
        """
        if not (self.path / _CURRENT).is_file():
            raise self._missing()
        content = read_json(self.path / _CURRENT)
        version = content.get("version")
        if content.get("format") != _FORMAT or not isinstance(version, int):
            raise IndexFolderError(
                f"{self.path / _CURRENT} has the format {content.get('format')!r} and the version "
                f"{version!r}",
                expected=f"format {_FORMAT} and a number",
                fix="open it with the sentune that wrote it, or build the index again",
            )
        return version

    def folder(self, version: int) -> Path:
        """The folder of a version."""
        return self.path / str(version)

    def is_published(self) -> bool:
        """Whether any version holds."""
        return (self.path / _CURRENT).is_file()

    def unfinished(self) -> int | None:
        """The newest version that was begun and not published."""
        current = self.version() if self.is_published() else 0
        return max((number for number in self._numbers() if number > current), default=None)

    def publish(self, version: int) -> None:
        """Make a version the one that holds, and remove those before the one it replaces.

        That one is left to readers that have it open, until the next time.
        """
        replaced = self.version() if self.is_published() else version
        write_json(self.path / _CURRENT, {"format": _FORMAT, "version": version})
        for number in self._numbers():
            if number not in (replaced, version):
                shutil.rmtree(self.folder(number), ignore_errors=True)

    def discard(self, version: int) -> None:
        """Remove a version that was begun."""
        shutil.rmtree(self.folder(version), ignore_errors=True)

    def require_free(self) -> None:
        """Raise OutputError unless a new index, or the rest of an unfinished one, can go here."""
        if self.is_published():
            raise OutputError(
                f"{self.path} holds an index already",
                expected="a folder that does not exist yet",
                fix="add to it with sentune index add, or name another folder",
            )
        foreign = [name for name in self._names() if not self._is_ours(name)]
        if foreign:
            raise OutputError(
                f"{self.path} holds something else ({foreign[0]})",
                expected="a folder that does not exist yet, or an unfinished index",
                fix="name another folder",
            )

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Wait until no other process writes rows, and keep the others waiting."""
        with self._lock("writing.lock", wait=True):
            yield

    @contextmanager
    def filling(self) -> Iterator[None]:
        """Keep others from filling a version at the same time.

        Raises:
            OutputError: another process is at it.
        """
        with self._lock("filling.lock", wait=False):
            yield

    def is_being_filled(self) -> bool:
        """Whether some process, this one included, fills a version."""
        try:
            with self._lock("filling.lock", wait=False):
                return False
        except OutputError:
            return True

    def remove_if_empty(self) -> None:
        """Remove a folder in which nothing but locks is left."""
        if all(name.endswith(".lock") for name in self._names()):
            shutil.rmtree(self.path, ignore_errors=True)

    @contextmanager
    def _lock(self, name: str, *, wait: bool) -> Iterator[None]:
        busy = OutputError(
            f"{self.path} is being built by another process",
            expected="one build at a time",
            fix="wait until it has ended",
        )
        with locked(self.path / name, busy=busy, wait=wait):
            yield

    def _names(self) -> list[str]:
        return [entry.name for entry in self.path.iterdir()] if self.path.is_dir() else []

    def _numbers(self) -> list[int]:
        return [int(name) for name in self._names() if self._is_version(name)]

    def _is_version(self, name: str) -> bool:
        """Whether this is a version: a number that we could have given, with our facts in it."""
        folder = self.path / name
        if not _VERSION.fullmatch(name) or not folder.is_dir():
            return False
        inside = [entry.name for entry in folder.iterdir()]
        return not inside or any(each.lstrip(".").startswith("facts.json") for each in inside)

    def _is_ours(self, name: str) -> bool:
        """Whether an unfinished index has an entry of this name."""
        return self._is_version(name) or name.endswith(".lock") or name.startswith(f".{_CURRENT}")

    def _missing(self) -> IndexFolderError:
        if self.unfinished() is not None:
            return IndexFolderError(
                f"{self.path} holds an index that was never finished",
                expected="a finished index",
                fix="run the same sentune index build again: it goes on where it stopped",
            )
        return IndexFolderError(
            f"{self.path} is no index" if self.path.exists() else f"{self.path} does not exist",
            expected="a folder that sentune index build made",
            fix="check the path, or build the index first",
        )


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file of an index. Raises IndexFolderError if there is none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        raise _damaged(path, str(reason)) from error
    if not isinstance(content, dict):
        raise _damaged(path, "it holds no object")
    return content


def _damaged(path: Path, reason: str) -> IndexFolderError:
    return IndexFolderError(
        f"{path} cannot be read ({reason})",
        expected="the file as sentune wrote it",
        fix="bring the folder back from a copy, or build the index again",
    )
