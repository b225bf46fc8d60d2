"""Smaller number formats for stored vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sentune.checks import require_choice
from sentune.errors import ArgumentError
from sentune.wording import counted

if TYPE_CHECKING:
    from torch import Tensor

    Embeddings = NDArray[np.floating] | Tensor | Sequence[NDArray[np.floating]] | Sequence[Tensor]

__all__ = ["PRECISIONS", "needs_ranges", "quantize_embeddings", "require_precision"]

PRECISIONS = ("float32", "int8", "uint8", "binary", "ubinary")


def quantize_embeddings(
    embeddings: Embeddings,
    precision: str,
    ranges: NDArray[np.floating] | None = None,
    calibration_embeddings: NDArray[np.floating] | None = None,
) -> NDArray[np.generic]:
    """Quantize vectors to 8 bits per dimension, between its least and greatest value, or to one.

    >>> import numpy as np
    >>> from sentune import quantize_embeddings
    >>> vectors = np.array([[0.0, -0.5], [0.25, 0.5], [1.0, 0.0]])
    >>> quantize_embeddings(vectors, "uint8")
    array([[  0,   0], [ 63, 254], [254, 127]], dtype=uint8)
    >>> quantize_embeddings(vectors, "ubinary")
    array([[  0], [192], [128]], dtype=uint8)

    Args:
        embeddings: (n, dim) floats, or (dim,) for one vector.
        precision: ``float32``; ``int8`` or ``uint8``: floor((x − min) / ((max − min) / 255))
            clipped to 0–255, less 128 when signed; ``binary`` or ``ubinary``: one bit, x > 0,
            eight dimensions to a byte, less 128 when signed.
        ranges: (2, dim), the least and greatest value of each dimension, for the 8-bit formats.
        calibration_embeddings: (m, dim), from which to take the ranges when they are not given.
            Without both, the ranges come from the embeddings: then vectors of different calls
            cannot be compared.

    Raises:
        ArgumentError: an unknown precision, vectors of whole numbers, or 8 bits for a single
            vector without ranges.
    """
    require_precision(precision)
    floats = _array(embeddings)
    if precision == "float32":
        return floats.astype(np.float32)
    if precision in ("binary", "ubinary"):
        bits: NDArray[np.uint8] = np.packbits(floats > 0, axis=-1)
        return bits if precision == "ubinary" else (bits.astype(np.int16) - 128).astype(np.int8)
    if not len(floats):
        return floats.astype(np.dtype(precision))
    low, high = _ranges(floats, precision, ranges, calibration_embeddings)
    steps = (high - low) / 255
    steps = np.where(steps == 0, 1, steps)
    levels = np.clip(np.floor((floats - low) / steps), 0, 255)
    quantized: NDArray[np.generic] = (levels - (128 if precision == "int8" else 0)).astype(
        np.dtype(precision)
    )
    return quantized


def require_precision(precision: str) -> None:
    """Raise ArgumentError unless ``precision`` is one of ``PRECISIONS``."""
    require_choice("precision", precision, PRECISIONS)


def needs_ranges(precision: str) -> bool:
    """Whether the format needs the ranges of all vectors."""
    return precision in ("int8", "uint8")


def _array(embeddings: Embeddings) -> NDArray[np.floating]:
    if isinstance(embeddings, Sequence):
        array = np.asarray([_on_cpu(row) for row in embeddings])
    else:
        array = _on_cpu(embeddings)
    if array.size and not np.issubdtype(array.dtype, np.floating):
        raise ArgumentError(
            f"vectors of {array.dtype}",
            expected="vectors of floating-point numbers",
            fix="encode with precision='float32' and quantize those",
        )
    return array


def _on_cpu(vectors: Any) -> NDArray[np.floating]:
    # The method tells a tensor from an array without loading PyTorch.
    if hasattr(vectors, "cpu"):
        vectors = vectors.detach().cpu()
        if vectors.is_floating_point() and vectors.element_size() == 2:
            vectors = vectors.float()  # NumPy has no bfloat16
    array = np.asarray(vectors)
    return array.astype(np.float32) if array.dtype == np.float16 else array


def _ranges(
    embeddings: NDArray[np.floating],
    precision: str,
    ranges: NDArray[np.floating] | None,
    calibration: NDArray[np.floating] | None,
) -> NDArray[np.float32]:
    if ranges is not None:
        return np.asarray(ranges, dtype=np.float32)
    source = embeddings if calibration is None else calibration
    count = 1 if source.ndim == 1 else len(source)
    if count < 2:
        raise ArgumentError(
            f"the ranges of {precision} cannot be taken from {counted(count, 'vector')}",
            expected="at least two vectors, ranges or calibration_embeddings",
            fix="encode in float32 and call quantize_embeddings with calibration_embeddings",
        )
    return np.vstack([source.min(axis=0), source.max(axis=0)]).astype(np.float32)
