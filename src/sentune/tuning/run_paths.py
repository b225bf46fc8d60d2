"""Paths in a ``run.yaml``: relative to the file, so that it holds from wherever it is read.

A relative path names no home of its owner either.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

__all__ = ["FILES", "beside", "model_relative_to", "relative_to"]

FILES = ("data", "valid", "test", "corpus")
"""The settings that name files."""


def relative_to(folder: Path, path: str | None) -> str | None:
    """A path as seen from a folder, beginning with a point; absolute if that cannot be."""
    if path is None:
        return None
    target = Path(path).expanduser().resolve()
    try:
        found = os.path.relpath(target, folder.resolve())
    except ValueError:  # another drive, on Windows
        return str(target)
    return found if found.startswith(os.pardir) else f"{os.curdir}{os.sep}{found}"


def model_relative_to(folder: Path, name: str) -> str:
    """The name of a model, or its folder as seen from ``folder``."""
    is_folder = Path(name).expanduser().is_dir()
    return (relative_to(folder, name) if is_folder else None) or name


def beside(file: Path, values: dict[str, Any]) -> dict[str, Any]:
    """Resolve the paths of a file's settings, which are relative to the file."""
    found = dict(values)
    for name in FILES:
        if found.get(name) is not None:
            found[name] = _from(file, str(found[name]))
    base = found.get("base")
    # Without a point at its beginning it may be the name of a model.
    if isinstance(base, str) and base.startswith(os.curdir):
        found["base"] = str(Path(_from(file, base)).absolute())
    return found


def _from(file: Path, path: str) -> str:
    return os.path.normpath(file.parent / Path(path).expanduser())
