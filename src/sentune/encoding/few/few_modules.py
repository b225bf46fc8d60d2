"""The modules after pooling, computed with NumPy for a few texts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

from sentune.model_folder.modules import ModuleEntry
from sentune.model_folder.weight_files import WEIGHTS

__all__ = ["light_modules", "scaled"]

Array = NDArray[np.float32]
Function = Callable[[Array], Array]

_PLACE = "torch.nn.modules."
_ACTIVATIONS: Mapping[str, Function] = {
    f"{_PLACE}linear.Identity": lambda x: x,
    f"{_PLACE}activation.Tanh": np.tanh,
    f"{_PLACE}activation.ReLU": lambda x: np.maximum(x, np.float32(0)),
}
_EPS = np.float32(1e-5)  # of torch.nn.LayerNorm


def light_modules(entries: Iterable[ModuleEntry], width: int) -> list[Function] | None:
    """Functions of vectors (texts, dim), for vectors of ``width`` at first.

    None where PyTorch has to compute: for other activations, for weights in another number format,
    and where a file is damaged or does not fit, which PyTorch's path reports.
    """
    functions = []
    for entry in entries:
        function = _light(entry, width)
        if function is None:
            return None
        functions.append(function)
        width = entry.config.get("out_features", width)
    return functions


def _light(entry: ModuleEntry, width: int) -> Function | None:
    if entry.kind == "Normalize":
        return scaled
    if entry.kind == "Dropout":
        known = type(entry.config.get("dropout", 0.0)) in (int, float)
        return (lambda x: x) if known else None
    weights = _weights(entry)
    if weights is None:
        return None
    return _dense(entry, weights, width) if entry.kind == "Dense" else _norm(weights, width)


def _dense(entry: ModuleEntry, weights: Mapping[str, Array], width: int) -> Function | None:
    config = entry.config
    activate = _ACTIVATIONS.get(str(config.get("activation_function", f"{_PLACE}activation.Tanh")))
    outputs, biased = config.get("out_features"), config.get("bias", True)
    shapes: dict[str, tuple[object, ...]] = {"linear.weight": (outputs, width)}
    if biased is not False:
        shapes["linear.bias"] = (outputs,)
    known = type(biased) is bool and not config.get("use_residual")
    if activate is None or not known or config.get("in_features") != width:
        return None
    if {name: each.shape for name, each in weights.items()} != shapes:
        return None
    weight, bias = weights["linear.weight"], weights.get("linear.bias", np.float32(0))
    return lambda x: activate(x @ weight.T + bias)


def _norm(weights: Mapping[str, Array], width: int) -> Function | None:
    if {name: each.shape for name, each in weights.items()} != {
        "norm.weight": (width,),
        "norm.bias": (width,),
    }:
        return None

    def normed(x: Array) -> Array:
        centred = x - x.mean(axis=1, keepdims=True)
        spread = np.sqrt((centred * centred).mean(axis=1, keepdims=True) + _EPS)
        changed: Array = centred / spread * weights["norm.weight"] + weights["norm.bias"]
        return changed

    return normed


def _weights(entry: ModuleEntry) -> dict[str, Array] | None:
    if entry.folder is None:
        return None
    try:
        weights = load_file(entry.folder / WEIGHTS)
    except (OSError, SafetensorError, KeyError, TypeError):  # also for formats NumPy lacks
        return None
    plain = all(each.dtype == np.float32 and np.isfinite(each).all() for each in weights.values())
    return weights if plain else None


def scaled(vectors: Array) -> Array:
    """To unit length; zeros stay zeros."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Array = vectors / np.maximum(lengths, np.float32(1e-12))
    return unit
