"""The encoder's weights and their names in Hugging Face BERT files, both ways."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from sentune.errors import ModelError
from sentune.model.bert import Bert, BertConfig

__all__ = ["build_encoder", "export_weights", "load_weights", "read_weights"]

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
        ModelError: the file is missing, torn, not safetensors, or holds whole numbers.
    """
    try:
        stored = load_file(path)
    except (OSError, SafetensorError) as error:
        raise ModelError(
            f"{path} cannot be read ({error})",
            expected="weights in safetensors format",
            fix="copy the file again from where the model came from",
        ) from error
    weights = {_current_name(name): tensor for name, tensor in stored.items()}
    names = Counter(map(_current_name, stored))
    twice = [name for name, times in names.items() if times > 1]
    _refuse(twice, str(path), "has under two spellings", "each weight once")
    whole = [name for name, w in weights.items() if not w.is_floating_point()]
    coded = [name for name in whole if not name.startswith(_IGNORED)]
    _refuse(coded, str(path), "has whole numbers in", "floating-point weights, not quantized ones")
    return {name: tensor.float() for name, tensor in weights.items() if name not in whole}


def _current_name(name: str) -> str:
    name = name.removeprefix("bert.")
    for old, new in _OLD_SUFFIXES.items():
        if name.endswith(old):
            return name.removesuffix(old) + new
    return name


def build_encoder(
    config: BertConfig, weights: Mapping[str, Tensor], source: str, device: torch.device
) -> Bert:
    """An encoder with these weights, in evaluation mode.

    Nothing is allocated before the weights are known to fit, whatever sizes the configuration
    claims.

    Raises:
        ModelError: as in :func:`load_weights`.
    """
    if config.num_hidden_layers > len(weights):
        missing = f"{config.num_hidden_layers} layers"
        _refuse([missing], source, "has no weights for", "all weights that config.json describes")
    with torch.device("meta"):
        bert = Bert(config)
    load_weights(bert, weights, source, device)
    return bert.eval()


def load_weights(
    bert: Bert, weights: Mapping[str, Tensor], source: str, device: torch.device | None = None
) -> None:
    """Fill the encoder; every parameter is replaced and every weight is accounted for.

    Args:
        bert: the encoder; untouched when an error is raised.
        weights: from :func:`read_weights`.
        source: the file, for messages.
        device: where to allocate the encoder's parameters anew; where they are when None.

    Raises:
        ModelError: weights are missing, unknown, of another shape, or not finite; the message
            names up to three of them.
    """
    remaining = {name: w for name, w in weights.items() if not name.startswith(_IGNORED)}
    unused = {
        name: remaining.pop(name) for name in list(remaining) if name.startswith(_KEPT_UNUSED)
    }
    table = list(_names(bert.config.num_hidden_layers))
    missing = [name for _, theirs in table for name in theirs if name not in remaining]
    _refuse(missing, source, "has no weights for", "all weights that config.json describes")
    shapes = {name: tuple(parameter.shape) for name, parameter in bert.named_parameters()}
    stacked = {ours: [remaining.pop(name) for name in theirs] for ours, theirs in table}
    wrong = [w for ours, theirs in table for w in _wrong(shapes[ours], stacked[ours], theirs)]
    _refuse(wrong, source, "has weights of another shape, or not finite,", "those of config.json")
    _refuse(list(remaining), source, "has unknown weights", "those of a BERT encoder only")
    if device is not None:
        bert.to_empty(device=device)
    bert.unused = unused
    with torch.no_grad():
        for ours, parameter in bert.named_parameters():
            parameter.copy_(torch.cat(stacked[ours]))


def _wrong(shape: tuple[int, ...], parts: list[Tensor], names: tuple[str, ...]) -> list[str]:
    of_part = (shape[0] // len(parts), *shape[1:])
    return [
        f"{name} {tuple(part.shape)}"
        for name, part in zip(names, parts, strict=True)
        if tuple(part.shape) != of_part or not bool(torch.isfinite(part).all())
    ]


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
