"""``revision.json``: what belongs to a version now. Replacing it is what commits a change.

It names a commit of LanceDB's table, the segments, and the file of the passages that are gone from
them. Readers follow it, and the next change starts from it. What a change has written without
coming this far is as if it had not been.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sentune.index.store import Store

__all__ = ["REVISION", "Manifest"]

REVISION = "revision.json"


@dataclass(frozen=True, slots=True)
class Manifest:
    """A commit of a version.

    Attributes:
        revision: LanceDB's number of the commit; None when the table was only just made.
        passages: how many there are.
        segments: names of files, in the order of their passages' numbers.
        gone: the file with the numbers of passages that are no more; None without any.
        codec: the file that says how token vectors are packed; None while they are kept whole.
        next_number: of a passage.
        next_file: a number that no file was named by.
    """

    revision: int | None = None
    passages: int = 0
    segments: tuple[str, ...] = ()
    gone: str | None = None
    codec: str | None = None
    next_number: int = 0
    next_file: int = 1

    @classmethod
    def read(cls, store: Store, version: int) -> Manifest:
        """The current one; empty where nothing was added. Raises IndexFolderError for damage."""
        content = store.read(version, REVISION)
        return cls() if content is None else cls._of(content, store)

    @classmethod
    def _of(cls, content: Mapping[str, Any], store: Store) -> Manifest:
        try:
            return cls(
                revision=_whole(content["revision"]),
                passages=_whole(content["passages"]),
                segments=_names(content["segments"]),
                gone=_name(content["gone"]),
                codec=_name(content["codec"]),
                next_number=_whole(content["next_number"]),
                next_file=_whole(content["next_file"]),
            )
        except (KeyError, TypeError) as error:
            raise store.unreadable(f"{REVISION}: {error}") from error

    def is_current(self, store: Store, version: int) -> bool:
        """Whether a search can go on with it; cheaper than to read it again."""
        content = store.read(version, REVISION) or {}
        names = self.segments
        return (
            content.get("revision") == self.revision
            and content.get("next_file") == self.next_file
            and content.get("gone") == self.gone
            and content.get("codec") == self.codec
            and content.get("segments") == [*names]
        )

    def write(self, store: Store, version: int) -> None:
        """Make it the current one. Raises OutputError."""
        store.write(version, REVISION, {name: getattr(self, name) for name in self.__slots__})

    @property
    def files(self) -> set[str]:
        """The names of all files that it needs."""
        return {*self.segments, *(name for name in (self.gone, self.codec) if name is not None)}


def _whole(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise TypeError(f"{value!r} is no whole number")
    return value


def _name(value: Any) -> str | None:
    return None if value is None else _names([value])[0]


def _names(value: Any) -> tuple[str, ...]:
    if not isinstance(value, Sequence) or not all(
        isinstance(name, str) and name and "/" not in name and not name.startswith(".")
        for name in value
    ):
        raise TypeError(f"{value!r} has no names of files")
    return tuple(value)
