"""What every loss has in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

__all__ = ["EmbeddingLoss"]


class EmbeddingLoss(nn.Module, ABC):
    """A loss over the vectors of a batch's columns."""

    @abstractmethod
    def forward(self, columns: Sequence[Tensor]) -> Tensor:
        """One (rows, dim) tensor for each column → a scalar with gradient."""

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """The parameters, as the model card states them."""

    @property
    def citation(self) -> str:
        """BibTeX of the method's source."""
        return ""
