"""The list of a model's modules: reading and writing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sentune.errors import ModelError, UnsupportedModelError
from sentune.files import make_folder, write_json
from sentune.model_folder.json_files import damaged, read_json, read_object
from sentune.network.config import report_unknown
from sentune.network.names import VECTOR_MODULES, VECTORS

_NAMES = ("module_input_name", "module_output_name")  # without the second, the first counts
_KEYS: dict[str, tuple[str, ...]] = {
    "Dense": (
        *("in_features", "out_features", "bias", "activation_function", "use_residual"),
        *_NAMES,
    ),
    "LayerNorm": ("dimension",),
    "Dropout": ("dropout",),
    "Normalize": _NAMES,
}
_OF_ENTRIES = ("idx", "name", "path", "type", "kwargs")  # kwargs: what a caller may pass on

__all__ = ["ModuleEntry", "module_path", "read_modules", "write_modules"]


@dataclass(frozen=True, slots=True)
class ModuleEntry:
    """A module that follows pooling.

    Attributes:
        kind: a name from ``VECTOR_MODULES``.
        config: the content of its ``config.json``.
        folder: where its files are; None for a module in memory.
    """

    kind: str
    config: dict[str, Any]
    folder: Path | None = None


def read_modules(folder: Path) -> tuple[Path, Path | None, tuple[ModuleEntry, ...]]:
    """Folder of the transformer, folder of the pooling (None: mean), and what follows it.

    Raises ModelError, UnsupportedModelError.
    """
    listing = folder / "modules.json"
    if not listing.is_file():
        nested = folder / "0_Transformer"
        return (nested if nested.is_dir() else folder), None, ()
    entries = read_json(listing)
    try:
        kinds = [str(entry["type"]) for entry in entries]
        paths = [_inside(folder, str(entry.get("path", ""))) for entry in entries]
    except (KeyError, TypeError, AttributeError, ValueError, RuntimeError) as error:
        raise damaged(listing, "it is not a list of modules with types") from error
    names = [_module_name(kind, listing) for kind in kinds]
    if names[:2] != ["Transformer", "Pooling"] or not set(names[2:]) <= {*VECTOR_MODULES}:
        raise UnsupportedModelError(
            f"{listing} lists the modules {', '.join(names) or 'none'}",
            expected=f"Transformer, Pooling, and then any of {', '.join(VECTOR_MODULES)}",
            fix="choose a model made of these modules",
        )
    for entry in entries:
        report_unknown(listing, entry, _OF_ENTRIES)
    following = [_entry(*each) for each in zip(names[2:], paths[2:], strict=True)]
    return paths[0], paths[1], tuple(following)


def _entry(kind: str, folder: Path) -> ModuleEntry:
    path = folder / "config.json"
    config = read_object(path, required=kind != "Normalize")
    report_unknown(path, config, _KEYS[kind])
    for name in _NAMES:
        missing = name not in config or (name == _NAMES[1] and config[name] is None)
        if not missing and config[name] != VECTORS:
            raise UnsupportedModelError(
                f"{path}, {name} is {config[name]!r}",
                expected=f"{VECTORS}: modules after pooling change the vectors of texts",
                fix="choose another model",
            )
    known = {key: value for key, value in config.items() if key in _KEYS[kind]}
    return ModuleEntry(kind, known, folder)


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


def module_path(number: int, kind: str) -> str:
    """The folder of a module in the model folder; the transformer is number 0."""
    return f"{number}_{kind}" if number else ""


def write_modules(folder: Path, following: Sequence[ModuleEntry]) -> None:
    """Write ``modules.json``, and a folder for each module after the transformer.

    Raises OutputError.
    """
    kinds = ["Transformer", "Pooling", *(entry.kind for entry in following)]
    paths = [module_path(number, kind) for number, kind in enumerate(kinds)]
    modules = [
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for i, (kind, path) in enumerate(zip(kinds, paths, strict=True))
    ]
    write_json(folder / "modules.json", modules)
    for path in paths[1:]:
        make_folder(folder / path)
    for entry, path in zip(following, paths[2:], strict=True):
        if entry.config:
            write_json(folder / path / "config.json", entry.config)
