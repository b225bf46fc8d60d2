"""Which files have a model's weights."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Sequence
from pathlib import Path

from sentune.errors import ModelError
from sentune.model_folder.json_files import read_object, unexpected
from sentune.network.weight_names import shown

__all__ = ["WEIGHTS", "files_of", "has_weights", "require_weights", "say_left_out"]

logger = logging.getLogger(__name__)

WEIGHTS = "model.safetensors"
_INDEX = f"{WEIGHTS}.index.json"
# Other formats that folders have, in the order in which they are named.
_OTHERS = ("pytorch_model*.bin", "*.gguf", "tf_model.h5", "flax_model.msgpack", "onnx/*.onnx")


def has_weights(folder: Path) -> bool:
    """Whether a folder has weights that sentune reads."""
    return (folder / WEIGHTS).is_file() or (folder / _INDEX).is_file()


def require_weights(folder: Path) -> Path:
    """The file with the weights of a folder, or the index of several. Raises ModelError."""
    if has_weights(folder):
        return folder / (WEIGHTS if (folder / WEIGHTS).is_file() else _INDEX)
    found = next((path for kind in _OTHERS for path in sorted(folder.glob(kind))), None)
    if found is None:
        raise ModelError(
            f"{folder} has no weights",
            expected=f"{WEIGHTS}, or parts of it and {_INDEX} (pickles are never fetched)",
            fix="name the folder of a model, or copy the files from their source",
        )
    if found.suffix != ".bin":
        raise ModelError(
            f"{folder} has its weights in {found.name} only",
            expected=WEIGHTS,
            fix="copy model.safetensors from the source of the model, or save it there again with "
            "save_pretrained()",
        )
    raise ModelError(
        f"{folder} has its weights in {found.name}, a pickle, which can run code",
        expected=WEIGHTS,
        fix=f"convert it if you trust it; run: {_conversion(folder)}",
    )


def _conversion(folder: Path) -> str:
    """A command that makes safetensors of every part, and of a tensor under two names two."""
    return (
        'python -c "import sys, glob, torch; from safetensors.torch import save_file; '
        "w = {n: t.contiguous().clone() for f in glob.glob(sys.argv[1] + '/pytorch_model*.bin') "
        "for n, t in torch.load(f, weights_only=True).items()}; "
        "save_file(w, sys.argv[1] + '/model.safetensors', {'format': 'pt'})\" "
        f"{shlex.quote(str(folder))}"
    )


def files_of(path: Path) -> dict[str, list[str]] | None:
    """For an index, each file and the weights in it; None for a file with weights.

    Raises ModelError.
    """
    if path.name != _INDEX:
        return None
    listed = read_object(path, required=True).get("weight_map")
    if not isinstance(listed, dict) or not listed:
        raise unexpected(path, "weight_map", listed, "an object with a file for each weight")
    files: dict[str, list[str]] = {}
    for name, file in listed.items():
        # A plain name: a path could lead out of the folder.
        if not isinstance(file, str) or file != Path(file).name or "\0" in file:
            raise unexpected(path, f"weight_map of {name!r}", file, "the name of a file beside it")
        files.setdefault(file, []).append(name)
    return files


def say_left_out(names: Sequence[str], path: Path | str) -> None:
    """Log the tensors of a file that the encoder does not have, such as those of a head."""
    if names:
        left_out = shown(list(names))
        logger.warning("%s: left out what the encoder does not have: %s", path, left_out)
