"""The modules that follow pooling: a folder's entries → modules with their weights, and back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor, nn

from sentune.errors import ArgumentError, ModelError, UnsupportedModelError
from sentune.files import write_bytes
from sentune.model_folder.json_files import flag
from sentune.model_folder.modules import ModuleEntry, module_path
from sentune.model_folder.tensors import as_float32, read_tensors
from sentune.model_folder.weight_files import WEIGHTS, require_weights
from sentune.network.names import DENSE_ACTIVATIONS
from sentune.network.vector_modules import MODULES, activation, vector_width
from sentune.network.weight_names import refuse
from sentune.vectors import all_finite

__all__ = ["build_module", "build_modules", "described", "write_module_weights"]

Shapes = dict[str, tuple[int, ...]]

_FIRST = 2  # the number of the first module after pooling
# Where torch.nn has its activations, by the names that people and sentence-transformers write.
_PLACES = ("torch.nn", "torch.nn.modules.activation", "torch.nn.modules.linear", "torch.nn.modules")


def build_modules(
    entries: Iterable[ModuleEntry], width: int, device: torch.device
) -> nn.Sequential:
    """The modules in evaluation mode; ``width`` is that of a pooled vector.

    Raises:
        ModelError: a module's files are missing, damaged or contradict another module.
        UnsupportedModelError: an option that is not computed.
    """
    built = nn.Sequential()
    for entry in entries:
        module = build_module(entry)
        try:
            width = vector_width(width, [module])
        except ArgumentError as error:
            raise _misfit(entry, error) from error
        built.append(module)
    return built.to(device).eval()


def build_module(entry: ModuleEntry) -> nn.Module:
    """One module with its weights. Raises as ``build_modules``."""
    path, given = _folder(entry) / "config.json", dict(entry.config)
    if entry.kind == "Dense":
        given["bias"] = flag(given, "bias", True, path)
        given["activation_function"] = _activation(given, path)
    try:
        shapes = _SHAPES[entry.kind](given)
        weights = _weights(path.with_name("model.safetensors"), shapes) if shapes else {}
        with torch.random.fork_rng(devices=[]):  # loading must not change what is drawn next
            module = MODULES[entry.kind](**given)
    except (ArgumentError, KeyError, TypeError) as error:
        raise _misfit(entry, error) from error
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            parameter.copy_(weights[name])
    return module


def _dense_shapes(given: dict[str, Any]) -> Shapes:
    inputs, outputs = given["in_features"], given["out_features"]
    shapes: Shapes = {"linear.weight": (outputs, inputs)}
    if given["bias"]:
        shapes["linear.bias"] = (outputs,)
    learned = given["activation_function"].named_parameters()
    return shapes | {f"activation_function.{name}": tuple(w.shape) for name, w in learned}


_SHAPES: dict[str, Callable[[dict[str, Any]], Shapes]] = {
    "Dense": _dense_shapes,
    "LayerNorm": lambda given: dict.fromkeys(("norm.weight", "norm.bias"), (given["dimension"],)),
    "Dropout": lambda _: {},
    "Normalize": lambda _: {},
}


def _activation(config: dict[str, Any], path: Path) -> nn.Module:
    named = config.get("activation_function", "torch.nn.modules.activation.Tanh")
    place, _, name = str(named).rpartition(".")
    if place not in _PLACES or name not in DENSE_ACTIVATIONS:
        raise UnsupportedModelError(
            f"{path}, activation_function is {named!r}",
            expected=f"an activation of torch.nn: {', '.join(DENSE_ACTIVATIONS)}",
            fix="choose another model",
        )
    return activation(name)


def _weights(path: Path, shapes: Shapes) -> dict[str, Tensor]:
    """Of exactly these names and shapes, in float32. Raises ModelError."""
    source = str(path)
    stored = as_float32(read_tensors(require_weights(path.parent)), source)
    expected = "the weights that config.json beside it describes"
    refuse([name for name in shapes if name not in stored], source, "has no weights for", expected)
    refuse([name for name in stored if name not in shapes], source, "has unknown weights", expected)
    wrong = [
        f"{name} {tuple(weights.shape)}"
        for name, weights in stored.items()
        if tuple(weights.shape) != shapes[name] or not all_finite(weights)
    ]
    refuse(wrong, source, "has weights of another shape, or not finite,", expected)
    return stored


def _folder(entry: ModuleEntry) -> Path:
    return entry.folder or Path(entry.kind)


def _misfit(entry: ModuleEntry, error: Exception) -> ModelError:
    path = _folder(entry) / "config.json"
    if isinstance(error, ArgumentError):
        return ModelError(f"{path}: {error.given}", expected=error.expected, fix=error.fix)
    lacking = f"{path} has no {error.args[0]}" if isinstance(error, KeyError) else str(path)
    return ModelError(
        lacking,
        expected=f"the configuration of a {entry.kind} module",
        fix="copy the file again from the source of the model",
    )


def described(modules: Iterable[nn.Module]) -> tuple[ModuleEntry, ...]:
    """The entries of modules in memory."""
    return tuple(
        ModuleEntry(type(module).__name__, module.get_config_dict())  # type: ignore[operator]
        for module in modules
    )


def write_module_weights(folder: Path, modules: Iterable[nn.Module], first: int = _FIRST) -> None:
    """Write the weights of each module into its folder. Raises OutputError."""
    for number, module in enumerate(modules, first):
        weights = {
            name: tensor.detach().float().cpu().contiguous()
            for name, tensor in module.state_dict().items()
        }
        if weights:
            path = folder / module_path(number, type(module).__name__) / WEIGHTS
            write_bytes(path, save(weights, metadata={"format": "pt"}))
