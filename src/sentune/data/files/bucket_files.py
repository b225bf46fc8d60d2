"""Files in a bucket → the same rows as from files of this machine.

Every object is fetched into a temporary file, one at a time, and read from there: so all formats
can be read, in as much disk as the largest object needs.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TypeVar

from sentune.bucket import Bucket, StorageError, is_object_location
from sentune.data.files.own_folders import what_files_hold
from sentune.data.files.reading import TEXT_SUFFIXES
from sentune.errors import DataError, SentuneError

__all__ = ["ObjectFolder", "is_object_location", "is_one_object", "rows_of_object"]

T = TypeVar("T")


class ObjectFolder:
    """The objects at ``s3://BUCKET/NAME``; its errors name the place.

    Attributes:
        location: the place, without a slash at the end.
        names: the objects below it, sorted; hidden ones are left out.

    Raises:
        DataError: the bucket cannot be listed; so do its methods.
        ArgumentError: no bucket is named.
        MissingExtraError: obstore is not installed.
    """

    def __init__(self, location: str) -> None:
        self._bucket = Bucket(location, whole=True)
        self.location = self._bucket.location
        with self._reading():
            self._every = frozenset(self._bucket.sizes())
        self.names = sorted(key for key in self._every if not _is_hidden(key))

    def held(self, folder: str) -> str | None:
        """As :func:`sentune.data.files.own_folders.what_it_holds`; ``""`` is the whole place."""
        below = f"{folder}/" if folder else ""
        return what_files_hold(
            lambda name: f"{below}{name}" in self._every, lambda name: self._content(below + name)
        )

    def lines(self, name: str) -> Iterator[bytes]:
        """The lines of an object, as far as they are asked for."""
        with self._reading():
            yield from self._bucket.first_lines(name)

    def _content(self, name: str) -> bytes:
        with self._reading():
            found = self._bucket.get(name)
        return b"" if found is None else found[0]

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except StorageError as error:
            raise _unreadable(self.location, error) from None


def is_one_object(location: str) -> bool:
    """Whether a name is that of an object with rows: it ends in one of ``TEXT_SUFFIXES``.

    What ends in a slash is a folder.
    """
    return PurePosixPath(location).suffix.lower() in TEXT_SUFFIXES and not location.endswith("/")


def rows_of_object(location: str, read: Callable[[Path], Iterator[T]]) -> Iterator[T]:
    """The rows that ``read`` finds in an object; its messages name the object.

    Raises:
        DataError: the object is missing or cannot be fetched, or what ``read`` raises.
    """
    with _fetched(location) as path:
        try:
            yield from read(path)
        except SentuneError as error:
            record = {
                key: value.replace(str(path), location) for key, value in error.to_json().items()
            }
            raise SentuneError.from_json(record) from None


@contextmanager
def _fetched(location: str) -> Iterator[Path]:
    parent, _, name = location.rpartition("/")
    with tempfile.TemporaryDirectory(prefix="sentune-s3-") as folder:
        path = Path(folder, name)
        try:
            with path.open("wb") as stream:
                found = Bucket(parent, whole=True).fetch(name, stream.write)
        except (StorageError, OSError) as error:
            raise _unreadable(location, error) from None
        if not found:
            raise DataError(
                f"{location} does not exist",
                expected="an object in the bucket",
                fix="check the name; a folder that is called so ends in a slash",
            )
        yield path


def _is_hidden(key: str) -> bool:
    return any(part.startswith(".") for part in key.split("/"))


def _unreadable(location: str, error: Exception) -> DataError:
    return DataError(
        f"{location} can't be read ({error})",
        expected="a bucket that the credentials of the environment may read",
        fix="check the name, AWS_ENDPOINT_URL and the credentials",
    )
