"""Folders that hold a model, an index or a run: their files are no texts of a person."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from sentune.errors import DataError

__all__ = ["refuse_held", "refuse_not_data", "what_files_hold", "what_it_holds"]

Has = Callable[[str], bool]
Read = Callable[[str], bytes]

_MODEL = ("modules.json", "config_sentence_transformers.json")
_WEIGHTS = ("model.safetensors", "pytorch_model.bin", "model.safetensors.index.json")


def what_it_holds(folder: Path) -> str | None:
    """Whether a folder holds a model, an index or a run of ``sentune tune``; None if none of them.

    Cost: a few names of files are looked up.
    """
    return what_files_hold(
        lambda name: (folder / name).is_file(), lambda name: (folder / name).read_bytes()
    )


def what_files_hold(has: Has, read: Read) -> str | None:
    """The same of any folder: ``has`` knows its files by their names, and ``read`` opens one."""
    if any(map(has, _MODEL)) or (has("config.json") and any(map(has, _WEIGHTS))):
        return "holds a model"
    if has("index.json") and _is_index(read):
        return "holds an index"
    if has("data/documents.json") and has("data/passages.jsonl"):
        return "holds a run of sentune tune"
    return None


def refuse_not_data(path: str | Path) -> None:
    """Refuse the folder of a model and that of an index, which are no texts. Raises DataError.

    Such a folder has a card and a vocabulary, which would be read as documents. A folder above it
    is not looked at.
    """
    refuse_held(path, what_it_holds(Path(path)))


def refuse_held(path: str | Path, held: str | None) -> None:
    """The same for a folder of which it is known what it holds. Raises DataError."""
    if held in ("holds a model", "holds an index"):
        raise DataError(
            f"{path} {held}",
            expected="data: pairs, texts or documents",
            fix="name the file or the folder of your data",
        )


def _is_index(read: Read) -> bool:
    try:
        found = json.loads(read("index.json"))
    except (OSError, ValueError):
        return False
    return isinstance(found, dict) and found.keys() == {"format", "version"}
