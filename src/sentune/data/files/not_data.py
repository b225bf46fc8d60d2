"""Folders that hold no data, although some of their files can be read as texts."""

from __future__ import annotations

import json
from pathlib import Path

from sentune.errors import DataError

__all__ = ["refuse_not_data"]

_OF_MODELS = ("modules.json", "config_sentence_transformers.json")
_WEIGHTS = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin")


def refuse_not_data(path: str | Path) -> None:
    """Refuse the folder of a model and that of an index, which are no texts. Raises DataError.

    Such a folder has a card and a vocabulary, which would be read as documents. A folder above it
    is not looked at. Cost: a few file names.
    """
    folder = Path(path)
    if _is_model(folder):
        raise _no_data(folder, "the folder of a model")
    if _is_index(folder):
        raise _no_data(folder, "an index")


def _is_model(folder: Path) -> bool:
    if any((folder / name).is_file() for name in _OF_MODELS):
        return True
    weights = any((folder / name).is_file() for name in _WEIGHTS)
    return weights and (folder / "config.json").is_file()


def _is_index(folder: Path) -> bool:
    try:
        found = json.loads((folder / "index.json").read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(found, dict) and found.keys() == {"format", "version"}


def _no_data(folder: Path, what: str) -> DataError:
    return DataError(
        f"{folder} is {what}",
        expected="data: pairs, texts or documents",
        fix="name the file or the folder of your data",
    )
