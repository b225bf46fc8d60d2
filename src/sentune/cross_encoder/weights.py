"""The weights of encoder and head: from a folder, and back."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from sentune.cross_encoder.folder import PairModelFolder
from sentune.cross_encoder.head import Head
from sentune.errors import ModelError
from sentune.files import write_bytes
from sentune.model_folder.tensors import as_float32, read_tensors
from sentune.model_folder.weights import build_encoder, export_weights
from sentune.network.architectures import ARCHITECTURES
from sentune.network.encoder import Encoder
from sentune.vectors import all_finite

__all__ = ["pair_weights", "read_parts", "write_pair_weights"]

logger = logging.getLogger(__name__)


def read_parts(
    folder: PairModelFolder, num_labels: int, device: torch.device, *, new_labels: bool
) -> tuple[Encoder, Head]:
    """Encoder and head, in evaluation mode.

    A folder without a head gets a new one with random weights, drawn from PyTorch's generator;
    BERT's pooler is kept. With ``new_labels`` only the last layer of a head is new.

    Raises:
        ModelError: weights are missing, unknown, of another shape, or not finite.
    """
    architecture = ARCHITECTURES[folder.config.model_type]
    stored, source = read_tensors(folder.weights), str(folder.weights)
    head = Head(folder.head, folder.config, folder.config_json, num_labels)
    current = {architecture.current_name(name): name for name in stored}
    names = {ours: current[name] for ours, name in head.names("").items() if name in current}
    of_head = as_float32({ours: stored.pop(name) for ours, name in names.items()}, source)
    encoder = build_encoder(folder.config, stored, source, device)
    encoder.unused = {}  # another model's pooler, without a meaning for scores
    if new_labels:
        of_head = {name: w for name, w in of_head.items() if not name.startswith("out.")}
    _fill(head, of_head, folder, new_labels)
    return encoder, head.to(device).eval()


def _fill(head: Head, found: Mapping[str, Tensor], folder: PairModelFolder, new: bool) -> None:
    shapes = {name: parameter.shape for name, parameter in head.named_parameters()}
    lacking = [name for name in shapes if name not in found]
    wrong = [n for n, w in found.items() if w.shape != shapes[n] or not all_finite(w)]
    if wrong or (lacking and folder.has_head and not new):
        named = ", ".join(head.names("")[name] for name in (wrong or lacking)[:3])
        problem = "weights of another shape, or not finite," if wrong else "no weights for"
        raise ModelError(
            f"{folder.weights} has {problem} {named}",
            expected=f"those of a {head.kind.model_class}, as config.json describes it",
            fix="copy the folder again from the source of the model",
        )
    if lacking:
        logger.warning("%s has no head: its scores mean nothing before training", folder.weights)
    with torch.no_grad():
        for name, parameter in head.named_parameters():
            if name in found:
                parameter.copy_(found[name])


def pair_weights(encoder: Encoder, head: Head) -> dict[str, Tensor]:
    """All weights, float32 on the CPU, under the names of transformers."""
    prefix = ARCHITECTURES[encoder.config.model_type].prefix
    found = {prefix + name: weight for name, weight in export_weights(encoder).items()}
    state: dict[str, Any] = head.state_dict()
    for ours, theirs in head.names(prefix).items():
        found[theirs] = state[ours].detach().float().cpu().contiguous().clone()
    return found


def write_pair_weights(path: Path, encoder: Encoder, head: Head) -> None:
    """Write a safetensors file. Raises OutputError."""
    write_bytes(path, save(pair_weights(encoder, head), metadata={"format": "pt"}))
