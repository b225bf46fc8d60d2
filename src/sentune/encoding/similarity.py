"""Similarity of vectors: four functions, each for all pairs and for pairs of rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from sentune.checks import require_choice
from sentune.errors import ArgumentError
from sentune.network.names import SIMILARITY_FUNCTIONS

__all__ = [
    "SimilarityFunction",
    "Vectors",
    "cos_sim",
    "dot_score",
    "euclidean_sim",
    "manhattan_sim",
    "pairwise_cos_sim",
    "pairwise_dot_score",
    "pairwise_euclidean_sim",
    "pairwise_manhattan_sim",
    "similarity",
    "similarity_name",
    "similarity_pairwise",
]

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


class SimilarityFunction(Enum):
    """The functions by name, for scripts that name them so; a plain text does as well."""

    COSINE = "cosine"
    DOT_PRODUCT = "dot"
    DOT = "dot"  # noqa: PIE796 — its other name
    EUCLIDEAN = "euclidean"
    MANHATTAN = "manhattan"

    @staticmethod
    def to_similarity_fn(function: SimilarityFunction | str) -> _Function:
        """The function of all pairs, see :func:`similarity`. Raises ArgumentError."""
        return partial(similarity, function=similarity_name("similarity_function", function))

    @staticmethod
    def to_similarity_pairwise_fn(function: SimilarityFunction | str) -> _Function:
        """The function of rows, see :func:`similarity_pairwise`. Raises ArgumentError."""
        name = similarity_name("similarity_function", function)
        return partial(similarity_pairwise, function=name)

    @staticmethod
    def possible_values() -> list[str]:
        """The names."""
        return list(SIMILARITY_FUNCTIONS)


def similarity_name(argument: str, function: SimilarityFunction | str) -> str:
    """The name of a function that is given by name or as a member. Raises ArgumentError."""
    # A member of the reference's own enumeration does too: scripts move over one import at a time.
    name = function.value if isinstance(function, Enum) else function
    return require_choice(argument, name, SIMILARITY_FUNCTIONS)


def similarity(a: Vectors, b: Vectors, function: SimilarityFunction | str = "cosine") -> Tensor:
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
        (n, m) tensor, higher for more alike: float64 for vectors in float64, else float32, also
        for vectors of 16 bits. Cost: n · m · dim multiplications.

    Raises:
        ArgumentError: an unknown function, or vectors of different dimensions.
    """
    left, right = _matrices(a, b)
    return _ALL_PAIRS[similarity_name("function", function)](left, right)


def similarity_pairwise(
    a: Vectors, b: Vectors, function: SimilarityFunction | str = "cosine"
) -> Tensor:
    """Similarity of the i-th vector of ``a`` to the i-th of ``b``: (n,). Raises ArgumentError."""
    left, right = _matrices(a, b)
    if len(left) != len(right):
        raise ArgumentError(
            f"{len(left)} and {len(right)} vectors",
            expected="the same number on both sides",
            fix="use similarity for all pairs",
        )
    return _ROW_BY_ROW[similarity_name("function", function)](left, right)


def cos_sim(a: Vectors, b: Vectors) -> Tensor:
    """Cosine of every vector of ``a`` to every vector of ``b``: (n, m). Raises ArgumentError."""
    return similarity(a, b, "cosine")


def dot_score(a: Vectors, b: Vectors) -> Tensor:
    """Dot product of every vector of ``a`` with every one of ``b``: (n, m); see ``cos_sim``."""
    return similarity(a, b, "dot")


def euclidean_sim(a: Vectors, b: Vectors) -> Tensor:
    """Negated Euclidean distances of all pairs: (n, m); see ``cos_sim``."""
    return similarity(a, b, "euclidean")


def manhattan_sim(a: Vectors, b: Vectors) -> Tensor:
    """Negated sums of absolute differences of all pairs: (n, m); see ``cos_sim``."""
    return similarity(a, b, "manhattan")


def pairwise_cos_sim(a: Vectors, b: Vectors) -> Tensor:
    """Cosine of the i-th vector of ``a`` to the i-th of ``b``: (n,). Raises ArgumentError."""
    return similarity_pairwise(a, b, "cosine")


def pairwise_dot_score(a: Vectors, b: Vectors) -> Tensor:
    """Dot product row by row: (n,); see ``pairwise_cos_sim``."""
    return similarity_pairwise(a, b, "dot")


def pairwise_euclidean_sim(a: Vectors, b: Vectors) -> Tensor:
    """Negated Euclidean distance row by row: (n,); see ``pairwise_cos_sim``."""
    return similarity_pairwise(a, b, "euclidean")


def pairwise_manhattan_sim(a: Vectors, b: Vectors) -> Tensor:
    """Negated sum of absolute differences row by row: (n,); see ``pairwise_cos_sim``."""
    return similarity_pairwise(a, b, "manhattan")


def _matrices(first: Vectors, second: Vectors) -> tuple[Tensor, Tensor]:
    a, b = _matrix(first), _matrix(second)
    if a.dim() != 2 or b.dim() != 2 or a.shape[1] != b.shape[1]:
        raise ArgumentError(
            f"vectors of shapes {tuple(a.shape)} and {tuple(b.shape)}",
            expected="two matrices with rows of the same length",
            fix="encode both sides with the same model and truncate_dim",
        )
    # In 16 bits, near scores become equal: bfloat16 has 5 numbers from 0.97 to 0.99.
    common = torch.promote_types(torch.promote_types(a.dtype, b.dtype), torch.float32)
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
