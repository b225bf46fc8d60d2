"""One check of what a model returned, for everything that uses vectors or their scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sentune.errors import ModelError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["all_finite", "require_finite"]


def all_finite(numbers: NDArray[Any] | Tensor) -> bool:
    """Whether an array or a tensor holds neither NaN nor infinity."""
    # A sum is one pass without memory. The sum of finite numbers may overflow: then look at each.
    with np.errstate(all="ignore"):
        if np.isfinite(float(numbers.sum())):
            return True
    if isinstance(numbers, np.ndarray):
        return bool(np.isfinite(numbers).all())
    return bool(numbers.isfinite().all())


def require_finite(vectors: NDArray[Any] | Tensor, what: str) -> None:
    """Raise ModelError if vectors, or scores of vectors, hold NaN or infinity.

    ``encode`` does not ask, as in the reference: code that uses its vectors does.

    Args:
        vectors: of any shape.
        what: the subject of the message, in the plural, such as ``"the vectors of NAME"``.
    """
    if not all_finite(vectors):
        raise ModelError(
            f"{what} are not finite",
            expected="finite numbers",
            fix="use another model: this one is damaged, or its training diverged",
        )
