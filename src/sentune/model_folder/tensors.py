"""The tensors of safetensors files, in one file or in several with an index."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from sentune.errors import ModelError
from sentune.model_folder.json_files import unexpected
from sentune.model_folder.weight_files import files_of
from sentune.network.weight_names import refuse

__all__ = ["as_float32", "read_tensors"]

_FORMATS = (torch.float32, torch.float16, torch.bfloat16, torch.float64)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file, or of those that an index lists, as they are stored.

    Raises:
        ModelError: a file is missing, incomplete or not safetensors, or lacks what the index says.
    """
    listed = files_of(path)
    if listed is None:
        return _read(path)
    tensors: dict[str, Tensor] = {}
    for file, names in listed.items():
        found = _read(path.parent / file)
        missing = [name for name in names if name not in found]
        if missing:
            raise unexpected(path, f"weight_map of {missing[0]!r}", file, "the file that has it")
        tensors |= found
    return tensors


def _read(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise ModelError(
            f"{path} cannot be read ({error})",
            expected="weights in safetensors format",
            fix="copy the file again from the source of the model",
        ) from error


def as_float32(stored: Mapping[str, Tensor], source: str) -> dict[str, Tensor]:
    """Copies in float32. Raises ModelError for whole numbers and for formats of fewer than 16 bits.

    These are a part of what a quantized weight is; without its scales they mean nothing.
    """
    coded = [
        f"{name} ({str(tensor.dtype).removeprefix('torch.')})"
        for name, tensor in stored.items()
        if tensor.dtype not in _FORMATS
    ]
    expected = "float32, float16, bfloat16 or float64: quantized weights are not read"
    fix = "use the weights that were quantized"
    refuse(coded, source, "has weights in another number format,", expected, fix)
    return {name: tensor.float() for name, tensor in stored.items()}
