"""What a model was tuned from before, as the folders of these runs tell it."""

from __future__ import annotations

import json
from pathlib import Path

__all__ = ["descent"]

_MOST = 10  # two folders could name each other


def descent(folder: Path) -> list[str]:
    """The base models of the tunings behind a folder, the nearest first; may be empty.

    Folders are named without their path. It ends at a model that no tuning wrote, or whose folder
    is not there any more.
    """
    found: list[str] = []
    while len(found) < _MOST:
        try:
            figures = json.loads((folder / "evaluation.json").read_text("utf-8"))
            base = Path(figures["training"]["base"]).expanduser()
        except (OSError, ValueError, KeyError, TypeError, RuntimeError, RecursionError):
            break
        folder = base
        is_folder = base.is_absolute() or base.is_dir() or len(base.parts) > 2
        found.append(base.resolve().name if is_folder else str(base))
    return found
