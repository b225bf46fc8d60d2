"""How an index is kept: numbered versions, and one file that names the current one.

::

    INDEX/
      index.json        {"format": 4, "version": 2}; readers follow it, `publish` replaces it
      writing.lock      held while rows are written, for seconds
      filling.lock      held while a version is filled, for as long as that takes
      base/             another index: the same passages with the vectors of a base, if any
      2/                facts.json, dense.json, revision.json, segments (rows-*.safetensors) and
                        LanceDB's table of passages

A version is filled first and published after that, by replacing one small file. So a build that
is killed leaves a version that nobody reads, which the next build continues, and a reader sees
the old version whole or the new one.

The other modules of ``index/`` do not know where an index is kept. They use a ``Store``, which
another kind of storage can implement too:

==================  =============================  ============================================
operation           on a local disk                on object storage
==================  =============================  ============================================
read, write         a file, replaced by renaming   get, put
new_file            the same                       put
file                its path                       get, into a folder of this machine
publish             the same                       conditional put (If-Match)
writing, filling    file locks                     conditional put (If-None-Match); expires
flushed             fsync, a look at file endings  nothing: what was put stays, whole
uri                 the path of the folder         s3://bucket/index/2
==================  =============================  ============================================
"""

# ruff: noqa: D102 (the operations are described once, in LocalStore)

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from sentune.errors import IndexFolderError, OutputError
from sentune.files import locked, make_folder, new_file, remove_partials, require_free, write_json

__all__ = [
    "BASE_FOLDER",
    "CURRENT",
    "FORMAT",
    "MODEL_FILE",
    "VERSION",
    "LocalStore",
    "Store",
    "version_in",
]

MODEL_FILE = "facts.json"
"""The first file of a version: the model that it is built with."""

BASE_FOLDER = "base"
"""In the folder of an index: the index of a base model's vectors, to compare searches with."""

FORMAT = 4
CURRENT = "index.json"
VERSION = re.compile("[1-9][0-9]{0,8}")
# What the files of LanceDB end with, whatever they hold: this shows that one was cut short.
_ENDINGS = {".lance": b"LANC", ".idx": b"LANC", ".manifest": b"LANC", ".arrow": b"ARROW1"}


class Store(Protocol):
    """What an index asks of the storage that keeps it; see :class:`LocalStore`."""

    location: str

    @property
    def lance_options(self) -> dict[str, str]: ...
    def exists(self) -> bool: ...
    def is_published(self) -> bool: ...
    def current(self) -> int: ...
    def unfinished(self) -> int | None: ...
    def publish(self, version: int) -> None: ...
    def discard(self, version: int) -> None: ...
    def require_free(self) -> None: ...
    def remove_if_empty(self) -> None: ...
    def size(self) -> int: ...
    def uri(self, version: int) -> str: ...
    def read(self, version: int, name: str) -> dict[str, Any] | None: ...
    def write(self, version: int, name: str, content: dict[str, Any]) -> None: ...
    def file(self, version: int, name: str) -> Path: ...
    def new_file(self, version: int, name: str) -> AbstractContextManager[BinaryIO]: ...
    def remove_files(self, version: int, pattern: str, *, but: Collection[str]) -> None: ...
    def flushed(self, version: int) -> AbstractContextManager[None]: ...
    def writing(self) -> AbstractContextManager[None]: ...
    def filling(self) -> AbstractContextManager[None]: ...
    def is_being_filled(self) -> bool: ...
    def unreadable(self, problem: str) -> IndexFolderError: ...
    def unwritable(self, problem: str) -> OutputError: ...


def version_in(content: Mapping[str, Any], where: str) -> int:
    """The number in an ``index.json``. Raises IndexFolderError for one of another format."""
    version = content.get("version")
    if content.get("format") != FORMAT or not isinstance(version, int):
        raise IndexFolderError(
            f"{where} has format {content.get('format')!r} and version {version!r}",
            expected=f"format {FORMAT} and a version number",
            fix="build the index again, or open it with the sentune that wrote it",
        )
    return version


