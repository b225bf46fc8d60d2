"""The encoder's weights and their names in Hugging Face files, in both directions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from sentune.errors import ModelError
from sentune.files import write_bytes
from sentune.network.architectures import ARCHITECTURES
from sentune.network.config import EncoderConfig
from sentune.network.encoder import Encoder
from sentune.vectors import all_finite

__all__ = [
    "build_encoder",
    "export_weights",
    "load_weights",
    "read_all_weights",
    "read_weights",
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


def read_weights(path: Path, model_type: str) -> dict[str, Tensor]:
    """Read a safetensors file as float32 tensors under the names of the bare encoder.

    The prefix of a model with a head (``bert.``) and the old ``gamma``/``beta`` endings are
    translated; the weights of a head are left out.

    Raises:
        ModelError: the file is missing, incomplete, not safetensors, or has whole numbers.
    """
    ignored = ARCHITECTURES[model_type].ignored
    weights = read_all_weights(path, model_type)
    return {name: w for name, w in weights.items() if not name.startswith(ignored)}


def read_all_weights(path: Path, model_type: str) -> dict[str, Tensor]:
    """As :func:`read_weights`, with the weights of a head."""
    try:
        stored = load_file(path)
    except (OSError, SafetensorError) as error:
        raise ModelError(
            f"{path} cannot be read ({error})",
            expected="weights in safetensors format",
            fix="copy the file again from the source of the model",
        ) from error
    architecture = ARCHITECTURES[model_type]
    current = {name: architecture.current_name(name) for name in stored}
    weights = {current[name]: tensor for name, tensor in stored.items()}
    names = Counter(current.values())
    twice = [name for name, times in names.items() if times > 1]
    _refuse(twice, str(path), "spells twice", "each weight once")
    whole = [name for name, w in weights.items() if not w.is_floating_point()]
    coded = [name for name in whole if not name.startswith(architecture.ignored)]
    _refuse(coded, str(path), "has whole numbers in", "floating-point weights, not quantized ones")
    return {name: tensor.float() for name, tensor in weights.items() if name not in whole}


def build_encoder(
    config: EncoderConfig, weights: Mapping[str, Tensor], source: str, device: torch.device
) -> Encoder:
    """An encoder with these weights, in evaluation mode.

    Memory is allocated only after the weights were found to fit the configuration, whose sizes
    may be wrong.

    Raises:
        ModelError: as in :func:`load_weights`.
    """
    if config.num_hidden_layers > len(weights):
        missing = f"{config.num_hidden_layers} layers"
        _refuse([missing], source, "has no weights for", "all weights that config.json describes")
    with torch.device("meta"):
        encoder = Encoder(config)
    load_weights(encoder, weights, source, device)
    return encoder.eval()


def load_weights(
    encoder: Encoder, weights: Mapping[str, Tensor], source: str, device: torch.device | None = None
) -> None:
    """Fill the encoder: every parameter gets its weight, and no weight may be left over.

    New parameters are allocated on ``device``; when None, the present ones are filled. The encoder
    is not changed if an error is raised. ``source`` is the file, for messages.

    Raises:
        ModelError: weights are missing, unknown, of another shape, or not finite; the message
            names up to three of them.
    """
    architecture = ARCHITECTURES[encoder.config.model_type]
    remaining = dict(weights)
    unused = {n: remaining.pop(n) for n in weights if n.startswith(architecture.kept)}
    table = list(_names(encoder))
    missing = [name for _, theirs in table for name in theirs if name not in remaining]
    _refuse(missing, source, "has no weights for", "all weights that config.json describes")
    shapes = {name: tuple(parameter.shape) for name, parameter in encoder.named_parameters()}
    stacked = {ours: [remaining.pop(name) for name in theirs] for ours, theirs in table}
    wrong = [w for ours, theirs in table for w in _wrong(shapes[ours], stacked[ours], theirs)]
    _refuse(wrong, source, "has weights of another shape, or not finite,", "those of config.json")
    _refuse(
        list(remaining), source, "has unknown weights", f"those of a {architecture.model_class}"
    )
    if device is not None:
        _allocate(encoder, device)
    # Copies: a view would keep the whole file in memory.
    encoder.unused = {name: tensor.clone() for name, tensor in unused.items()}
    with torch.no_grad():
        for ours, parameter in encoder.named_parameters():
            parts = stacked[ours]
            for target, part in zip(parameter.chunk(len(parts)), parts, strict=True):
                target.copy_(part)


def _allocate(encoder: Encoder, device: torch.device) -> None:
    """Like ``to_empty``, which imports PyTorch's compiler: a second and 300 MB."""
    for module in encoder.modules():
        for name, parameter in module.named_parameters(recurse=False):
            empty = torch.empty(parameter.shape, dtype=parameter.dtype, device=device)
            setattr(module, name, nn.Parameter(empty))


def _wrong(shape: tuple[int, ...], parts: list[Tensor], names: tuple[str, ...]) -> list[str]:
    of_part = (shape[0] // len(parts), *shape[1:])
    return [
        f"{name} {tuple(part.shape)}"
        for name, part in zip(names, parts, strict=True)
        if tuple(part.shape) != of_part or not all_finite(part)
    ]


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
    """Write a safetensors file that ``read_weights`` reads. Raises OutputError."""
    write_bytes(path, save(export_weights(encoder), metadata={"format": "pt"}))


def _refuse(names: list[str], source: str, problem: str, expected: str) -> None:
    if names:
        shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        raise ModelError(
            f"{source} {problem} {shown}",
            expected=expected,
            fix="copy the folder again from the source of the model",
        )
