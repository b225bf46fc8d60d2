"""The list of a model's modules and the configuration of its pooling: reading and writing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sentune.errors import ModelError, UnsupportedModelError
from sentune.files import write_json
from sentune.model_folder.json_files import damaged, flag, read_json, read_object
from sentune.network.names import POOLING_FLAGS, POOLING_MODES

__all__ = ["read_modules", "read_pooling", "write_modules"]


def read_modules(folder: Path) -> tuple[Path, Path | None, bool]:
    """Folder of the transformer, folder of the pooling (None: mean), and whether to normalize.

    Raises ModelError, UnsupportedModelError.
    """
    listing = folder / "modules.json"
    if not listing.is_file():
        nested = folder / "0_Transformer"
        return (nested if nested.is_dir() else folder), None, False
    entries = read_json(listing)
    try:
        kinds = [str(entry["type"]) for entry in entries]
        paths = [_inside(folder, str(entry.get("path", ""))) for entry in entries]
    except (KeyError, TypeError, AttributeError, ValueError, RuntimeError) as error:
        raise damaged(listing, "it is not a list of modules with types") from error
    names = [_module_name(kind, listing) for kind in kinds]
    if names[:2] != ["Transformer", "Pooling"] or names[2:] not in ([], ["Normalize"]):
        raise UnsupportedModelError(
            f"{listing} lists the modules {', '.join(names) or 'none'}",
            expected="Transformer, Pooling and, at the end, Normalize or nothing",
            fix="choose a model made of these modules",
        )
    return paths[0], paths[1], "Normalize" in names


def _module_name(kind: str, listing: Path) -> str:
    if not kind.startswith("sentence_transformers."):
        raise UnsupportedModelError(
            f"{listing} names the module {kind!r}",
            expected="modules of sentence_transformers only, because code in a folder is never run",
            fix="choose a model without custom modules",
        )
    return kind.rsplit(".", 1)[-1]


def _inside(folder: Path, relative: str) -> Path:
    path = (folder / relative).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise ModelError(
            f"{folder / 'modules.json'} points outside its folder ({relative!r})",
            expected="paths inside the model folder",
            fix="use this folder only if you trust its source, and correct the path",
        )
    return path


def read_pooling(folder: Path | None) -> tuple[tuple[str, ...], bool]:
    """The modes, and whether prompt tokens take part. Raises ModelError, UnsupportedModelError."""
    if folder is None:
        return ("mean",), True
    path = folder / "config.json"
    values = read_object(path, required=True)
    include_prompt = flag(values, "include_prompt", True, path)
    modes = _pooling_modes(values, path)
    if not modes or any(mode not in POOLING_MODES for mode in modes):
        raise UnsupportedModelError(
            f"{path} asks for the pooling {list(modes)}",
            expected=f"one or more of {', '.join(POOLING_MODES)}",
            fix="choose another base model",
        )
    return modes, include_prompt


def _pooling_modes(values: dict[str, Any], path: Path) -> tuple[str, ...]:
    if "pooling_mode" in values:
        named = values["pooling_mode"]
        return tuple(named) if isinstance(named, list) else (named,)
    if not any(name in values for name in POOLING_FLAGS.values()):
        return ("mean",)
    return tuple(mode for mode in POOLING_MODES if flag(values, POOLING_FLAGS[mode], False, path))


def write_modules(
    folder: Path, modes: tuple[str, ...], hidden_size: int, include_prompt: bool, normalize: bool
) -> None:
    """Write both files, and the folders of the modules.

    Raises:
        ModelError: modes in an order that the layout cannot express.
        OutputError: a file cannot be written.
    """
    from sentune.network.pooling import Pooling  # loads PyTorch

    if modes != tuple(mode for mode in POOLING_MODES if mode in modes):
        raise ModelError(
            f"pooling modes in the order {', '.join(modes)}",
            expected=f"the order of the folder layout: {', '.join(POOLING_MODES)}",
            fix="list the modes in that order",
        )
    paths = {"Transformer": "", "Pooling": "1_Pooling"}
    if normalize:
        paths["Normalize"] = "2_Normalize"
    for path in filter(None, paths.values()):
        (folder / path).mkdir()
    pooling = Pooling(hidden_size, modes, include_prompt=include_prompt)
    write_json(folder / "1_Pooling" / "config.json", pooling.describe())
    modules = [
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{name}"}
        for i, (name, path) in enumerate(paths.items())
    ]
    write_json(folder / "modules.json", modules)