class LocalStore:
    """An index in a folder of this machine; ``location`` is its ``path``, for messages."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.location = str(path)
        self._current_file = self.path / CURRENT
        self._known: dict[str, tuple[tuple[int, ...], dict[str, Any]]] = {}

    @property
    def lance_options(self) -> dict[str, str]:
        """What LanceDB has to know to reach it, beside its ``uri``."""
        return {}

    # ── versions ──────────────────────────────────────────────────────────────────────────────

    def exists(self) -> bool:
        """Whether there is anything, an index or not."""
        return self.path.exists()

    def is_published(self) -> bool:
        """Whether there is a current version: a file ``index.json``."""
        return self._current_file.is_file()

    def current(self) -> int:
        """The number of the current version. Raises IndexFolderError if there is none."""
        try:
            content = self._object(str(self._current_file))
        except IndexFolderError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                raise self._missing() from None
            raise
        return version_in(content, str(self._current_file))

    def unfinished(self) -> int | None:
        """The newest version that was begun and not published."""
        current = self.current() if self.is_published() else 0
        return max((number for number in self._numbers() if number > current), default=None)

    def publish(self, version: int) -> None:
        """Make a version the current one, and remove those before the one it replaces.

        That one stays until the next time, for those who read it now.
        """
        replaced = self.current() if self.is_published() else version
        write_json(self.path / CURRENT, {"format": FORMAT, "version": version})
        for number in self._numbers():
            if number not in (replaced, version):
                self.discard(number)

    def discard(self, version: int) -> None:
        """Remove a version, if it is there."""
        shutil.rmtree(self._folder(version), ignore_errors=True)

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
        if not self._names():  # nothing there, an empty folder, or a file
            require_free(self.path)

    def remove_if_empty(self) -> None:
        """Remove a folder in which nothing but locks is left."""
        if all(name.endswith(".lock") for name in self._names()):
            shutil.rmtree(self.path, ignore_errors=True)

    def size(self) -> int:
        """Bytes, of all versions together."""
        return sum(file.stat().st_size for file in self.path.rglob("*") if file.is_file())

    # ── one version ───────────────────────────────────────────────────────────────────────────

    def uri(self, version: int) -> str:
        """Where LanceDB keeps the table of a version."""
        return str(self._folder(version).absolute())

    def read(self, version: int, name: str) -> dict[str, Any] | None:
        """A JSON object of a version; None if it has none. Raises IndexFolderError for damage."""
        try:
            return self._object(f"{self.path}{os.sep}{version}{os.sep}{name}")
        except IndexFolderError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                return None
            raise

    def write(self, version: int, name: str, content: dict[str, Any]) -> None:
        """Replace a JSON object of a version, whole or not at all. Raises OutputError."""
        make_folder(self._folder(version))
        write_json(self._folder(version) / name, content)

    def file(self, version: int, name: str) -> Path:
        """The path of a file of a version, to be mapped; it may be missing."""
        return self._folder(version) / name

    def new_file(self, version: int, name: str) -> AbstractContextManager[BinaryIO]:
        """Write a file of a version, whole or not at all. Raises OutputError."""
        return new_file(self._folder(version) / name)

    def remove_files(self, version: int, pattern: str, *, but: Collection[str]) -> None:
        """Remove the files of a version whose names match, also those that were left unfinished.

        Those that a process has mapped stay readable for it.
        """
        folder = self._folder(version)
        remove_partials(folder, pattern)
        for file in folder.glob(pattern):
            if file.name not in but:
                file.unlink(missing_ok=True)

    @contextmanager
    def flushed(self, version: int) -> Iterator[None]:
        """When the block ends, all files that LanceDB wrote in it are flushed and complete.

        Raises OutputError if a file was cut short. The files of earlier commits are as they were.
        """
        folder = self._folder(version)
        before = set(folder.rglob("*"))
        try:
            yield
            try:
                for file in sorted(set(folder.rglob("*")) - before):
                    _flush(file)
            except OSError as error:
                raise self.unwritable(str(error)) from error
        except BaseException:
            for file in set(folder.rglob("*.manifest")) - before:
                # LanceDB reads the newest first: a damaged one makes the table unreadable.
                if not _is_whole(file):
                    file.unlink()
            raise

    # ── locks ─────────────────────────────────────────────────────────────────────────────────

    def writing(self) -> AbstractContextManager[None]:
        """Wait until no other process writes rows, and keep the others waiting."""
        return self._locked("writing.lock", wait=True)

    def filling(self) -> AbstractContextManager[None]:
        """Keep others from filling a version. Raises OutputError if another process does."""
        return self._locked("filling.lock", wait=False)

    def is_being_filled(self) -> bool:
        """Whether a process, this one included, fills a version."""
        try:
            with self.filling():
                return False
        except OutputError:
            return True

    def _locked(self, name: str, *, wait: bool) -> AbstractContextManager[None]:
        busy = OutputError(
            f"{self.path} is being built by another process",
            expected="one build at a time",
            fix="wait until it has ended",
        )
        return locked(self.path / name, busy=busy, wait=wait)

    # ── names and errors ──────────────────────────────────────────────────────────────────────

    def _folder(self, version: int) -> Path:
        return self.path / str(version)

    def _names(self) -> list[str]:
        return [entry.name for entry in self.path.iterdir()] if self.path.is_dir() else []

    def _numbers(self) -> list[int]:
        return [int(name) for name in self._names() if self._is_version(name)]

    def _is_version(self, name: str) -> bool:
        """Whether this is a version: a folder with a version's number and our first file in it."""
        folder = self.path / name
        if not VERSION.fullmatch(name) or not folder.is_dir():
            return False
        inside = [entry.name for entry in folder.iterdir()]
        return not inside or any(each.lstrip(".").startswith(MODEL_FILE) for each in inside)

    def _is_ours(self, name: str) -> bool:
        """Whether an unfinished index has an entry of this name."""
        ours = name == BASE_FOLDER or name.endswith(".lock") or name.startswith(f".{CURRENT}")
        return ours or self._is_version(name)

    def _object(self, name: str) -> dict[str, Any]:
        """The JSON object in a file. The path is a string, because making a Path takes longer.

        It is read again only when the file has changed, because every search asks for it.
        """
        try:
            state = os.stat(name)  # noqa: PTH116 — making a Path takes three times as long
            same = (state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns)
            if name in self._known and self._known[name][0] == same:
                return self._known[name][1]
            content = json.loads(Path(name).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            reason = (error.strerror if isinstance(error, OSError) else None) or error
            raise self.unreadable(f"{Path(name).name}: {reason}") from error
        if not isinstance(content, dict):
            raise self.unreadable(f"{Path(name).name} is no JSON object")
        # What was read may be newer than its state: it is then read once more.
        self._known[name] = same, content
        return content

    def _missing(self) -> IndexFolderError:
        if self.unfinished() is not None:
            return IndexFolderError(
                f"the index {self.path} was never finished",
                expected="a finished index",
                fix="run the same sentune index build again: it continues where it stopped",
            )
        return IndexFolderError(
            f"{self.path} is no index" if self.path.exists() else f"{self.path} does not exist",
            expected="a folder that sentune index build made",
            fix="check the path, or build the index first",
        )

    def unreadable(self, problem: str) -> IndexFolderError:
        """The error for a damaged folder."""
        return IndexFolderError(
            f"{self.path} cannot be read ({problem})",
            expected="an index as sentune wrote it",
            fix="restore the folder from a copy, or build the index again",
        )

    def unwritable(self, problem: str) -> OutputError:
        """The error for a full disk, or for a folder that is read-only or damaged."""
        return OutputError(
            f"{self.path} cannot be written ({problem})",
            expected="a writable folder with enough room, and an undamaged index",
            fix="make room or restore the folder from a copy, then do it again: what was added "
            "before is kept",
        )


def _flush(file: Path) -> None:
    """Flush a file of LanceDB to the disk. Raises OSError if it was cut short."""
    if file.suffix in _ENDINGS and file.exists():  # LanceDB may have removed it again
        with file.open("rb") as stream:
            os.fsync(stream.fileno())
        if not _is_whole(file):
            raise OSError(f"{file.name} was cut short")


def _is_whole(file: Path) -> bool:
    ending = _ENDINGS[file.suffix]
    with file.open("rb") as stream:
        stream.seek(-min(len(ending), file.stat().st_size), os.SEEK_END)
        return stream.read() == ending
