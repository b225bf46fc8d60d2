"""Which files are read, and what they are called: those named, and those below folders."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from sentune.data.files.not_data import refuse_not_data
from sentune.documents.formats import SUFFIXES
from sentune.errors import DataError

__all__ = ["Found", "find", "unreadable_document"]


@dataclass(frozen=True, slots=True)
class Found:
    """One file.

    Attributes:
        source: its name in passages: below the folder that was named, or the path that was.
        path: where it is; links are resolved.
        skipped: why it is not opened; None if it is.
        named: whether a person named the file itself, and not a folder above it.
    """

    source: str
    path: Path
    skipped: str | None = None
    named: bool = False


def find(paths: Iterable[str | Path]) -> list[Found]:
    """The files at paths, each once, those of a folder in the order of their names.

    Hidden files and folders are left out, links to folders are not followed, and a link to a file
    outside of the folder is skipped. Files of a folder with other suffixes are skipped, too.

    Raises:
        DataError: a path does not exist or cannot be listed, is a model or an index, there is no
            path, or a file that was named itself is no document.
    """
    found: dict[Path, Found] = {}
    names: set[str] = set()
    several = [Path(path) for path in paths]
    for path in several:
        for each in _at(path, alone=len(several) == 1):
            source = each.source if each.source not in names else str(each.path)
            if each.path not in found:
                found[each.path] = replace(each, source=source)
                names.add(source)
    if not found:
        raise DataError(
            f"{', '.join(map(str, several)) or 'no path'} has no files",
            expected=f"files that end in {', '.join(SUFFIXES)}",
            fix="name a file, or a folder that has some",
        )
    return list(found.values())


def _at(path: Path, *, alone: bool) -> Iterator[Found]:
    if not path.exists():
        raise DataError(
            f"{path} does not exist",
            expected="a file or a folder",
            fix="check the path and the folder",
        )
    if not path.is_dir():
        one = _file(path.name if alone else path.as_posix(), path.resolve())
        if one.skipped is not None:
            raise unreadable_document(str(path), one.skipped)
        yield replace(one, named=True)
        return
    refuse_not_data(path)
    root = path.resolve()
    for file in sorted(_below(root)):
        relative = file.relative_to(root).as_posix()
        source = relative if alone else f"{path.as_posix()}/{relative}"
        target = file.resolve()
        if not target.is_relative_to(root):
            yield Found(source, file, "is a link out of the folder")
        else:
            yield _file(source, target)


def unreadable_document(name: str, reason: str) -> DataError:
    """The error for a file that a person named and that is not read."""
    return DataError(
        f"{name} {reason}",
        expected=f"a document with text, which ends in {', '.join(SUFFIXES)}",
        fix="correct the file or leave it out; only files below a folder are skipped",
    )


def _below(root: Path) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        raise DataError(
            f"{error.filename} can't be listed ({error.strerror})",
            expected="a folder that can be read",
            fix="check its permissions, or name other folders",
        ) from error

    for folder, folders, names in os.walk(root, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(folder, name) for name in names if not name.startswith("."))


def _file(source: str, path: Path) -> Found:
    if path.suffix.lower() not in SUFFIXES:
        suffix = path.suffix.lower()
        return Found(source, path, f"ends in {suffix!r}" if suffix else "has no suffix")
    if not path.is_file():
        return Found(source, path, "is no regular file" if path.exists() else "leads nowhere")
    return Found(source, path)
