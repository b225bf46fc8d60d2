"""The configuration of a model's pooling: reading and writing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sentune.errors import ModelError, UnsupportedModelError
from sentune.files import write_json
from sentune.model_folder.json_files import flag, read_object
from sentune.network.config import report_unknown
from sentune.network.names import POOLING_FLAGS, POOLING_MODES

__all__ = ["read_pooling", "require_order", "write_pooling"]

# The width is that of the encoder, whatever the file says.
_KEYS = {"word_embedding_dimension", "embedding_dimension", "include_prompt", "pooling_mode"}
_KEYS.update(POOLING_FLAGS.values())


def read_pooling(folder: Path | None) -> tuple[tuple[str, ...], bool]:
    """The modes, and whether prompt tokens take part. Raises ModelError, UnsupportedModelError."""
    if folder is None:
        return ("mean",), True
    path = folder / "config.json"
    values = read_object(path, required=True)
    report_unknown(path, values, _KEYS)
    include_prompt = flag(values, "include_prompt", True, path)
    modes = _pooling_modes(values, path)
    if not modes or any(mode not in POOLING_MODES for mode in modes):
        raise UnsupportedModelError(
            f"{path} asks for the pooling {list(modes)}",
            expected=f"one or more of {', '.join(POOLING_MODES)}",
            fix="choose another base model",
        )
    return modes, include_prompt


def _pooling_modes(values: dict[str, Any], path: Path) -> tuple[str, ...]:
    if "pooling_mode" in values:
        named = values["pooling_mode"]
        return tuple(named) if isinstance(named, list) else (named,)
    if not any(name in values for name in POOLING_FLAGS.values()):
        return ("mean",)
    return tuple(mode for mode in POOLING_MODES if flag(values, POOLING_FLAGS[mode], False, path))


def require_order(modes: tuple[str, ...]) -> None:
    """Raise ModelError for modes in an order that the layout cannot express."""
    if modes != tuple(mode for mode in POOLING_MODES if mode in modes):
        raise ModelError(
            f"pooling modes in the order {', '.join(modes)}",
            expected=f"the order of the folder layout: {', '.join(POOLING_MODES)}",
            fix="list the modes in that order",
        )


def write_pooling(
    folder: Path, modes: tuple[str, ...], hidden_size: int, include_prompt: bool
) -> None:
    """Write the configuration into an existing folder. Raises OutputError."""
    from sentune.network.pooling import Pooling  # loads PyTorch

    pooling = Pooling(hidden_size, modes, include_prompt=include_prompt)
    write_json(folder / "config.json", pooling.describe())
