"""The vectors that a task is given: of any kind, checked, and converted a block at a time."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from sentune.encoding.similarity import Vectors
from sentune.errors import ArgumentError

__all__ = ["BLOCK", "VectorRows"]

BLOCK = 1024


class VectorRows:
    """The rows of a matrix of any kind. A block at a time is converted, never a whole memory map.

    Args:
        vectors: (n, dim) array, tensor, or sequence of vectors; (dim,) for a single one.
        name: what errors call them.

    Attributes:
        shape: (n, dim); (0, 0) without vectors.
        dtype: the type for products: float64 for vectors in float64, else float32.
        device: of a tensor; the CPU for everything else.

    Raises:
        ArgumentError: not a dense matrix of numbers.
    """

    def __init__(self, vectors: Vectors, name: str) -> None:
        self._name = name
        source = self._matrix(vectors)
        self._source = source[None] if source.ndim == 1 and len(source) else source
        if self._source.ndim == 1:
            self._source = self._source.reshape(0, 0)
        if self._source.ndim != 2:
            raise self._error(f"of shape {tuple(self._source.shape)}")
        self.shape = (int(self._source.shape[0]), int(self._source.shape[1]))
        if isinstance(self._source, Tensor):
            self.device = self._source.device
            is_double = self._source.dtype == torch.float64
        else:
            self.device = torch.device("cpu")
            is_double = self._source.dtype.kind == "f" and self._source.dtype.itemsize >= 8
        self.dtype = torch.float64 if is_double else torch.float32

    def __len__(self) -> int:
        return self.shape[0]

    def raw(self, part: slice) -> Tensor:
        """The rows as they were given; a view where PyTorch can have one."""
        rows: Tensor | np.ndarray = self._source[part]
        if isinstance(rows, np.ndarray):
            # PyTorch takes no negative strides, foreign byte orders or read-only memory.
            native = np.dtype(np.float64) if rows.dtype.itemsize > 8 else rows.dtype
            return torch.from_numpy(np.require(rows, native.newbyteorder("="), ["C", "W"]))
        return rows.detach()

    def block(self, part: slice, dtype: torch.dtype, *, unit: bool) -> Tensor:
        """The rows in ``dtype``, of length 1 if ``unit``; a view where nothing has to change.

        Raises ArgumentError, with the number of the row, if its length is not a finite number.
        """
        return self._prepared(self.raw(part).to(dtype), part.start, unit=unit)

    def whole(
        self, dtype: torch.dtype, *, unit: bool, device: torch.device | None = None
    ) -> Tensor:
        """All rows as ``block`` gives them, on ``device``: a view, or one copy."""
        given: Tensor = self.raw(slice(0, len(self))).to(device or self.device).to(dtype)
        result = given
        for start in range(0, len(self), BLOCK):
            rows = given[start : start + BLOCK]
            prepared = self._prepared(rows, start, unit=unit)
            if prepared is not rows:
                result = given.clone() if result is given else result
                result[start : start + BLOCK] = prepared
        return result

    def _prepared(self, rows: Tensor, first: int, *, unit: bool) -> Tensor:
        lengths = torch.linalg.vector_norm(rows, dim=1)
        if not bool(lengths.isfinite().all()):
            row = int((~lengths.isfinite()).nonzero()[0]) + first
            raise self._error(
                f"with NaN, infinite or too large values in row {row}",
                "leave that row out, or check the model that encoded it",
            )
        if not unit or bool(((lengths - 1).abs() <= 4 * torch.finfo(rows.dtype).eps).all()):
            return rows
        scaled: Tensor = rows / lengths.clamp_min(1e-12)[:, None]
        return scaled

    def _matrix(self, vectors: Vectors) -> Tensor | np.ndarray:
        try:
            found = _stacked(vectors)
        except (TypeError, ValueError, RuntimeError) as error:
            raise self._error(f"that form no matrix ({error})") from error
        if isinstance(found, Tensor):
            usable = found.layout == torch.strided and not found.is_complex()
            kind = f"{found.dtype}, {found.layout}"
        else:
            usable, kind = found.dtype.kind in "fiub", f"{found.dtype}"
        if not usable:
            raise self._error(f"of the kind {kind}")
        return found

    def _error(self, what: str, fix: str = "pass what encode returned") -> ArgumentError:
        return ArgumentError(
            f"{self._name} {what}",
            expected="a dense matrix of finite numbers with one row for each vector",
            fix=fix,
        )


def _stacked(vectors: Vectors) -> Tensor | np.ndarray:
    if isinstance(vectors, Tensor | np.ndarray):
        return vectors
    rows = [torch.as_tensor(row) for row in vectors]  # Python's floats become float32
    return torch.stack(rows) if rows else torch.empty(0)
