"""The encoder's weights and their names in Hugging Face BERT files, both ways."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from sentune.errors import ModelError
from sentune.model.bert import Bert

__all__ = ["export_weights", "load_weights", "read_weights"]

# Ours → theirs. Several names on the right are stacked, in this order, along the first axis.
_EMBEDDINGS = {
    "embeddings.word.weight": ("embeddings.word_embeddings.weight",),
    "embeddings.position.weight": ("embeddings.position_embeddings.weight",),
    "embeddings.token_type.weight": ("embeddings.token_type_embeddings.weight",),
    "embeddings.norm.weight": ("embeddings.LayerNorm.weight",),
    "embeddings.norm.bias": ("embeddings.LayerNorm.bias",),
}
_LAYER = {
    "qkv": ("attention.self.query", "attention.self.key", "attention.self.value"),
    "attention_output": ("attention.output.dense",),
    "attention_norm": ("attention.output.LayerNorm",),
    "up": ("intermediate.dense",),
    "down": ("output.dense",),
    "output_norm": ("output.LayerNorm",),
}

_KEPT_UNUSED = ("pooler.",)
_IGNORED = ("cls.", "embeddings.position_ids")
_OLD_SUFFIXES = {".gamma": ".weight", ".beta": ".bias"}


def _names(layers: int) -> Iterator[tuple[str, tuple[str, ...]]]:
    yield from _EMBEDDINGS.items()
    for number in range(layers):
        for ours, theirs in _LAYER.items():
            for kind in ("weight", "bias"):
                yield (
                    f"layers.{number}.{ours}.{kind}",
                    tuple(f"encoder.layer.{number}.{name}.{kind}" for name in theirs),
                )


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read a safetensors file as float32 tensors under current Hugging Face names.

    The prefix ``bert.`` and the old ``gamma``/``beta`` endings are translated.

    Raises:
        ModelError: the file is missing, torn or not safetensors.
    """
    try:
        stored = load_file(path)
    except (OSError, SafetensorError) as error:
        raise ModelError(
            f"{path} cannot be read ({error})",
            expected="weights in safetensors format",
            fix="copy the file again from where the model came from",
        ) from error
    return {_current_name(name): tensor.float() for name, tensor in stored.items()}


def _current_name(name: str) -> str:
    name = name.removeprefix("bert.")
    for old, new in _OLD_SUFFIXES.items():
        if name.endswith(old):
            return name.removesuffix(old) + new
    return name


def load_weights(bert: Bert, weights: Mapping[str, Tensor], source: str) -> None:
    """Fill the encoder; every parameter is replaced and every weight is accounted for.

    Raises:
        ModelError: weights are missing, unknown, of another shape, or not finite; the message
            names up to three of them.
    """
    remaining = {name: w for name, w in weights.items() if not name.startswith(_IGNORED)}
    bert.unused = {
        name: remaining.pop(name) for name in list(remaining) if name.startswith(_KEPT_UNUSED)
    }
    table = list(_names(bert.config.num_hidden_layers))
    missing = [name for _, theirs in table for name in theirs if name not in remaining]
    _refuse(missing, source, "has no weights for", "all weights that config.json describes")
    parameters = dict(bert.named_parameters())
    wrong = []
    for ours, theirs in table:
        parts = [remaining.pop(name) for name in theirs]
        wrong += _fill(parameters[ours], parts, theirs)
    _refuse(wrong, source, "has weights of another shape, or not finite,", "those of config.json")
    _refuse(list(remaining), source, "has unknown weights", "those of a BERT encoder only")


def _fill(parameter: Tensor, parts: list[Tensor], names: tuple[str, ...]) -> list[str]:
    shape = (parameter.shape[0] // len(parts), *parameter.shape[1:])
    wrong = [
        f"{name} {tuple(part.shape)}"
        for name, part in zip(names, parts, strict=True)
        if tuple(part.shape) != shape or not bool(torch.isfinite(part).all())
    ]
    if not wrong:
        with torch.no_grad():
            parameter.copy_(torch.cat(parts))
    return wrong


def export_weights(bert: Bert) -> dict[str, Tensor]:
    """The encoder's weights, float32 on the CPU, under Hugging Face names."""
    parameters = dict(bert.named_parameters())
    exported = {name: w.detach().float().cpu().contiguous() for name, w in bert.unused.items()}
    for ours, theirs in _names(bert.config.num_hidden_layers):
        whole = parameters[ours].detach().float().cpu()
        for name, part in zip(theirs, whole.chunk(len(theirs)), strict=True):
            exported[name] = part.clone(memory_format=torch.contiguous_format)
    return exported


def _refuse(names: list[str], source: str, problem: str, expected: str) -> None:
    if names:
        shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        raise ModelError(
            f"{source} {problem} {shown}",
            expected=expected,
            fix="copy the folder again from where the model came from",
        )
