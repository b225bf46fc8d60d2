"""Similarity of vectors: four functions, each for all pairs and for pairs of rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from sentune.checks import require_choice
from sentune.errors import ArgumentError
from sentune.network.names import SIMILARITY_FUNCTIONS

__all__ = ["Vectors", "cos_sim", "dot_score", "similarity", "similarity_pairwise"]

Vectors = Tensor | np.ndarray | Sequence[Sequence[float]] | Sequence[Tensor]
_Function = Callable[[Tensor, Tensor], Tensor]


_ALL_PAIRS: dict[str, _Function] = {
    "cosine": lambda a, b: F.normalize(a, dim=-1) @ F.normalize(b, dim=-1).T,
    "dot": lambda a, b: a @ b.T,
    # Computing it from dot products loses digits for near vectors.
    "euclidean": lambda a, b: -torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist"),
    "manhattan": lambda a, b: -torch.cdist(a, b, p=1.0),
}
_ROW_BY_ROW: dict[str, _Function] = {
    "cosine": lambda a, b: (F.normalize(a, dim=-1) * F.normalize(b, dim=-1)).sum(-1),
    "dot": lambda a, b: (a * b).sum(-1),
    "euclidean": lambda a, b: -torch.linalg.vector_norm(a - b, dim=-1),
    "manhattan": lambda a, b: -(a - b).abs().sum(-1),
}


def similarity(a: Vectors, b: Vectors, function: str = "cosine") -> Tensor:
    """Similarity of every vector of ``a`` to every vector of ``b``.

    >>> from sentune import similarity
    >>> similarity([[1.0, 0.0], [0.0, 2.0]], [[1.0, 0.0], [3.0, 4.0]])
    tensor([[1.0000, 0.6000], [0.0000, 0.8000]])
    >>> similarity([[1.0, 0.0]], [[3.0, 4.0]], "dot")
    tensor([[3.]])

    Args:
        a: (n, dim), or (dim,) for one vector.
        b: (m, dim), or (dim,) for one vector.
        function: ``cosine``, ``dot``, or the negated distances ``euclidean`` and ``manhattan``.

    Returns:
        (n, m) float tensor; higher is more alike. Cost: n · m · dim multiplications.

    Raises:
        ArgumentError: an unknown function, or vectors of different dimensions.
    """
    left, right = _matrices(a, b)
    return _ALL_PAIRS[require_choice("function", function, SIMILARITY_FUNCTIONS)](left, right)


def similarity_pairwise(a: Vectors, b: Vectors, function: str = "cosine") -> Tensor:
    """Similarity of the i-th vector of ``a`` to the i-th of ``b``: (n,). Raises ArgumentError."""
    left, right = _matrices(a, b)
    if len(left) != len(right):
        raise ArgumentError(
            f"{len(left)} and {len(right)} vectors",
            expected="the same number on both sides",
            fix="use similarity for all pairs",
        )
    return _ROW_BY_ROW[require_choice("function", function, SIMILARITY_FUNCTIONS)](left, right)


def cos_sim(a: Vectors, b: Vectors) -> Tensor:
    """Cosine of every vector of ``a`` to every vector of ``b``: (n, m).

    Unlike ``similarity``, it multiplies 16-bit vectors in float32, so that scores that are nearly
    equal stay different. Raises ArgumentError.
    """
    return _ALL_PAIRS["cosine"](*map(_widened, _matrices(a, b)))


def dot_score(a: Vectors, b: Vectors) -> Tensor:
    """Dot product of every vector of ``a`` with every one of ``b``: (n, m); see ``cos_sim``."""
    return _ALL_PAIRS["dot"](*map(_widened, _matrices(a, b)))


def _widened(vectors: Tensor) -> Tensor:
    return vectors.to(torch.promote_types(vectors.dtype, torch.float32))


def _matrices(first: Vectors, second: Vectors) -> tuple[Tensor, Tensor]:
    a, b = _matrix(first), _matrix(second)
    if a.dim() != 2 or b.dim() != 2 or a.shape[1] != b.shape[1]:
        raise ArgumentError(
            f"vectors of shapes {tuple(a.shape)} and {tuple(b.shape)}",
            expected="two matrices with rows of the same length",
            fix="encode both sides with the same model and truncate_dim",
        )
    common = torch.promote_types(a.dtype, b.dtype)
    return a.to(common), b.to(common)


def _matrix(vectors: Vectors) -> Tensor:
    try:
        tensor = _tensor(vectors)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ArgumentError(
            f"vectors that do not form a matrix ({error})",
            expected="an array, a tensor, or rows of numbers of the same length",
            fix="pass what encode returned",
        ) from error
    tensor = tensor if tensor.is_floating_point() else tensor.float()
    return tensor.unsqueeze(0) if tensor.dim() == 1 else tensor


def _tensor(vectors: Vectors) -> Tensor:
    if isinstance(vectors, Tensor):
        return vectors
    if isinstance(vectors, np.ndarray):
        return torch.from_numpy(np.ascontiguousarray(vectors))  # PyTorch has no negative strides
    rows = [torch.as_tensor(row) for row in vectors]  # Python's floats become float32
    return torch.stack(rows) if rows else torch.empty(0)
