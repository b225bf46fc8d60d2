"""Paths that are given to a verb, looked at before anything large is imported."""

from __future__ import annotations

from pathlib import Path

__all__ = ["require_there"]


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
