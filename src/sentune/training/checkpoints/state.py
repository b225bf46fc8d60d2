"""The state of optimizers, schedulers and random numbers ↔ JSON and tensors.

PyTorch keeps this state in nested containers and writes them as pickles, which run code when they
are read. Here the containers become JSON, and their tensors safetensors.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sentune.errors import TrainingError
from sentune.wording import named_kind

__all__ = ["from_plain", "not_plain", "random_state", "set_random_state", "to_plain"]

_TENSOR, _PAIRS, _FLOAT, _TUPLE = "$tensor", "$pairs", "$float", "$tuple"


def to_plain(value: Any, tensors: dict[str, Tensor], name: str = "state") -> Any:
    """``value`` as JSON. Each of its tensors is put into ``tensors``, with its path as the key.

    Containers may be dictionaries with plain keys, lists and tuples. Floats keep every bit.

    Raises:
        TrainingError: a value of another type, named by its path.
    """
    if isinstance(value, Tensor):
        # A clone, since safetensors refuses tensors that share memory.
        tensors[name] = value.detach().cpu().contiguous().clone()
        return {_TENSOR: name}
    if isinstance(value, float) and not math.isfinite(value):
        return {_FLOAT: repr(value)}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        pairs = [[key, to_plain(item, tensors, f"{name}.{key}")] for key, item in value.items()]
        return {_PAIRS: pairs}
    if isinstance(value, list | tuple):
        items = [to_plain(item, tensors, f"{name}.{i}") for i, item in enumerate(value)]
        return items if isinstance(value, list) else {_TUPLE: items}
    raise not_plain(value, name)


def not_plain(value: Any, name: str = "a part") -> TrainingError:
    """The error for a value that only a pickle could keep."""
    return TrainingError(
        f"{name} of the training state is {named_kind(value)}",
        expected="numbers, texts, tensors and containers of them, which need no pickle",
        fix="choose another optimizer, scheduler or callback, or save_strategy='no'",
    )


def from_plain(value: Any, tensors: Mapping[str, Tensor]) -> Any:
    """The inverse of :func:`to_plain`."""
    if isinstance(value, list):
        return [from_plain(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    (kind, content) = next(iter(value.items()))
    if kind == _TENSOR:
        return tensors[content]
    if kind == _FLOAT:
        return float(content)
    if kind == _TUPLE:
        return tuple(from_plain(item, tensors) for item in content)
    return {key: from_plain(item, tensors) for key, item in content}


def random_state() -> dict[str, Any]:
    """The states of the generators of Python, NumPy and PyTorch, with this process's GPU."""
    kind, keys, *rest = np.random.get_state(legacy=True)
    state: dict[str, Any] = {
        "python": random.getstate(),
        "numpy": (kind, torch.from_numpy(np.asarray(keys, dtype=np.int64)), *rest),
        "torch": torch.get_rng_state(),
    }
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state()
    return state


def set_random_state(state: Mapping[str, Any]) -> None:
    """Restore every generator from what :func:`random_state` returned."""
    random.setstate(state["python"])
    kind, keys, *rest = state["numpy"]
    np.random.set_state((kind, keys.numpy().astype(np.uint32), *rest))
    torch.set_rng_state(state["torch"])
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda"])
