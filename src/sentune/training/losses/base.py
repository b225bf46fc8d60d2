"""The base of every loss: a batch → a number to minimize."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor, nn

from sentune.errors import ArgumentError
from sentune.network.pack import Pack
from sentune.training.batches.collator import Batch
from sentune.training.losses.caching import encode_in_mini_batches
from sentune.wording import counted

__all__ = [
    "EmbeddingLoss",
    "Encode",
    "require_columns",
    "require_labels",
]

Encode = Callable[[Pack], Tensor]


class EmbeddingLoss(nn.Module, ABC):
    """A loss over the vectors of a batch's columns.

    A subclass computes the loss from vectors (``forward``). If it needs more than vectors and
    labels, it makes that in ``context``.

    Attributes:
        mini_batch_size: texts encoded at a time, see ``encode_in_mini_batches``; None for the
            whole batch in one pack.
        settings: the names of the attributes that ``describe`` returns.
        citation: BibTeX of the method's source.
    """

    mini_batch_size: int | None = None
    settings: tuple[str, ...] = ()
    citation: str = ""

    def compute(self, encode: Encode, batch: Batch) -> Tensor:
        """Encode the batch and return its loss, a scalar with gradient.

        Args:
            encode: the model: pack → (texts, dim).
            batch: from the collator.
        """
        if self.mini_batch_size is None:
            vectors = encode(batch.pack())
        else:
            vectors = encode_in_mini_batches(encode, batch, self.mini_batch_size)
        columns = batch.columns(vectors)
        return self(columns, batch.labels, **self.context(batch))  # type: ignore[no-any-return]

    def context(self, batch: Batch) -> dict[str, Any]:
        """Further arguments of ``forward``, made from the batch without a gradient."""
        del batch
        return {}

    @abstractmethod
    def forward(self, columns: Sequence[Tensor], labels: Tensor | None = None) -> Tensor:
        """One (rows, dim) tensor for each column, (rows,) labels → a scalar with gradient."""

    def describe(self) -> dict[str, Any]:
        """The parameters, for the model card and the identity of a run."""
        return {name: getattr(self, name) for name in self.settings}

    def smooth_labels(self, share: float) -> None:
        """Spread this share of each row's target evenly over its candidates.

        Raises:
            ArgumentError: the loss has no candidates.
        """
        raise ArgumentError(
            f"label_smoothing_factor={share} with {type(self).__name__}",
            expected="a loss that ranks candidates, such as MultipleNegativesRankingLoss",
            fix="leave out label_smoothing_factor",
        )


def require_columns(
    columns: Sequence[Tensor], least: int, expected: str, most: int | None = None
) -> None:
    """Raise ArgumentError for fewer than ``least`` or more than ``most`` columns.

    ``expected`` names the columns.
    """
    if len(columns) < least or (most is not None and len(columns) > most):
        raise ArgumentError(
            f"a batch of {counted(len(columns), 'column')} of texts",
            expected=expected,
            fix="use data with these columns, or choose another loss",
        )


def require_labels(labels: Tensor | None, expected: str) -> Tensor:
    """The labels. Raises ArgumentError when the data has none; ``expected`` describes them."""
    if labels is None:
        raise ArgumentError(
            "a batch without labels",
            expected=expected,
            fix="add a column named label or score to the data, or choose another loss",
        )
    return labels
