"""Files of an index on this machine, fetched once; several processes may share them."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from sentune.files import make_folder, new_file

__all__ = ["Cache"]

_UNUSED = 7 * 24 * 3600.0  # seconds: then a file is removed


class _NoObject(Exception):  # noqa: N818 (no error)
    pass


class Cache:
    """The files of one index, below ``SENTUNE_CACHE`` or the user's folder for caches.

    A name stands for one content, so a file that is there is never asked for again. Files that
    nobody used for a week are removed when another is fetched.
    """

    def __init__(self, location: str) -> None:
        base = os.environ.get("SENTUNE_CACHE") or _usual()
        name = hashlib.sha256(location.encode()).hexdigest()[:24]
        self._folder = Path(base) / "index" / name

    def path(self, key: str) -> Path:
        """Where a file is, or would be."""
        return self._folder / key

    def fetched(self, key: str, fetch: Callable[[Callable[[bytes], object]], bool]) -> Path | None:
        """A file, fetched if it is not there; None if there is none. Raises OutputError."""
        path = self.path(key)
        if path.exists():
            with suppress(OSError):
                os.utime(path)
            return path
        make_folder(path.parent)
        self._remove_unused()
        with suppress(_NoObject), new_file(path) as stream:
            if not fetch(stream.write):
                raise _NoObject  # so that no empty file takes its name
            return path
        return None

    @contextmanager
    def new(self, key: str, upload: Callable[[Path], object]) -> Iterator[BinaryIO]:
        """Write a file here and pass it on; it is kept only if that worked. Raises OutputError."""
        path = self.path(key)
        make_folder(path.parent)
        try:
            with new_file(path) as stream:
                yield stream
            upload(path)
        except BaseException:
            path.unlink(missing_ok=True)
            raise

    def remove(self, key: str) -> None:
        """Remove a file, if it is there; a process that has mapped it keeps it."""
        with suppress(OSError):
            self.path(key).unlink(missing_ok=True)

    def _remove_unused(self) -> None:
        oldest = time.time() - _UNUSED
        for file in self._folder.rglob("*"):
            with suppress(OSError):
                if file.is_file() and file.stat().st_mtime < oldest:
                    file.unlink()


def _usual() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sentune"
