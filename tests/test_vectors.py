"""One check of vectors, in NumPy and in PyTorch alike."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from sentune.errors import ModelError
from sentune.vectors import all_finite, require_finite

GOOD = np.array([[0.5, -1.0], [3e38, 3e38]], dtype=np.float32)  # whose sum is not finite


def both(array: NDArray[np.float32]) -> list[NDArray[np.float32] | Tensor]:
    return [array, torch.from_numpy(array), torch.from_numpy(array).bfloat16()]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_are_found(bad: float) -> None:
    vectors = np.array([[0.5, -1.0], [bad, 2.0]], dtype=np.float32)
    for given in both(vectors):
        assert not all_finite(given)
        with pytest.raises(ModelError) as caught:
            require_finite(given, "the vectors of m")
        assert str(caught.value) == (
            "the vectors of m are not finite: expected finite numbers. "
            "Use another model: this one is damaged, or its training diverged."
        )


def test_infinities_that_cancel_are_found() -> None:
    for given in both(np.array([np.inf, -np.inf], dtype=np.float32)):
        assert not all_finite(given)


@pytest.mark.parametrize("vectors", [GOOD, GOOD[:0], GOOD[0], -GOOD])
def test_finite_numbers_pass_though_their_sum_overflows(vectors: NDArray[np.float32]) -> None:
    for given in both(vectors):
        require_finite(given, "the vectors")
