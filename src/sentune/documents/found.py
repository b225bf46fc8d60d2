"""Which files are read, and what they are called: those named, and those below folders.

What sentune made of documents is no document: a model, an index or a run below the folder, and a
file of passages or questions that were made of the files beside it.
"""

from __future__ import annotations

import os
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from sentune.data.files.lines import missing
from sentune.data.files.made_files import what_it_was_made_of
from sentune.data.files.own_folders import refuse_not_data, what_it_holds
from sentune.documents.formats import SUFFIXES
from sentune.errors import DataError

__all__ = ["Found", "below", "find", "unreadable_document"]


@dataclass(frozen=True, slots=True)
class Found:
    """One file.

    Attributes:
        source: its name in passages: its path below the folder that was named, or the path itself.
        path: where it is; links are resolved. A folder that is skipped as a whole is one.
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
    outside of the folder is skipped. Files of a folder with other suffixes are skipped, too, and so
    is what was made of the documents (see the module).

    Cost: JSONL files of passages or questions that sentune made are read.

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
    names = {Path(source).name for source in names}
    return [_without_made(each, names) for each in found.values()]


def _without_made(file: Found, names: Container[str]) -> Found:
    """The file, skipped if it is below a folder and was made of files with these names."""
    if file.named or file.skipped is not None:
        return file
    return replace(file, skipped=what_it_was_made_of(file.path, names))


def _at(path: Path, *, alone: bool) -> Iterator[Found]:
    if not path.exists():
        raise missing(path, "a file or a folder")
    if not path.is_dir():
        one = _file(path.name if alone else path.as_posix(), path.resolve())
        if one.skipped is not None:
            raise unreadable_document(str(path), one.skipped)
        yield replace(one, named=True)
        return
    refuse_not_data(path)
    root = path.resolve()
    for file in sorted(below(root)):
        relative = file.relative_to(root).as_posix()
        source = relative if alone else f"{path.as_posix()}/{relative}"
        target = file.resolve()
        if file.is_dir() and not file.is_symlink():
            yield Found(source, target, what_it_holds(file))
        elif not target.is_relative_to(root):
            yield Found(source, file, "is a link out of the folder")
        else:
            yield _file(source, target)


def unreadable_document(name: str, reason: str) -> DataError:
    """The error for a file that a person named and that is not read."""
    return DataError(
        f"{name} {reason}",
        expected="a document whose text can be read, because a file that is named is never skipped",
        fix="correct the file or leave it out",
    )


def below(root: Path) -> Iterator[Path]:
    """The files below a folder, and in place of its files each folder with a model or an index.

    Hidden ones are left out. Raises DataError if a folder cannot be listed.
    """

    def refuse(error: OSError) -> None:
        raise DataError(
            f"{error.filename} can't be listed ({error.strerror})",
            expected="a folder that can be read",
            fix="check its permissions, or name other folders",
        ) from error

    for folder, folders, names in os.walk(root, onerror=refuse):
        if Path(folder) != root and what_it_holds(Path(folder)) is not None:
            folders.clear()
            yield Path(folder)
            continue
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(folder, name) for name in names if not name.startswith("."))


def _file(source: str, path: Path) -> Found:
    if path.suffix.lower() not in SUFFIXES:
        suffix = path.suffix.lower()
        return Found(source, path, f"ends in {suffix!r}" if suffix else "has no suffix")
    if not path.is_file():
        return Found(source, path, "is no regular file" if path.exists() else "leads nowhere")
    return Found(source, path)
