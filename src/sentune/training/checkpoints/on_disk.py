"""Checkpoints on disk: either whole or absent, and checked before use.

::

    DIR/checkpoint-40/
        the model folder            any release loads it
        training_state.safetensors  optimizer moments, random number generators
        training_state.json         everything else: schedule, step, loss log, callbacks
        trainer_state.json          the state that transformers reads
        manifest.json               the size and SHA-256 of every other file

A checkpoint is written under a hidden name, flushed to the disk and renamed, so that a kill at any
time leaves it whole or absent. The manifest finds what renaming cannot prevent: a damaged disk, an
incomplete copy, a file that somebody changed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from sentune.errors import TrainingError
from sentune.files import (
    make_folder,
    move_into,
    new_folder,
    remove_folder,
    remove_partials,
    sha256,
    write_bytes,
    write_json,
    write_text,
)
from sentune.training.checkpoints.state import from_plain, to_plain

__all__ = [
    "checkpoints",
    "damage",
    "last_checkpoint",
    "prune_checkpoints",
    "read_state",
    "require_only_ours",
    "set_aside",
    "step_of",
    "write_checkpoint",
]

_NAME = re.compile(r"checkpoint-(\d+)")
_MANIFEST = "manifest.json"
_TENSORS, _STATE = "training_state.safetensors", "training_state.json"
_PROGRESS = "trainer_state.json"


def write_checkpoint(
    folder: Path,
    *,
    write_model: Callable[[Path], None],
    state: Mapping[str, Any],
    trainer_state: str,
) -> None:
    """Write the checkpoint ``folder``, whole or not at all.

    Cost: the model's weights and two optimizer moments of each, written, hashed and flushed.

    Raises:
        OutputError: ``folder`` exists, or cannot be written.
        TrainingError: a part of the state cannot be written without a pickle.
    """
    tensors: dict[str, Tensor] = {}
    plain = to_plain(state, tensors)
    with new_folder(folder) as partial:
        write_model(partial)
        write_bytes(partial / _TENSORS, save(tensors))
        write_json(partial / _STATE, plain)
        write_text(partial / _PROGRESS, trainer_state)
        write_json(partial / _MANIFEST, _manifest(partial))


def read_state(folder: Path) -> dict[str, Any]:
    """The ``state`` of :func:`write_checkpoint`. Raises TrainingError."""
    try:
        tensors = load_file(folder / _TENSORS)
        plain = json.loads((folder / _STATE).read_text(encoding="utf-8"))
        state: dict[str, Any] = from_plain(plain, tensors)
    except (OSError, ValueError, KeyError, StopIteration, SafetensorError) as error:
        raise TrainingError(
            f"the state in {folder} cannot be read ({error})",
            expected="a whole checkpoint of sentune",
            fix="remove that folder to continue from the checkpoint before it",
        ) from error
    return state


def checkpoints(root: Path) -> list[Path]:
    """The checkpoints in ``root``, the last step first, damaged ones included."""
    found = [path for path in root.glob("checkpoint-*") if _NAME.fullmatch(path.name)]
    return sorted(found, key=step_of, reverse=True)


def step_of(checkpoint: Path) -> int:
    """The step after which a checkpoint was written, from its name."""
    return int(checkpoint.name.rpartition("-")[2])


def last_checkpoint(
    root: Path, warn: Callable[[str], None], *, with_best: bool = False
) -> Path | None:
    """The last checkpoint in ``root`` that is whole; None when there is none.

    Unfinished and damaged checkpoints are removed, because their names are needed again; ``warn``
    is called for each damaged one. With ``with_best``, the best checkpoint must be whole as well.

    Raises:
        OutputError: a damaged one cannot be removed.
        TrainingError: one was not written by sentune.
    """
    require_only_ours(root)
    remove_partials(root)
    for folder in checkpoints(root):
        found = damage(folder)
        if found is None and with_best:
            found = _damage_of_best(folder)
        if found is None:
            return folder
        warn(f"{folder} is damaged ({found}); going back to the checkpoint before it")
        remove_folder(folder)
    return None


def _damage_of_best(folder: Path) -> str | None:
    state = json.loads((folder / _PROGRESS).read_text(encoding="utf-8"))
    if state.get("best_model_checkpoint") is None:
        return None
    best = folder.with_name(f"checkpoint-{state['best_global_step']}")
    found = damage(best)
    return None if found is None else f"its best, {best.name}: {found}"


def require_only_ours(root: Path) -> None:
    """Raise TrainingError when another program wrote a checkpoint in ``root``."""
    for folder in checkpoints(root):
        names = {path.name for path in folder.iterdir()}
        if names and names.isdisjoint((_MANIFEST, _TENSORS, _STATE)):
            raise TrainingError(
                f"{folder} is not a checkpoint of sentune",
                expected="a folder with checkpoints of sentune only",
                fix="name another folder, or move that checkpoint away",
            )


def damage(folder: Path) -> str | None:
    """What is wrong with a checkpoint, in words; None when every file is unchanged."""
    try:
        manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        files = {str(name): dict(facts) for name, facts in manifest["files"].items()}
        for name, facts in files.items():
            path = folder / name
            if not path.is_file():
                return f"{name} is missing"
            if path.stat().st_size != facts["bytes"] or sha256(path) != facts["sha256"]:
                return f"{name} is not as it was written"
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return f"{_MANIFEST} is missing or cannot be read"
    return None


def prune_checkpoints(root: Path, limit: int | None, best: str | None) -> None:
    """Remove all but the last ``limit`` checkpoints and the best one. Raises OutputError."""
    if not limit or limit < 0:
        return
    kept = None if best is None else Path(best).name
    others = [folder for folder in checkpoints(root) if folder.name != kept]
    for folder in others[max(1, limit - (kept is not None)) :]:
        remove_folder(folder)


def set_aside(root: Path) -> Path:
    """Move all checkpoints in ``root`` into a new folder there. Raises OutputError."""
    numbers = (root / f"earlier-run-{number}" for number in count(1))
    folder = next(path for path in numbers if not path.exists())
    make_folder(folder)
    for checkpoint in checkpoints(root):
        move_into(folder, checkpoint)
    return folder


def _manifest(folder: Path) -> dict[str, Any]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    facts = ({"bytes": path.stat().st_size, "sha256": sha256(path)} for path in paths)
    names = (path.relative_to(folder).as_posix() for path in paths)
    return {"files": dict(zip(names, facts, strict=True))}
