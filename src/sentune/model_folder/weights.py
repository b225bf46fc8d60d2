"""The encoder's weights and their names in Hugging Face files, in both directions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor, nn

from sentune.files import write_bytes
from sentune.model_folder.adapter import Adapter
from sentune.model_folder.adapter_weights import merge_adapter
from sentune.model_folder.tensors import as_float32
from sentune.model_folder.weight_files import say_left_out
from sentune.network.architectures import ARCHITECTURES
from sentune.network.config import EncoderConfig
from sentune.network.encoder import Encoder
from sentune.network.weight_names import find_weights, refuse
from sentune.vectors import all_finite

__all__ = [
    "build_encoder",
    "export_weights",
    "write_weights",
]

_LAYER = re.compile(r"layers\.(\d+)\.")


def _names(encoder: Encoder) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each parameter's name, and its names in files: the parts, stacked along the first axis."""
    table = ARCHITECTURES[encoder.config.model_type].names
    for ours, _ in encoder.named_parameters():
        module, kind = ours.rsplit(".", 1)
        number = "".join(_LAYER.findall(module))
        theirs = table[_LAYER.sub("layers.{}.", module)]
        parts = (theirs,) if isinstance(theirs, str) else theirs
        yield ours, tuple(f"{part.format(number)}.{kind}" for part in parts)


def build_encoder(
    config: EncoderConfig,
    stored: Mapping[str, Tensor],
    source: str,
    device: torch.device,
    adapter: Adapter | None = None,
) -> Encoder:
    """An encoder with these weights, in evaluation mode.

    ``stored`` has the tensors of the weights' file as they are, ``source`` is the file, for
    messages. Memory is allocated only after the weights were found to fit the configuration, whose
    sizes may be wrong. What the encoder does not have, such as the weights of a head, is left out
    and logged.

    Raises:
        ModelError: weights are missing, or of another shape or format, or not finite; the message
            names up to three of them.
        UnsupportedModelError: weights of an adapter that cannot be merged.
    """
    if config.distinct_layers > len(stored):
        missing = f"{config.distinct_layers} layers"
        refuse([missing], source, "has no weights for", "all weights that config.json describes")
    with torch.device("meta"):
        encoder = Encoder(config)
    architecture = ARCHITECTURES[config.model_type]
    table = dict(_names(encoder))
    wanted = dict.fromkeys(name for theirs in table.values() for name in theirs)
    found = find_weights(stored, wanted, architecture, source)
    used = {ours: stored[name] for ours, name in (found.stored | found.kept).items()}
    weights, left_out = as_float32(used, source), found.left_out
    _require_shapes(encoder, table, weights, source)
    if adapter is not None:
        left_out += merge_adapter(weights, adapter, architecture)
    say_left_out(left_out, source)
    _fill(encoder, {ours: [weights[n] for n in theirs] for ours, theirs in table.items()}, device)
    # Copies: a view would keep the whole file in memory.
    encoder.unused = {name: weights[name].clone() for name in found.kept}
    return encoder.eval()


def _require_shapes(
    encoder: Encoder,
    table: Mapping[str, tuple[str, ...]],
    weights: Mapping[str, Tensor],
    source: str,
) -> None:
    shapes = {name: tuple(parameter.shape) for name, parameter in encoder.named_parameters()}
    wrong = [
        f"{name} {tuple(weights[name].shape)}"
        for ours, theirs in table.items()
        for name in theirs
        if tuple(weights[name].shape) != (shapes[ours][0] // len(theirs), *shapes[ours][1:])
        or not all_finite(weights[name])
    ]
    refuse(wrong, source, "has weights of another shape, or not finite,", "those of config.json")


def _fill(encoder: Encoder, weights: Mapping[str, list[Tensor]], device: torch.device) -> None:
    _allocate(encoder, device)
    with torch.no_grad():
        for ours, parameter in encoder.named_parameters():
            parts = weights[ours]
            for target, part in zip(parameter.chunk(len(parts)), parts, strict=True):
                target.copy_(part)


def _allocate(encoder: Encoder, device: torch.device) -> None:
    """Like ``to_empty``, which imports PyTorch's compiler: a second and 300 MB."""
    for module in encoder.modules():
        for name, parameter in module.named_parameters(recurse=False):
            empty = torch.empty(parameter.shape, dtype=parameter.dtype, device=device)
            setattr(module, name, nn.Parameter(empty))


def export_weights(encoder: Encoder) -> dict[str, Tensor]:
    """The encoder's weights, float32 on the CPU, under Hugging Face names."""
    parameters = dict(encoder.named_parameters())
    exported = {name: w.detach().float().cpu().contiguous() for name, w in encoder.unused.items()}
    for ours, theirs in _names(encoder):
        whole = parameters[ours].detach().float().cpu()
        for name, part in zip(theirs, whole.chunk(len(theirs)), strict=True):
            exported[name] = part.clone(memory_format=torch.contiguous_format)
    return exported


def write_weights(path: Path, encoder: Encoder) -> None:
    """Write the encoder's weights as a safetensors file. Raises OutputError."""
    write_bytes(path, save(export_weights(encoder), metadata={"format": "pt"}))
