"""Stages of a script's own class in a model folder: written and read by the class itself.

The class must be one that the program has imported. A folder never brings code, and never has a
module imported.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn

from sentune.encoding.stages.module import Module
from sentune.encoding.stages.own import OwnStages, is_own
from sentune.errors import (
    ArgumentError,
    ModelError,
    OutputError,
    SentuneError,
    UnsupportedModelError,
)
from sentune.files import make_folder
from sentune.model_folder.folder import ModelFolder
from sentune.model_folder.modules import ModuleEntry, imported_class, module_path
from sentune.model_folder.pooling import read_pooling
from sentune.model_folder.vector_modules import build_module, described, write_module_weights
from sentune.network.pooling import Pooling
from sentune.wording import named_kind

__all__ = ["own_stages", "require_saving", "shown", "stage_entries", "write_own_stages"]


def own_stages(found: ModelFolder, device: torch.device) -> OwnStages:
    """The stages of a folder, with their weights, in evaluation mode.

    Raises:
        ModelError: a file is missing, damaged or contradicts another, or a class cannot load.
        UnsupportedModelError: a class without ``load``.
    """
    hidden = found.config.hidden_size
    stages = [_loaded(entry, hidden) for entry in found.after_pooling]
    segments = "token_type_ids" in found.tokenizer.model_input_names
    return OwnStages(stages, hidden, segments).to(device).eval()


def _loaded(entry: ModuleEntry, hidden: int) -> nn.Module:
    if entry.kind == "Pooling":
        modes, include_prompt = read_pooling(entry.folder)
        return Pooling(hidden, modes, include_prompt=include_prompt)
    if not entry.own:
        return build_module(entry)
    folder = entry.folder or Path(entry.kind)
    kind = imported_class(entry.kind)
    load: Any = getattr(kind, "load", None)
    if load is None:
        raise UnsupportedModelError(
            f"the class {entry.kind}, which {folder.parent / 'modules.json'} names",
            expected="a class with a method load, which makes a module from its folder",
            fix="derive it from models.Module, or write load",
        )
    made = _load(load, entry.kind, folder)
    if not isinstance(made, nn.Module):
        raise UnsupportedModelError(
            f"load of {entry.kind} returned {named_kind(made)}",
            expected="the module",
            fix="return it from load",
        )
    return made


def _load(load: Any, kind: str, folder: Path) -> Any:
    """What ``load`` returns. Raises ModelError for whatever it raises."""
    try:
        if len(inspect.signature(load).parameters) == 1:
            return load(str(folder))
        return load(str(folder.parent), **_options(folder))
    except SentuneError:
        raise
    except Exception as error:
        raise ModelError(
            f"{folder}: load of {kind} raised {type(error).__name__} ({error})",
            expected="the files that the class wrote there",
            fix="use the class that the folder was saved with, or copy the folder again",
        ) from error


def _options(folder: Path) -> dict[str, Any]:
    return {
        "subfolder": folder.name,
        "token": None,
        "cache_folder": None,
        "revision": None,
        "local_files_only": True,
        "trust_remote_code": False,
        "model_kwargs": {},
        "processor_kwargs": {},
        "config_kwargs": {},
        "backend": "torch",
    }


def stage_entries(stages: Iterable[nn.Module]) -> tuple[ModuleEntry, ...]:
    """The entries of stages in memory, each class of one's own by its module and name."""
    return tuple(
        ModuleEntry(f"{type(stage).__module__}.{type(stage).__name__}", _config(stage))
        if is_own(stage)
        else described([stage])[0]
        for stage in stages
    )


def shown(stage: nn.Module) -> str:
    """A stage in one line."""
    entry = stage_entries([stage])[0]
    return " ".join(repr(stage).split()) if entry.own else f"{entry.kind}({entry.config or ''})"


def _config(stage: nn.Module) -> dict[str, Any]:
    config = getattr(stage, "get_config_dict", None)
    return dict(config()) if callable(config) else {}


def require_saving(stages: Iterable[nn.Module]) -> None:
    """Raise ArgumentError for a class without a ``save`` of its own."""
    for stage in stages:
        save = getattr(stage, "save", None)
        # That of Module says only that there is none.
        if is_own(stage) and (not callable(save) or getattr(save, "__func__", 0) is Module.save):
            raise ArgumentError(
                f"the class {type(stage).__name__}, which has no method save",
                expected="stages that write themselves into a folder",
                fix="write save(output_path), and load; models.Module has save_config and "
                "save_torch_weights for it",
            )


def write_own_stages(path: Path, stages: Iterable[nn.Module]) -> None:
    """Write the files of each stage into its folder. Raises ArgumentError, OutputError."""
    stages = list(stages)
    require_saving(stages)
    for number, stage in enumerate(stages, 1):
        folder = path / module_path(number, type(stage).__name__)
        if is_own(stage):
            make_folder(folder)
            with _naming(stage, folder):
                _save(stage, folder)
        else:
            write_module_weights(path, [stage], number)


@contextmanager
def _naming(stage: nn.Module, folder: Path) -> Iterator[None]:
    """Raise OutputError, with the stage and its folder, for whatever its ``save`` raises."""
    try:
        yield
    except SentuneError:
        raise
    except Exception as error:
        kind = type(stage).__name__
        raise OutputError(
            f"save of {kind} raised {type(error).__name__} ({error}) in {folder}",
            expected="the files of the stage in that folder",
            fix=f"free the place it writes to, or correct save of {kind}",
        ) from error


def _save(stage: Any, folder: Path) -> None:
    taken = inspect.signature(stage.save).parameters
    any_name = any(each.kind is each.VAR_KEYWORD for each in taken.values())
    if "safe_serialization" in taken or any_name:
        stage.save(str(folder), safe_serialization=True)
    else:
        stage.save(str(folder))
