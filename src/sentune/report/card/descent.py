"""What a model was tuned from before, as the folders of these runs tell it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import yaml

__all__ = ["descent"]

_MOST = 10  # two folders could name each other


def descent(folder: Path) -> list[str]:
    """The base models of the tunings behind a folder, the nearest first; may be empty.

    Folders are named without their path. A run that kept its base model is no tuning. The list ends
    at a model that no tuning wrote, or whose folder is not there any more.
    """
    found: list[str] = []
    for _ in range(_MOST):
        base = _base_of(folder)
        if base is None:
            break
        is_folder = base.startswith(os.curdir) or Path(base).is_absolute()
        before = Path(os.path.normpath(folder / base))
        if not _kept_its_base(folder):
            found.append(before.name if is_folder else base)
        if not is_folder:
            break
        folder = before
    return found


def _base_of(folder: Path) -> str | None:
    """What ``run.yaml`` names: a folder as seen from there, with a point at its beginning."""
    try:
        base = yaml.safe_load((folder / "run.yaml").read_text("utf-8"))["base"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError, yaml.YAMLError):
        return None
    return base if isinstance(base, str) else None


def _kept_its_base(folder: Path) -> bool:
    try:
        figures = json.loads((folder / "evaluation.json").read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(figures, dict) and figures.get("kept") == "base"
