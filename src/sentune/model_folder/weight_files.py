"""Which files have a model's weights."""

from __future__ import annotations

from pathlib import Path

from sentune.errors import ModelError

__all__ = ["WEIGHTS", "require_weights"]

WEIGHTS = "model.safetensors"


def require_weights(folder: Path) -> Path:
    """The file with the weights of a folder. Raises ModelError if there is none."""
    path = folder / WEIGHTS
    if path.is_file():
        return path
    if (folder / "pytorch_model.bin").is_file():
        raise ModelError(
            f"{folder} has its weights in pytorch_model.bin, a pickle, which can run code",
            expected="model.safetensors",
            fix="convert it if you trust it: torch.load(..., weights_only=True), then "
            "safetensors.torch.save_file(..., metadata={'format': 'pt'})",
        )
    raise ModelError(
        f"{folder} has no weights",
        expected="all weights in one file model.safetensors",
        fix="name the folder of a model, or copy the file from its source",
    )
