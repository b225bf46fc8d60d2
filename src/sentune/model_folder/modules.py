"""The list of a model's modules: reading and writing."""

from __future__ import annotations

import sys
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

__all__ = ["ModuleEntry", "imported_class", "module_path", "read_modules", "write_modules"]


@dataclass(frozen=True, slots=True)
class ModuleEntry:
    """A module that follows pooling, or the transformer where a class of one's own is among them.

    Attributes:
        kind: a name from ``VECTOR_MODULES``, ``Pooling``, or a class of one's own with its module.
        config: the content of its ``config.json``.
        folder: where its files are; None for a module in memory.
    """

    kind: str
    config: dict[str, Any]
    folder: Path | None = None

    @property
    def own(self) -> bool:
        """Whether it is a class of one's own."""
        return "." in self.kind


def read_modules(
    folder: Path, *, own_classes: bool = True
) -> tuple[Path, Path | None, tuple[ModuleEntry, ...]]:
    """Folder of the transformer, folder of the pooling (None: mean), and what follows it.

    With ``own_classes``, a class that the program has imported may be among them. Then all that
    follows the transformer comes as the third value, a pooling too, and the second is None.

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
    _refuse_own_first(kinds[:1], listing)
    names = [_module_name(kind, listing, own_classes) for kind in kinds]
    own = any("." in name for name in names)
    usual = names[1:2] == ["Pooling"] and set(names[2:]) <= {*VECTOR_MODULES}
    known = {name for name in names[1:] if "." not in name} <= {*VECTOR_MODULES, "Pooling"}
    if names[:1] != ["Transformer"] or not (usual or (own and known)):
        raise UnsupportedModelError(
            f"{listing} lists the modules {', '.join(names) or 'none'}",
            expected=f"Transformer, Pooling, and then any of {', '.join(VECTOR_MODULES)}",
            fix="choose a model made of these modules",
        )
    for entry in entries:
        report_unknown(listing, entry, _OF_ENTRIES)
    following = tuple(_entry(*each) for each in zip(names[1:], paths[1:], strict=True))
    return (paths[0], None, following) if own else (paths[0], paths[1], following[1:])


def _entry(kind: str, folder: Path) -> ModuleEntry:
    if kind not in _KEYS:
        return ModuleEntry(kind, {}, folder)
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


def _refuse_own_first(kinds: Sequence[str], listing: Path) -> None:
    for kind in kinds:
        if not kind.startswith("sentence_transformers."):
            raise UnsupportedModelError(
                f"{listing} names the class {kind!r} as the first module",
                expected="a Transformer of sentence_transformers, because sentune reads the texts "
                "itself; a class of your own may follow it",
                fix="save the model with a Transformer first, or choose another model",
            )


def _module_name(kind: str, listing: Path, own_classes: bool) -> str:
    if kind.startswith("sentence_transformers."):
        return kind.rsplit(".", 1)[-1]
    if own_classes and imported_class(kind) is not None:
        return kind
    place = kind.rpartition(".")[0] or "its module"
    if own_classes and place == "__main__":  # each program has another module of this name
        raise UnsupportedModelError(
            f"{listing} names the class {kind!r}, of the program that saved it",
            expected="a class in a module that this program can import",
            fix="move the class into a module, import it from there, and save the model again",
        )
    raise UnsupportedModelError(
        f"{listing} names the class {kind!r}",
        expected="modules of sentence_transformers, or in a local folder a class that this program "
        "has imported: code in a folder is never run",
        fix=f"import {place} before you load the model, if you have it and trust it"
        if own_classes
        else "choose a model without custom modules",
    )


def imported_class(name: str) -> type | None:
    """A module class that this program has imported; None if there is none of that name."""
    place, _, last = name.rpartition(".")
    found = getattr(sys.modules.get(place), last, None)
    # Not any class: those of the libraries under it are no stages, whatever a folder says.
    known = place.partition(".")[0] in ("sentune", "torch", "transformers")
    is_module = isinstance(found, type) and callable(getattr(found, "forward", None))
    return found if is_module and not known else None


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

    A class of one's own writes its files itself. Raises OutputError.
    """
    own = any(entry.own for entry in following)
    entries = [*([] if own else [ModuleEntry("Pooling", {})]), *following]
    kinds = ["Transformer", *(entry.kind for entry in entries)]
    paths = [module_path(number, kind.rpartition(".")[2]) for number, kind in enumerate(kinds)]
    types = [kind if "." in kind else f"sentence_transformers.models.{kind}" for kind in kinds]
    modules = [
        {"idx": i, "name": str(i), "path": path, "type": name}
        for i, (name, path) in enumerate(zip(types, paths, strict=True))
    ]
    write_json(folder / "modules.json", modules)
    for path in paths[1:]:
        make_folder(folder / path)
    for entry, path in zip(entries, paths[1:], strict=True):
        if entry.config and not entry.own:
            write_json(folder / path / "config.json", entry.config)
