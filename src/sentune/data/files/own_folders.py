"""Folders that hold a model, an index or a run: their files are no texts of a person."""

from __future__ import annotations

import json
from pathlib import Path

from sentune.errors import DataError

__all__ = ["refuse_not_data", "what_it_holds"]

_MODEL = ("modules.json", "config_sentence_transformers.json")
_WEIGHTS = ("model.safetensors", "pytorch_model.bin", "model.safetensors.index.json")


def what_it_holds(folder: Path) -> str | None:
    """Whether a folder holds a model, an index or a run of ``sentune tune``; None if none of them.

    Cost: a few names of files are looked up.
    """
    if _has(folder, *_MODEL) or (_has(folder, "config.json") and _has(folder, *_WEIGHTS)):
        return "holds a model"
    if _is_index(folder):
        return "holds an index"
    if _has(folder, "data/documents.json") and _has(folder, "data/passages.jsonl"):
        return "holds a run of sentune tune"
    return None


def refuse_not_data(path: str | Path) -> None:
    """Refuse the folder of a model and that of an index, which are no texts. Raises DataError.

    Such a folder has a card and a vocabulary, which would be read as documents. A folder above it
    is not looked at.
    """
    held = what_it_holds(Path(path))
    if held in ("holds a model", "holds an index"):
        raise DataError(
            f"{path} {held}",
            expected="data: pairs, texts or documents",
            fix="name the file or the folder of your data",
        )


def _is_index(folder: Path) -> bool:
    try:
        found = json.loads((folder / "index.json").read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(found, dict) and found.keys() == {"format", "version"}


def _has(folder: Path, *names: str) -> bool:
    return any((folder / name).is_file() for name in names)
