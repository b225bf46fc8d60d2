"""Where an index is kept, by its name: a folder, or a bucket."""

from __future__ import annotations

from pathlib import Path

from sentune.bucket import is_object_location
from sentune.index.store import LocalStore, Store

__all__ = ["store_at"]


def store_at(location: str | Path) -> Store:
    """The store of an index: ``s3://bucket/name``, or a folder of this machine.

    Raises:
        ArgumentError: a bucket without a name in it.
        MissingExtraError: a bucket, and obstore is not installed.
    """
    if not is_object_location(location):
        return LocalStore(location)
    from sentune.index.object_storage.store import ObjectStore

    return ObjectStore(str(location))
