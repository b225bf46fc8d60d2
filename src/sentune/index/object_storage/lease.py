"""One writer at a time, over all machines: an object that its holder renews until it is done.

A lease that is not renewed runs out, so a killed writer keeps the others waiting for half a minute
and no longer. A writer that was only slow finds its lease gone, and then writes nothing more.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sentune.bucket import Bucket, ChangedError, StorageError

__all__ = ["Lease", "LeaseLostError", "is_held"]

_SECONDS = 30.0
_LEAST_WAIT, _MOST_WAIT = 0.05, 1.0


class LeaseLostError(StorageError):
    """The lease ran out before the work ended."""


class Lease:
    """The right to write, from :meth:`take` to the end of :meth:`renewed`."""

    def __init__(self, bucket: Bucket, key: str) -> None:
        self._bucket, self._key = bucket, key
        self._owner = secrets.token_hex(8)
        self._tag = ""
        self._until = 0.0  # of time.monotonic
        self._ended = threading.Event()
        self._lock = threading.Lock()

    def take(self, *, wait: bool) -> None:
        """Begin to hold it.

        Raises:
            ChangedError: another process holds it, and ``wait`` is False.
            StorageError: the bucket cannot be read or written.
        """
        pause = _LEAST_WAIT
        while not self._taken_now():
            if not wait:
                raise ChangedError(f"{self._key} is held by another process")
            time.sleep(pause)
            pause = min(_MOST_WAIT, 1.5 * pause)

    @contextmanager
    def renewed(self) -> Iterator[None]:
        """Hold it until the block ends, however long that takes."""
        renewing = threading.Thread(target=self._renew_until_ended, daemon=True)
        renewing.start()
        try:
            yield
        finally:
            self._ended.set()
            renewing.join()
            self._release()

    def require(self) -> None:
        """Raise LeaseLostError unless it is still held."""
        if time.monotonic() >= self._until:
            raise LeaseLostError("another process may write now, because this one was too slow")

    def _taken_now(self) -> bool:
        found = self._bucket.get(self._key)
        if found is not None and _is_held(found[0]):
            return False
        try:
            self._put("" if found is None else found[1])
        except ChangedError:
            return False
        return True

    def _put(self, replacing: str, seconds: float | None = None) -> None:
        seconds = _SECONDS if seconds is None else seconds
        until = time.monotonic() + seconds
        content = {"owner": self._owner, "until": time.time() + seconds}
        self._tag = self._bucket.put(self._key, json.dumps(content).encode(), replacing=replacing)
        self._until = until

    def _renew_until_ended(self) -> None:
        while not self._ended.wait(_SECONDS / 3):
            try:
                self._put(self._tag)
            except ChangedError:
                self._until = 0.0
                return
            except StorageError:
                continue  # it may answer the next time; else the lease runs out

    def _release(self) -> None:
        with suppress(StorageError):  # it is another's, or it runs out
            self._put(self._tag, 0.0)


def is_held(bucket: Bucket, key: str) -> bool:
    """Whether a process, this one included, holds a lease. Raises StorageError."""
    found = bucket.get(key)
    return found is not None and _is_held(found[0])


def _is_held(content: bytes) -> bool:
    try:
        until = json.loads(content)["until"]
        return bool(time.time() < until)
    except (ValueError, KeyError, TypeError):
        return False
