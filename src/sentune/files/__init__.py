"""Files that appear whole or not at all: the only code in sentune that replaces a file.

Everything is written to a hidden name beside its destination, flushed to the disk, and renamed.
A rename within one folder is atomic on POSIX systems and on NTFS. So a reader, and also the next
run after a power cut, finds the old file or the new one and never a part.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import Any, BinaryIO

from filelock import FileLock, Timeout

from sentune.errors import OutputError
from sentune.files.free import (
    cannot_write,
    claim_folder,
    is_claimed,
    make_folder,
    require_free,
    require_suffix,
    require_writable,
)

__all__ = [
    "appended_file",
    "claim_folder",
    "is_claimed",
    "locked",
    "make_folder",
    "move_into",
    "new_file",
    "new_folder",
    "remove_empty",
    "remove_folder",
    "remove_partials",
    "require_free",
    "require_suffix",
    "require_writable",
    "sha256",
    "write_bytes",
    "write_json",
    "write_text",
]

_CHUNK = 1 << 20
_LAST = "config.json"  # no library loads a model folder without it


@contextmanager
def new_file(path: str | Path) -> Iterator[BinaryIO]:
    """Open a binary file that takes the name ``path`` when the block ends without an error.

    Raises:
        OutputError: the folder is missing or not writable, or the disk is full. An old file is
            then not changed.
    """
    destination = Path(path)
    require_writable(destination)
    with _moved_into_place(destination) as partial, partial.open("xb") as stream:
        yield stream
        stream.flush()
        os.fsync(stream.fileno())


@contextmanager
def appended_file(path: str | Path) -> Iterator[Callable[[bytes], None]]:
    """Open a file of lines to add to; a line is on the disk when the call that adds it returns.

    It is made if it does not exist. The end of a line that a kill or a full disk cut is removed
    first. One process at a time; see :func:`locked`.

    Raises:
        OutputError: the folder is missing or not writable, or the disk is full.
    """
    destination = Path(path)
    require_writable(destination)
    try:
        # Without a buffer, nothing of a line that failed is written later.
        descriptor = destination.open("a+b", buffering=0)
    except OSError as error:
        raise cannot_write(destination, error) from error
    with descriptor as stream:

        def add(line: bytes) -> None:
            try:
                _write_whole(stream, line + b"\n")
                os.fsync(stream.fileno())
            except OSError as error:
                raise cannot_write(destination, error) from error

        try:
            _cut_after_last_line(stream)
            _sync_folder(destination.parent)
        except OSError as error:
            raise cannot_write(destination, error) from error
        yield add


def _write_whole(stream: FileIO, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[stream.write(left) :]


def _cut_after_last_line(stream: FileIO) -> None:
    end = stream.seek(0, os.SEEK_END)
    while end:
        start = max(0, end - _CHUNK)
        stream.seek(start)
        place = stream.read(end - start).rfind(b"\n")
        if place >= 0:
            end = start + place + 1
            break
        end = start
    stream.truncate(end)


@contextmanager
def new_folder(path: str | Path) -> Iterator[Path]:
    """Yield an empty folder that takes the name ``path`` when the block ends without an error.

    In a folder that this process has claimed, its entries replace those of the same names.

    Raises:
        OutputError: ``path`` exists and is not empty, or cannot be written.
    """
    destination = Path(path)
    require_free(destination)
    if is_claimed(destination) and destination.is_dir():
        staged = _partial_name(destination / "new")
        with new_folder(staged) as partial:
            yield partial
        try:
            _replace_entries(destination, staged)
        finally:
            _remove(staged)
        return
    with _moved_into_place(destination) as partial:
        destination.parent.mkdir(parents=True, exist_ok=True)
        partial.mkdir()
        yield partial
        _sync_tree(partial)


def _replace_entries(folder: Path, source: Path) -> None:
    """Move everything in ``source`` into ``folder``, ``config.json`` last.

    A kill in between leaves a folder without ``config.json``, which is not taken for a model.
    """
    try:
        (folder / _LAST).unlink(missing_ok=True)
        for entry in sorted(source.iterdir(), key=lambda path: path.name == _LAST):
            if (folder / entry.name).is_dir():
                remove_folder(folder / entry.name)
            entry.replace(folder / entry.name)
        _sync_folder(folder)
    except OSError as error:
        raise cannot_write(folder, error) from error


@contextmanager
def _moved_into_place(destination: Path) -> Iterator[Path]:
    """Yield the name that the block writes to. Raises OutputError, and then leaves nothing."""
    partial = _partial_name(destination)
    try:
        yield partial
        partial.replace(destination)
        _sync_folder(destination.parent)
    except OSError as error:
        raise cannot_write(destination, error) from error
    finally:
        _remove(partial)


@contextmanager
def locked(path: Path, *, busy: OutputError, wait: bool = False) -> Iterator[None]:
    """Hold a lock file, in a folder that exists, while the block runs.

    Raises OutputError: ``busy`` when another process holds it, unless ``wait`` is True, or that the
    folder cannot be written.
    """
    lock = FileLock(path, timeout=-1 if wait else 0)
    try:
        lock.acquire()
    except Timeout as error:
        raise busy from error
    except OSError as error:
        raise cannot_write(path.parent, error) from error
    try:
        yield
    finally:
        lock.release()


def move_into(folder: str | Path, path: str | Path) -> None:
    """Move a file or folder into ``folder`` of the same file system; it keeps its name.

    An earlier call that was interrupted may have moved it already: a file is replaced, a folder
    must be empty. Raises OutputError.
    """
    source = Path(path)
    destination = Path(folder) / source.name
    try:
        source.replace(destination)
        _sync_folder(destination.parent)
    except OSError as error:
        raise cannot_write(destination, error) from error


def remove_folder(path: str | Path) -> None:
    """Remove a folder: first its name, at once, then its content. Raises OutputError."""
    folder = Path(path)
    try:
        hidden = folder.replace(_partial_name(folder))
    except OSError as error:
        raise cannot_write(folder, error) from error
    shutil.rmtree(hidden, ignore_errors=True)


def remove_empty(path: str | Path) -> None:
    """Remove a folder if it is empty; one that cannot be removed stays."""
    with suppress(OSError):
        Path(path).rmdir()


def remove_partials(folder: str | Path, name: str = "*") -> None:
    """Remove the unfinished files that killed runs left in ``folder``, of any name by default."""
    for path in Path(folder).glob(f".{name}.*.partial"):
        _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def write_bytes(path: str | Path, content: bytes) -> None:
    """Replace ``path`` with ``content``. Raises OutputError."""
    with new_file(path) as stream:
        stream.write(content)


def write_text(path: str | Path, text: str) -> None:
    """Replace ``path`` with ``text`` in UTF-8. Raises OutputError."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: str | Path, value: Any) -> None:
    """Replace ``path`` with ``value`` as indented JSON; NaN is refused. Raises OutputError."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def sha256(path: str | Path) -> str:
    """Hexadecimal SHA-256 of a file, read in pieces of one MiB."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as stream:
        while piece := stream.read(_CHUNK):
            digest.update(piece)
    return digest.hexdigest()


def _partial_name(destination: Path) -> Path:
    """An unused hidden name beside ``destination``, cut if that name is very long.

    Files are created by name, so that the system applies the umask. To read the umask, a process
    must set it, for all its threads.
    """
    start = os.fsdecode(os.fsencode(destination.name)[:100])
    return destination.with_name(f".{start}.{secrets.token_hex(8)}.partial")


def _sync_tree(folder: Path) -> None:
    for entry in folder.rglob("*"):
        if entry.is_dir():
            _sync_folder(entry)
        else:
            # Libraries that write for us may set other permissions than those of the folder.
            entry.chmod(folder.stat().st_mode & 0o666)
            with entry.open("rb") as stream:
                os.fsync(stream.fileno())
    _sync_folder(folder)


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
