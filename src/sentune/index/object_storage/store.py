"""An index on object storage, with what searches map kept in a folder of this machine."""

from __future__ import annotations

import json
import threading
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, BinaryIO

from sentune.bucket import Bucket, ChangedError, StorageError
from sentune.errors import IndexFolderError, OutputError
from sentune.index.object_storage.cache import Cache
from sentune.index.object_storage.lease import Lease, is_held
from sentune.index.store import BASE_FOLDER, CURRENT, FORMAT, MODEL_FILE, VERSION, version_in

__all__ = ["ObjectStore"]

_FILLING, _WRITING = "filling.lock", "writing.lock"


class ObjectStore:
    """An index at ``location``, ``s3://bucket/name``; see :class:`sentune.index.store.Store`.

    Raises:
        ArgumentError: ``location`` has no bucket or no name.
        MissingExtraError: obstore is not installed.
    """

    def __init__(self, location: str) -> None:
        self._bucket = Bucket(location)
        self.location = self._bucket.location
        self._cache = Cache(self.location)
        self._known: dict[str, tuple[str, dict[str, Any]]] = {}  # key → tag, content
        self._leases: list[Lease] = []
        self._lock = threading.Lock()

    @property
    def lance_options(self) -> dict[str, str]:
        """How LanceDB reaches the bucket."""
        return self._bucket.lance_options

    # ── versions ──────────────────────────────────────────────────────────────────────────────

    def is_published(self) -> bool:
        """Whether there is a current version."""
        return self._object(CURRENT) is not None

    def exists(self) -> bool:
        """Whether there is any object."""
        with self._reading():
            return any(self._bucket.names())

    def current(self) -> int:
        """The number of the current version. Raises IndexFolderError if there is none."""
        content = self._object(CURRENT)
        if content is None:
            raise self._missing()
        return version_in(content, self.location)

    def unfinished(self) -> int | None:
        """The newest version that was begun and not published."""
        current = self.current() if self.is_published() else 0
        return max((number for number in self._numbers() if number > current), default=None)

    def publish(self, version: int) -> None:
        """Make a version the current one, and remove those before the one it replaces."""
        replaced = self.current() if self.is_published() else version
        self._put(CURRENT, {"format": FORMAT, "version": version}, fenced=True)
        for number in self._numbers():
            if number not in (replaced, version):
                self.discard(number)

    def discard(self, version: int) -> None:
        """Remove a version, if it is there."""
        with self._writing():
            self._bucket.delete(list(self._bucket.sizes(f"{version}/")))
        for key in [key for key in self._known if key.startswith(f"{version}/")]:
            del self._known[key]

    def require_free(self) -> None:
        """Raise OutputError unless a new index, or the rest of an unfinished one, can go here."""
        if self.is_published():
            raise OutputError(
                f"{self.location} holds an index already",
                expected="a name that does not exist yet",
                fix="add to it with sentune index add, or give another name",
            )
        with self._reading():
            folders, objects = self._bucket.names()
        ours = [name for name in folders if name == BASE_FOLDER or self._is_version(name)]
        foreign = [name for name in folders if name not in ours]
        foreign += [name for name in objects if not name.endswith(".lock")]
        if foreign:
            raise OutputError(
                f"{self.location} holds something else ({foreign[0]})",
                expected="a name that does not exist yet, or an unfinished index",
                fix="give another name",
            )

    def remove_if_empty(self) -> None:
        """Remove what leases leave, where there is nothing else."""
        with self._writing():
            folders, objects = self._bucket.names()
            if not folders and all(name.endswith(".lock") for name in objects):
                self._bucket.delete(objects)

    def size(self) -> int:
        """Bytes in the bucket, of all versions together."""
        with self._reading():
            return sum(self._bucket.sizes().values())

    # ── one version ───────────────────────────────────────────────────────────────────────────

    def uri(self, version: int) -> str:
        """Where LanceDB keeps the table of a version."""
        return f"{self.location}/{version}"

    def read(self, version: int, name: str) -> dict[str, Any] | None:
        """A JSON object of a version; None if it has none. Raises IndexFolderError."""
        return self._object(f"{version}/{name}")

    def write(self, version: int, name: str, content: dict[str, Any]) -> None:
        """Replace a JSON object, unless another process did so since it was read.

        Raises OutputError.
        """
        self._put(f"{version}/{name}", content, fenced=name != MODEL_FILE)

    def file(self, version: int, name: str) -> Path:
        """A file of a version, on this machine; fetched if it is not there yet.

        Raises IndexFolderError if the bucket does not have it, or cannot be read.
        """
        key = f"{version}/{name}"
        with self._reading():
            path = self._cache.fetched(key, lambda write: self._bucket.fetch(key, write))
        if path is None:
            raise self.unreadable(f"{key} is missing")
        return path

    @contextmanager
    def new_file(self, version: int, name: str) -> Iterator[BinaryIO]:
        """Write a file of a version, whole or not at all. Raises OutputError."""
        key = f"{version}/{name}"
        with (
            self._writing(),
            self._cache.new(key, lambda path: self._bucket.put(key, path)) as stream,
        ):
            yield stream

    def remove_files(self, version: int, pattern: str, *, but: Collection[str]) -> None:
        """Remove the files of a version whose names match."""
        with self._writing():
            _, names = self._bucket.names(f"{version}/")
            gone = [name for name in names if fnmatchcase(name, pattern) and name not in but]
            self._bucket.delete([f"{version}/{name}" for name in gone])
        for name in gone:
            self._cache.remove(f"{version}/{name}")

    def flushed(self, _: int) -> AbstractContextManager[None]:
        """Nothing to do: what was put stays, whole."""
        return nullcontext()

    # ── leases ────────────────────────────────────────────────────────────────────────────────

    def writing(self) -> AbstractContextManager[None]:
        """Wait until no other process writes rows, and keep the others waiting."""
        return self._held(_WRITING, wait=True)

    def filling(self) -> AbstractContextManager[None]:
        """Keep others from filling a version. Raises OutputError if another process does."""
        return self._held(_FILLING, wait=False)

    def is_being_filled(self) -> bool:
        """Whether a process, this one included, fills a version."""
        with self._reading():
            return is_held(self._bucket, _FILLING)

    @contextmanager
    def _held(self, key: str, *, wait: bool) -> Iterator[None]:
        lease = Lease(self._bucket, key)
        with self._writing():
            lease.take(wait=wait)
        with lease.renewed():
            self._leases.append(lease)
            try:
                yield
            finally:
                self._leases.remove(lease)

    # ── objects ───────────────────────────────────────────────────────────────────────────────

    def _object(self, key: str) -> dict[str, Any] | None:
        with self._lock:
            known = self._known.get(key)
        with self._reading():
            found = (
                self._bucket.get(key)
                if known is None
                else self._bucket.get_if_changed(key, known[0])
            )
        if found is None:
            with self._lock:
                self._known.pop(key, None)
            return None
        if known is not None and found[1] == known[0]:
            return known[1]
        try:
            content = json.loads(found[0])
        except ValueError as error:
            raise self.unreadable(f"{key}: {error}") from error
        if not isinstance(content, dict):
            raise self.unreadable(f"{key} is no JSON object")
        with self._lock:
            self._known[key] = found[1], content
        return content

    def _put(self, key: str, content: dict[str, Any], *, fenced: bool) -> None:
        with self._lock:
            known = self._known.get(key)
        before = None if not fenced else "" if known is None else known[0]
        with self._writing():
            for lease in self._leases:
                lease.require()
            tag = self._bucket.put(key, json.dumps(content).encode(), replacing=before)
        with self._lock:
            self._known[key] = tag, content

    def _numbers(self) -> list[int]:
        with self._reading():
            folders, _ = self._bucket.names()
        return [int(name) for name in folders if self._is_version(name)]

    def _is_version(self, name: str) -> bool:
        return VERSION.fullmatch(name) is not None

    # ── errors ────────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except StorageError as error:
            raise self.unreadable(str(error)) from None

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except ChangedError as error:
            raise OutputError(
                f"{self.location}: {error}",
                expected="one process that builds or writes at a time",
                fix="wait until it has ended, then run the same command again",
            ) from None
        except StorageError as error:
            raise self.unwritable(str(error)) from None

    def _missing(self) -> IndexFolderError:
        if self._numbers():
            return IndexFolderError(
                f"the index {self.location} was never finished",
                expected="a finished index",
                fix="run the same sentune index build again: it continues where it stopped",
            )
        return IndexFolderError(
            f"there is no index at {self.location}",
            expected="an index that sentune index build made",
            fix="check the name, or build the index first",
        )

    def unreadable(self, problem: str) -> IndexFolderError:
        """The error for a bucket that cannot be read, or for damage."""
        return IndexFolderError(
            f"{self.location} cannot be read ({problem})",
            expected="a bucket that answers, and an index as sentune wrote it",
            fix="check AWS_ENDPOINT_URL, AWS_REGION and the credentials, and the bucket's name",
        )

    def unwritable(self, problem: str) -> OutputError:
        """The error for a bucket that cannot be written."""
        return OutputError(
            f"{self.location} cannot be written ({problem})",
            expected="a bucket that answers and that these credentials may write to",
            fix="check the credentials and what they allow, then repeat it: what was added is kept",
        )
