"""Small functions on vectors and batches that scripts take from the reference's ``util``."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any, TypeVar

import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from sentune.checks import require_whole
from sentune.errors import ArgumentError, SentuneError
from sentune.machine.hardware import choose_device
from sentune.model_folder.resolve import resolve

__all__ = [
    "batch_to_device",
    "fullname",
    "get_device_name",
    "http_get",
    "is_accelerate_available",
    "is_datasets_available",
    "is_sentence_transformer_model",
    "is_training_available",
    "normalize_embeddings",
    "truncate_embeddings",
]

Vectors = TypeVar("Vectors", Tensor, NDArray[Any])


def normalize_embeddings(embeddings: Tensor) -> Tensor:
    """Vectors (n, dim) scaled to unit length; zeros stay zeros."""
    return F.normalize(embeddings, dim=1)


def truncate_embeddings(embeddings: Vectors, truncate_dim: int | None) -> Vectors:
    """The leading ``truncate_dim`` components of vectors (…, dim); all when None.

    Raises:
        ArgumentError: a dimension below 1.
    """
    if truncate_dim is None:
        return embeddings
    return embeddings[..., : require_whole("truncate_dim", truncate_dim)]


def batch_to_device(batch: dict[str, Any], target_device: torch.device | str) -> dict[str, Any]:
    """Move the tensors of a batch, in place."""
    for name, value in batch.items():
        if isinstance(value, Tensor):
            batch[name] = value.to(target_device)
    return batch


def get_device_name() -> str:
    """The device that a model gets when none is named: ``cuda``, ``mps`` or ``cpu``."""
    return choose_device().type


def fullname(thing: object) -> str:
    """The module and name of an object's class."""
    kind = type(thing)
    return f"{kind.__module__}.{kind.__qualname__}"


def is_datasets_available() -> bool:
    """Whether the package ``datasets`` is installed; sentune trains without it too."""
    return find_spec("datasets") is not None


def is_accelerate_available() -> bool:
    """Whether the package ``accelerate`` is installed."""
    return find_spec("accelerate") is not None


def is_training_available() -> bool:
    """Whether the packages are installed that the reference trains with."""
    return is_datasets_available() and is_accelerate_available()


def is_sentence_transformer_model(
    model_name_or_path: str,
    token: bool | str | None = None,
    cache_folder: str | None = None,
    revision: str | None = None,
    local_files_only: bool = False,
) -> bool:
    """Whether a model has the list of its stages, ``modules.json``; False where there is none."""
    try:
        found = resolve(
            model_name_or_path,
            revision,
            cache_folder=cache_folder,
            local_files_only=local_files_only,
            token=token,
        )
    except SentuneError:
        return False
    return (found.folder / "modules.json").is_file()


def http_get(url: str, path: str) -> None:
    """Refused: sentune loads nothing but models from the network. Raises ArgumentError."""
    raise ArgumentError(
        f"http_get({url!r})",
        expected=f"the file at {path}, because sentune downloads only models",
        fix=f"fetch it before: urllib.request.urlretrieve({url!r}, {path!r})",
    )
