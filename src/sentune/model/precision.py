"""Smaller number formats for stored vectors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sentune.errors import ArgumentError

__all__ = ["PRECISIONS", "quantize_embeddings", "require_precision"]

PRECISIONS = ("float32", "int8", "uint8", "binary", "ubinary")


def quantize_embeddings(
    embeddings: NDArray[np.floating],
    precision: str,
    ranges: NDArray[np.floating] | None = None,
    calibration_embeddings: NDArray[np.floating] | None = None,
) -> NDArray[np.generic]:
    """Quantize vectors, one bucket width per dimension, or to one bit per dimension.

    Args:
        embeddings: (n, dim) floats.
        precision: ``float32``; ``int8`` or ``uint8``: floor((x − min) / ((max − min) / 255))
            clipped to 0–255, less 128 when signed; ``binary`` or ``ubinary``: one bit, x > 0,
            eight dimensions to a byte, less 128 when signed.
        ranges: (2, dim), the least and greatest value of each dimension, for the 8-bit formats.
        calibration_embeddings: (m, dim), from which ranges are taken when not given; without
            them, the embeddings themselves are used, and vectors of different calls then
            cannot be compared.

    Raises:
        ArgumentError: an unknown precision, or 8 bits for a single vector without ranges.
    """
    require_precision(precision)
    if precision == "float32":
        return embeddings.astype(np.float32)
    if precision in ("binary", "ubinary"):
        bits: NDArray[np.uint8] = np.packbits(embeddings > 0, axis=-1)
        return bits if precision == "ubinary" else (bits.astype(np.int16) - 128).astype(np.int8)
    if not len(embeddings):
        return embeddings.astype(np.dtype(precision))
    low, high = _ranges(embeddings, precision, ranges, calibration_embeddings)
    steps = (high - low) / 255
    steps = np.where(steps == 0, 1, steps)
    levels = np.clip(np.floor((embeddings - low) / steps), 0, 255)
    quantized: NDArray[np.generic] = (levels - (128 if precision == "int8" else 0)).astype(
        np.dtype(precision)
    )
    return quantized


def require_precision(precision: str) -> None:
    """Raise ArgumentError unless ``precision`` is one of ``PRECISIONS``."""
    if precision not in PRECISIONS:
        raise ArgumentError(
            f"precision {precision!r}",
            expected=f"one of {', '.join(PRECISIONS)}",
            fix="leave it out for float32",
        )


def _ranges(
    embeddings: NDArray[np.floating],
    precision: str,
    ranges: NDArray[np.floating] | None,
    calibration: NDArray[np.floating] | None,
) -> NDArray[np.float32]:
    if ranges is not None:
        return np.asarray(ranges, dtype=np.float32)
    source = embeddings if calibration is None else calibration
    if len(source) < 2:
        raise ArgumentError(
            f"{len(source)} vectors to take the ranges of {precision} from",
            expected="ranges, calibration embeddings or at least two vectors",
            fix="encode in float32 and call quantize_embeddings with calibration_embeddings",
        )
    return np.vstack([source.min(axis=0), source.max(axis=0)]).astype(np.float32)
