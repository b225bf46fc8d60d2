"""Whether a file or a folder can be written, asked before long work."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from sentune.errors import OutputError

__all__ = [
    "cannot_write",
    "claim_folder",
    "is_claimed",
    "make_folder",
    "require_free",
    "require_suffix",
    "require_writable",
]

_claimed: set[Path] = set()  # folders that this process may write into again


def require_suffix(path: Path, suffixes: Sequence[str]) -> None:
    """Raise OutputError unless ``path`` can be a file with one of the suffixes, in lower case."""
    suffix = path.suffix.lower()
    if suffix not in suffixes:
        raise OutputError(
            f"{path} has the suffix {suffix!r}" if suffix else f"{path} has no suffix",
            expected=f"a file name that ends in {', '.join(suffixes[:-1])} or {suffixes[-1]}",
            fix="use one of these suffixes",
        )
    require_writable(path)


def require_writable(path: str | Path) -> None:
    """Raise OutputError unless ``path`` can be the name of a file; for use before long work."""
    destination = Path(path)
    if not destination.name or os.path.isdir(destination):
        raise OutputError(
            f"{destination} is a folder", expected="a file name", fix="name a file in this folder"
        )
    _require_writable_folder(destination.parent, destination)


def _require_writable_folder(folder: Path, destination: Path) -> None:
    problem = "is not a folder" if os.path.lexists(folder) else "does not exist"
    if os.path.isdir(folder):
        problem = "" if os.access(folder, os.W_OK | os.X_OK) else "is not writable"
    if problem:
        raise cannot_write(destination, OSError(0, f"{folder} {problem}"))
    try:
        _try_to_write(folder)
    except OSError as error:
        raise cannot_write(destination, error) from error


def _try_to_write(folder: Path) -> None:
    """Make a file without a name: permissions do not tell of every disk that takes none."""
    import tempfile

    with tempfile.TemporaryFile(dir=folder):
        pass


def require_free(path: str | Path) -> None:
    """Raise OutputError unless ``path`` can become a folder: missing, or empty, and writable.

    A folder that this process has claimed is free.
    """
    destination = Path(path)
    if is_claimed(destination):
        return
    if destination.absolute() == Path.cwd():
        raise OutputError(
            f"{destination} is the current folder",
            expected="a folder that does not exist yet, or an empty one elsewhere",
            fix="name another folder",
        )
    try:
        whole = destination.absolute()
        existing = next(folder for folder in (whole, *whole.parents) if folder.exists())
        if existing.is_dir() or existing != whole:
            _require_writable_folder(existing, destination)
        if not destination.exists() and not destination.is_symlink():
            return
        if destination.is_dir() and not any(destination.iterdir()):
            return
    except OSError as error:
        raise cannot_write(destination, error) from error
    raise OutputError(
        f"{destination} exists and is not empty",
        expected="a folder that does not exist yet, or an empty one",
        fix="name another folder, or move this one away",
    )


def claim_folder(path: str | Path) -> None:
    """Let this process write into a folder again and again, whatever it holds then.

    For a folder that a run has found free, and fills itself. Raises OutputError unless it can be
    made and written.
    """
    make_folder(path)
    if not os.access(path, os.W_OK | os.X_OK):
        raise cannot_write(Path(path), OSError(0, "it is not writable"))
    _claimed.add(Path(path).resolve())


def is_claimed(path: str | Path) -> bool:
    """Whether this process has claimed the folder."""
    return Path(path).resolve() in _claimed


def make_folder(path: str | Path) -> None:
    """Make a folder, and those above it, unless it exists. Raises OutputError."""
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(Path(path), error) from error


def cannot_write(path: Path, error: OSError) -> OutputError:
    """The error for a file or a folder that the system refuses."""
    return OutputError(
        f"{path} cannot be written ({error.strerror or error})",
        expected="a folder that can be written, on a disk with free space",
        fix="check the folder, its permissions and the free space",
    )
