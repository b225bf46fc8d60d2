"""Paths that are given to a verb, looked at before anything large is imported."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sentune.data import ReadOptions

__all__ = ["require_pair_files", "require_texts_or_pairs", "require_there"]


def require_there(*paths: Path | None) -> None:
    """Check that files or folders exist and can be reached. Raises DataError."""
    for path in paths:
        if path is None:
            continue
        try:
            path.stat()
        except (OSError, ValueError) as error:
            from sentune.data.files.lines import unreadable

            raise unreadable(path, error) from error


def require_pair_files(reading: ReadOptions, *paths: Path | None) -> None:
    """Check that files of pairs exist and have the columns that are named. Raises DataError."""
    from sentune.data.kinds import require_pair_columns

    require_there(*paths)
    for path in paths:
        if path is not None:
            require_pair_columns(path, reading)


def require_texts_or_pairs(reading: ReadOptions, path: Path) -> None:
    """The same for a file that may hold texts alone, as tune takes them. Raises DataError."""
    from sentune.data.kinds import holds_texts_only, refuse_questions

    require_there(path)
    if holds_texts_only(path, reading):
        refuse_questions(path, reading)
    else:
        require_pair_files(reading, path)
