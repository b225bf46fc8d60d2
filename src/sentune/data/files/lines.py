"""Bytes → numbered lines of text: where a file is opened and its encoding is checked.

Every reader of text files uses this module. So all of them name the file and the line in the same
way, and none opens a file with the platform's default encoding.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from sentune.data.files.signatures import require_text
from sentune.errors import DataError

__all__ = [
    "STDIN",
    "STDIN_NAME",
    "check_suffix",
    "missing",
    "numbered_lines",
    "unreadable",
    "whole_text",
]

STDIN = "-"
STDIN_NAME = "standard input"
_BOM = b"\xef\xbb\xbf"
_SAVE = "save the data in one of these formats, or correct the suffix"
_UNPACKING = {
    ".gz": "unpack it first: gunzip FILE",
    ".bz2": "unpack it first: bunzip2 FILE",
    ".xz": "unpack it first: unxz FILE",
    ".zst": "unpack it first: unzstd FILE",
    ".zip": "unpack it first: unzip FILE",
}


def check_suffix(path: Path, suffixes: Iterable[str]) -> str:
    """Return the suffix of a file in lower case.

    Raises DataError if the file does not exist, is a folder or can't be reached, or if its suffix
    is not one of ``suffixes``.
    """
    try:
        path.stat()
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error
    if path.is_dir():
        raise unreadable(path, IsADirectoryError())
    known = tuple(suffixes)
    suffix = path.suffix.lower()
    if suffix not in known:
        raise DataError(
            f"{path} has the suffix {suffix!r}" if suffix else f"{path} has no suffix",
            expected=f"one of {', '.join(known)}",
            fix=_UNPACKING.get(suffix, _SAVE),
        )
    return suffix


def numbered_lines(path: Path | str) -> Iterator[tuple[int, str]]:
    r"""Yield (line number from 1, line with its ending) of a UTF-8 file, with or without a BOM.

    A line ends with ``\n``, ``\r\n`` or ``\r``; the other separators of Unicode are text.
    Standard input is ``"-"``. Memory: the longest line.

    Raises DataError if the file can't be read, or if a line is not UTF-8 or holds a NUL byte.
    """
    name = STDIN_NAME if path == STDIN else str(path)
    number = 0
    for chunk in _chunks(path):
        for line in chunk.splitlines(keepends=True):
            number += 1
            start = len(_BOM) if number == 1 and line.startswith(_BOM) else 0
            yield number, _decoded(line[start:], f"{name}, line {number}")


def whole_text(path: Path) -> str:
    """Return the whole file as text, decoded line by line so that errors can name the line.

    Raises DataError as :func:`numbered_lines`, and if the file is empty.
    """
    text = "".join(line for _, line in numbered_lines(path))
    if not text.strip():
        raise DataError(
            f"{path} is empty", expected="at least one row", fix="check that the export finished"
        )
    return text


def _chunks(path: Path | str) -> Iterator[bytes]:
    try:
        if path == STDIN:
            yield from sys.stdin.buffer
        else:
            with Path(path).open("rb") as stream:
                first = stream.readline()
                require_text(path, first)
                yield first
                yield from stream
    except OSError as error:
        raise unreadable(path, error) from error


def _decoded(line: bytes, location: str) -> str:
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{location}: byte {error.start + 1} of the line (0x{line[error.start]:02x}) is not "
            "UTF-8",
            expected="UTF-8 text",
            fix="save the file as UTF-8 (in Excel: 'CSV UTF-8')",
        ) from error
    if "\0" in text:
        raise DataError(
            f"{location} holds a NUL byte",
            expected="UTF-8 text",
            fix="save the file as UTF-8: NUL bytes come from UTF-16 or from binary files",
        )
    return text


def unreadable(path: Path | str, error: OSError | ValueError) -> DataError:
    """Build the error for a path that can't be opened or read, from the system's error."""
    if isinstance(error, FileNotFoundError):
        return missing(path, "a file")
    if isinstance(error, IsADirectoryError):
        return DataError(
            f"{path} is a folder", expected="a file", fix="name one of the files inside it"
        )
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return DataError(
        f"{path} can't be read ({reason})",
        expected="a readable file",
        fix="check the path, its permissions and its disk",
    )


def missing(path: Path | str, expected: str) -> DataError:
    """Build the error for a path that does not exist; a bucket's name is no path."""
    name = str(path)
    if name.startswith("s3:/"):
        name = f"s3://{name.removeprefix('s3:').lstrip('/')}"  # Path has joined the slashes
        return DataError(
            f"{name} is in a bucket",
            expected=f"{expected} of this machine",
            fix="copy it here; encode, index build and index add read a bucket that is named alone",
        )
    return DataError(
        f"{name} does not exist", expected=expected, fix="check the path and the folder"
    )
