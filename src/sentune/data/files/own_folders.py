"""Folders that hold a model, an index or a run: their files are no texts of a person."""

from __future__ import annotations

from pathlib import Path

__all__ = ["what_it_holds"]

_MODEL = frozenset({"modules.json", "config_sentence_transformers.json"})
_WEIGHTS = frozenset({"model.safetensors", "pytorch_model.bin", "model.safetensors.index.json"})


def what_it_holds(folder: Path) -> str | None:
    """Whether a folder holds a model, an index or a run of ``sentune tune``; None if none of them.

    Only the names of its files count. Cost: a few of them are looked up.
    """
    if _has(folder, _MODEL):
        return "holds a model"
    if _has(folder, {"config.json"}) and _has(folder, _WEIGHTS):
        return "holds a model"
    if any(folder.glob("[0-9]*/facts.json")):
        return "holds an index"
    if _has(folder, {"data/documents.json"}) and _has(folder, {"data/passages.jsonl"}):
        return "holds a run of sentune tune"
    return None


def _has(folder: Path, names: frozenset[str] | set[str]) -> bool:
    return any((folder / name).is_file() for name in names)
