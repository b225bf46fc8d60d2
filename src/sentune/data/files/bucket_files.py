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
from sentune.data.files.reading import TEXT_SUFFIXES
from sentune.errors import DataError, SentuneError
from sentune.wording import counted

__all__ = ["bucket_files", "is_object_location", "rows_of_object"]

T = TypeVar("T")


def bucket_files(location: str) -> tuple[list[str], int]:
    """The objects with rows at ``s3://BUCKET/NAME``, sorted, and the number of others.

    A name that ends in one of ``TEXT_SUFFIXES`` is one object; otherwise, and if a slash follows,
    these are all objects below it, but for hidden ones.

    Raises:
        DataError: the bucket cannot be listed, or there is no such object.
        ArgumentError: no bucket is named.
        MissingExtraError: obstore is not installed.
    """
    bucket = Bucket(location, whole=True)
    whole = bucket.location
    if _has_rows(whole) and not location.endswith("/"):
        return [whole], 0
    try:
        keys = sorted(key for key in bucket.sizes() if not _is_hidden(key))
    except StorageError as error:
        raise _unreadable(whole, error) from None
    found = [f"{whole}/{key}" for key in keys if _has_rows(key)]
    if not found:
        others = f" ({counted(len(keys), 'other file')})" if keys else ""
        raise DataError(
            f"{whole} has no file with texts{others}",
            expected=f"files that end in {', '.join(TEXT_SUFFIXES)}",
            fix="check the name, or save the texts in one of these formats",
        )
    return found, len(keys) - len(found)


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


def _has_rows(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in TEXT_SUFFIXES


def _is_hidden(key: str) -> bool:
    return any(part.startswith(".") for part in key.split("/"))


def _unreadable(location: str, error: Exception) -> DataError:
    return DataError(
        f"{location} can't be read ({error})",
        expected="a bucket that the credentials of the environment may read",
        fix="check the name, AWS_ENDPOINT_URL and the credentials",
    )
