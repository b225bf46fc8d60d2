"""What Ctrl-C leaves of an index: read from its folder before the work and after."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sentune.errors import SentuneError
from sentune.wording import agreeing, counted

__all__ = ["IndexState", "telling_what_is_left", "what_is_left"]


@dataclass(frozen=True, slots=True)
class IndexState:
    """An index at one instant.

    Attributes:
        version: the one that searches read; None if there is no index.
        commit: the current one of that version.
        begun: how many passages a version that nobody reads yet has.
    """

    version: int | None = None
    commit: object = None
    begun: int = 0

    @classmethod
    def read(cls, folder: str) -> IndexState:
        """The state of a folder; that of no index if it cannot be read."""
        from sentune.index.manifest import Manifest
        from sentune.index.storage import store_at

        store = store_at(folder)
        try:
            version = store.current() if store.is_published() else None
            commit = None if version is None else Manifest.read(store, version)
            unfinished = store.unfinished() if store.exists() else None
            begun = 0 if unfinished is None else Manifest.read(store, unfinished).passages
        except SentuneError:
            return cls()
        return cls(version, commit, begun)


@contextmanager
def telling_what_is_left(folder: str) -> Iterator[None]:
    """Around work on an index: Ctrl-C is answered by what the folder has then."""
    before = IndexState()
    try:
        before = IndexState.read(folder)
        yield
    except KeyboardInterrupt:
        after = IndexState.read(folder)
        raise KeyboardInterrupt(what_is_left(folder, before, after)) from None


def what_is_left(folder: str, before: IndexState, after: IndexState) -> str:
    """The message for work on an index that was interrupted at any instant."""
    if after.begun:
        kept = counted(after.begun, "passage")
        return (
            f"interrupted; {folder} keeps {kept} that {agreeing(after.begun, 'is')} encoded, and "
            "the same command continues from there"
        )
    if after.version is None:
        return "interrupted; nothing was written"
    if after == before:
        return f"interrupted; {folder} is as it was"
    if before.version is None:
        return f"interrupted; {folder} holds the whole index"
    return f"interrupted; {folder} keeps what was written, and the same command does the rest"
