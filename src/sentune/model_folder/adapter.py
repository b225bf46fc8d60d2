"""An adapter beside the weights of a model, in the files of peft: reading its configuration.

Only plain LoRA (Hu et al. 2021, arXiv:2106.09685) is read. It is merged into the weights when the
model is loaded, so that a model with an adapter computes like any other.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sentune.errors import ModelError, UnsupportedModelError
from sentune.model_folder.json_files import flag, read_object, unexpected

__all__ = ["Adapter", "read_adapter"]

_CONFIG, _WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
# They say which modules were trained or where the adapter came from; its weights are what counts.
_HARMLESS = {
    *("auto_mapping", "base_model_name_or_path", "bias", "exclude_modules", "inference_mode"),
    *("layers_pattern", "layers_to_transform", "lora_dropout", "modules_to_save", "peft_version"),
    *("ensure_weight_tying", "loftq_config", "eva_config", "fan_in_fan_out", "megatron_core"),
    *("qalora_group_size", "revision", "runtime_config", "target_modules", "task_type"),
}
_USED = {"alpha_pattern", "init_lora_weights", "lora_alpha", "peft_type", "r", "rank_pattern"}
_USED.add("use_rslora")
# Ways to draw the first values of an adapter that leave the weights of the model as they are.
_PLAIN_BEGINNINGS = (None, True, False, "gaussian", "eva", "orthogonal")


@dataclass(frozen=True, slots=True)
class Adapter:
    """A LoRA adapter.

    Attributes:
        weights: its safetensors file.
        base: the model that it was trained on, as its configuration names it; "" when unnamed.
        rank, alpha: W becomes W + alpha/rank · B·A.
        rank_pattern, alpha_pattern: other values for modules whose names end in this regular
            expression.
        root: divide by the root of the rank instead (Kalajdzievski 2023, arXiv:2312.03732).
    """

    weights: Path
    base: str
    rank: int
    alpha: float
    rank_pattern: Mapping[str, int] = field(default_factory=dict)
    alpha_pattern: Mapping[str, float] = field(default_factory=dict)
    root: bool = False

    def scale(self, module: str) -> float:
        """The factor of B·A for a module."""
        rank, alpha = self.rank_of(module), _value(self.alpha_pattern, module, self.alpha)
        return float(alpha / (rank**0.5 if self.root else rank))

    def rank_of(self, module: str) -> int:
        """The rank for a module."""
        return int(_value(self.rank_pattern, module, self.rank))


def _value(pattern: Mapping[str, float], module: str, otherwise: float) -> float:
    found = (key for key in pattern if re.match(rf"(.*\.)?({key})$", module))
    key = next(found, None)
    return otherwise if key is None else pattern[key]


def read_adapter(folder: Path) -> Adapter | None:
    """The adapter in the folder of a transformer; None when there is none.

    Raises:
        ModelError: its files are missing or damaged.
        UnsupportedModelError: a kind of adapter, or an option, that is not merged.
    """
    path, weights = folder / _CONFIG, folder / _WEIGHTS
    if not path.is_file():
        return None
    values = read_object(path)
    _require_plain(values, path)
    if not weights.is_file():
        raise ModelError(
            f"{folder} has an {_CONFIG} without {_WEIGHTS}",
            expected="both files of an adapter, or neither",
            fix=f"copy {_WEIGHTS} from its source, or remove {_CONFIG} to use the model without "
            "the adapter",
        )
    base = values.get("base_model_name_or_path")
    return Adapter(
        weights=weights,
        base=base if isinstance(base, str) else "",
        rank=_whole(values, "r", path),
        alpha=_number(values.get("lora_alpha"), "lora_alpha", path),
        rank_pattern={
            key: _whole({key: value}, key, path)
            for key, value in _pattern(values, "rank_pattern", path).items()
        },
        alpha_pattern={
            key: _number(value, f"alpha_pattern of {key}", path)
            for key, value in _pattern(values, "alpha_pattern", path).items()
        },
        root=flag({"use_rslora": values.get("use_rslora") or False}, "use_rslora", False, path),
    )


def _require_plain(values: Mapping[str, Any], path: Path) -> None:
    kind = values.get("peft_type")
    if kind != "LORA":
        raise _unsupported(path, "an adapter of the kind", kind)
    if values.get("init_lora_weights") not in _PLAIN_BEGINNINGS:
        raise _unsupported(path, "init_lora_weights", values["init_lora_weights"])
    for key, value in values.items():
        # What peft added later is off unless it is used.
        if value and key not in _HARMLESS and key not in _USED:
            raise _unsupported(path, key, value)


def _unsupported(path: Path, name: str, value: object) -> UnsupportedModelError:
    return UnsupportedModelError(
        f"{path} has {name} {value!r}",
        expected="plain LoRA, the only kind of adapter that is merged",
        fix="merge it where it was trained, with merge_and_unload() of peft, and save the model",
    )


def _pattern(values: Mapping[str, Any], name: str, path: Path) -> dict[str, Any]:
    pattern = values.get(name) or {}
    if not isinstance(pattern, dict):
        raise unexpected(path, name, pattern, "an object with a number for each name")
    for key in pattern:
        try:
            re.compile(key)
        except re.error as error:
            raise unexpected(path, name, key, "regular expressions as names") from error
    return pattern


def _whole(values: Mapping[str, Any], name: str, path: Path) -> int:
    value = values.get(name)
    if type(value) is not int or value < 1:
        raise unexpected(path, name, value, "a whole number of at least 1")
    return value


def _number(value: object, name: str, path: Path) -> float:
    if type(value) not in (int, float) or not math.isfinite(value):  # type: ignore[arg-type]
        raise unexpected(path, name, value, "a number")
    return float(value)  # type: ignore[arg-type]
