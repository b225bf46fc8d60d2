"""An adapter's weights → the model's: W + scale · B·A."""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

from sentune.errors import UnsupportedModelError
from sentune.model_folder.adapter import Adapter
from sentune.model_folder.tensors import as_float32, read_tensors
from sentune.network.architectures import Architecture
from sentune.network.weight_names import refuse
from sentune.vectors import all_finite

__all__ = ["merge_adapter"]

_PREFIX = "base_model.model."
_FACTOR = re.compile(r"(.+)\.lora_(embedding_)?([AB])(?:\.default)?(?:\.weight)?")
_WRAPPED = re.compile(r"\.(?:base_layer|modules_to_save(?:\.default)?)(?=\.)")
_EXPECTED = "the weights of a LoRA adapter for this model"


def merge_adapter(
    weights: dict[str, Tensor], adapter: Adapter, architecture: Architecture
) -> list[str]:
    """Merge an adapter into ``weights``: float32, by their names in the bare encoder.

    A whole tensor in the adapter's file (a bias, or a module that was trained whole) takes the
    place of the model's.

    Returns:
        Names of tensors that are left out, because the model does not have them: those of a head.

    Raises:
        ModelError: a factor is missing, does not fit, or is for a weight that the model lacks.
        UnsupportedModelError: weights of another kind of adapter.
    """
    source = str(adapter.weights)
    stored = as_float32(read_tensors(adapter.weights), source)
    broken = [name for name, tensor in stored.items() if not all_finite(tensor)]
    refuse(broken, source, "has weights that are not finite,", _EXPECTED)
    factors: dict[str, dict[str, Tensor]] = {}
    whole: dict[str, Tensor] = {}
    for name, tensor in stored.items():
        found = _FACTOR.fullmatch(name.removeprefix(_PREFIX))
        if found is None:
            whole[_name_of_whole(name, source)] = tensor
        elif found[2]:  # of a table, whose rows are the ids: (B·A)ᵀ = Aᵀ·Bᵀ
            factors.setdefault(found[1], {})["BA"["AB".index(found[3])]] = tensor.T
        else:
            factors.setdefault(found[1], {})[found[3]] = tensor
    left_out = _replace(weights, whole, architecture, source)
    return left_out + _add(weights, factors, adapter, architecture)


def _name_of_whole(name: str, source: str) -> str:
    short = _WRAPPED.sub("", name.removeprefix(_PREFIX))
    if "lora_" in short:
        raise UnsupportedModelError(
            f"{source} has {name}",
            expected="plain LoRA: the factors A and B of weights, and whole tensors",
            fix="merge it where it was trained, with merge_and_unload() of peft, and save the "
            "model",
        )
    return short


def _replace(
    weights: dict[str, Tensor], whole: Mapping[str, Tensor], architecture: Architecture, source: str
) -> list[str]:
    placed = {name: _place(name, weights, architecture) for name in whole}
    wrong = [
        f"{name} {tuple(whole[name].shape)}"
        for name, place in placed.items()
        if place and whole[name].shape != weights[place].shape
    ]
    refuse(wrong, source, "has weights of another shape,", _EXPECTED)
    weights.update({place: whole[name] for name, place in placed.items() if place})
    return [name for name, place in placed.items() if not place]


def _add(
    weights: dict[str, Tensor],
    factors: Mapping[str, Mapping[str, Tensor]],
    adapter: Adapter,
    architecture: Architecture,
) -> list[str]:
    source, left_out = str(adapter.weights), []
    for module, both in factors.items():
        place = _place(f"{module}.weight", weights, architecture)
        if place is None:
            # A file of weights may lack a pooler, which is not computed with.
            of_pooler = architecture.current_name(module).startswith(architecture.kept)
            refuse([] if of_pooler else [module], source, "changes unknown modules", _EXPECTED)
            left_out.append(module)
            continue
        change = _change(both, adapter.rank_of(module), adapter.scale(module))
        fits = change is not None and change.shape == weights[place].shape
        if change is None or not fits or not all_finite(change):
            problem = "has factors that are too large, of another shape, or one of two, for"
            refuse([module], source, problem, _EXPECTED)
        else:
            weights[place] = weights[place] + change
    return left_out


def _change(factors: Mapping[str, Tensor], rank: int, scale: float) -> Tensor | None:
    """scale · B·A, (outputs, inputs); None where the factors make none."""
    a, b = factors.get("A"), factors.get("B")
    if a is None or b is None or a.ndim != 2 or b.ndim != 2:
        return None
    return scale * (b @ a) if a.shape[0] == b.shape[1] == rank else None


def _place(name: str, weights: Mapping[str, Tensor], architecture: Architecture) -> str | None:
    """The name in the bare encoder of a tensor that may be a part of another model."""
    current = architecture.current_name(name)
    if current in weights:
        return current
    ends = [ours for ours in weights if name.endswith(f".{ours}")]
    return max(ends, key=len, default=None)
