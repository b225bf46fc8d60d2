"""The base of every loss: a batch → a number to minimize."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from sentune.errors import ArgumentError
from sentune.network.pack import Pack
from sentune.training.batches.collator import Batch
from sentune.training.losses.shared.caching import encode_in_mini_batches
from sentune.training.losses.shared.features import Features, vectors_of
from sentune.wording import counted

__all__ = ["EmbeddingLoss", "Encode", "require_columns", "require_labels"]

Encode = Callable[[Pack], Tensor]
"""The model: pack → (texts, dim)."""


class EmbeddingLoss(nn.Module):
    """A loss over the vectors of a batch's columns.

    A subclass computes the loss from vectors (``compute_loss_from_embeddings``). If it needs more
    than vectors and labels, it makes that in ``context``.

    Attributes:
        model: what was passed as model. Training does not use it; a call with tokens does.
        mini_batch_size: texts encoded at a time, see ``encode_in_mini_batches``; None for the
            whole batch in one pack.
        settings: the names of the attributes that ``describe`` returns.
        optional: attribute → its default; ``describe`` returns those with another value.
        citation: BibTeX of the method's source.
    """

    mini_batch_size: int | None = None
    mini_batch_num_tokens: int | None = None
    settings: tuple[str, ...] = ()
    optional: Mapping[str, Any] = {}
    citation: str = ""

    def __init__(self, model: nn.Module | None = None) -> None:
        super().__init__()
        self.model = model

    def compute(self, encode: Encode, batch: Batch) -> Tensor:
        """Encode the batch with the model and return its loss, a scalar with gradient."""
        if self.mini_batch_size is None:
            vectors = encode(batch.pack())
        else:
            vectors = encode_in_mini_batches(
                encode, batch, self.mini_batch_size, self.mini_batch_num_tokens
            )
        columns = batch.columns(vectors)
        return self(columns, batch.labels, **self.context(batch))  # type: ignore[no-any-return]

    def context(self, batch: Batch) -> dict[str, Any]:
        """Further arguments of ``forward``, made from the batch without a gradient."""
        del batch
        return {}

    def forward(
        self,
        sentence_features: Sequence[Tensor | Features],
        labels: Tensor | None = None,
        **context: Any,
    ) -> Any:
        """The loss of a batch.

        Args:
            sentence_features: for each column its vectors (rows, dim), or its tokens, as
                ``tokenize`` of the model returns them. Tokens are encoded with ``model``.
            labels: (rows,), or (rows, n) for losses that learn from a teacher.
            context: what ``context`` returns.

        Returns:
            A scalar with gradient.

        Raises:
            ArgumentError: tokens, and no model; or the columns or labels do not fit the loss.
        """
        columns = vectors_of(self.model, sentence_features)
        return self.compute_loss_from_embeddings(columns, labels, **context)

    def compute_loss_from_embeddings(
        self, columns: Sequence[Tensor], labels: Tensor | None = None
    ) -> Tensor:
        """One (rows, dim) tensor for each column, (rows,) labels → a scalar with gradient."""
        raise NotImplementedError(
            f"{type(self).__name__} does not define compute_loss_from_embeddings"
        )

    @property
    def encodes_itself(self) -> bool:
        """Whether a subclass of one of our losses has its own ``forward``, which takes tokens.

        That is how scripts change a loss. A direct subclass of this class takes vectors.
        """
        owner = next(kind for kind in type(self).__mro__ if "forward" in vars(kind))
        changed = (kind for kind in owner.__mro__[1:] if kind is not EmbeddingLoss)
        return not _is_ours(owner) and any(_is_ours(kind) for kind in changed)

    def describe(self) -> dict[str, Any]:
        """The parameters, for the model card and the identity of a run."""
        usual = {name: _shown(value) for name, value in self.optional.items()}
        return {
            name: value
            for name, value in EmbeddingLoss.get_config_dict(self).items()
            if name in self.settings or value != usual[name]
        }

    def get_config_dict(self) -> dict[str, Any]:
        """Every parameter, also those at their defaults."""
        return {name: _shown(getattr(self, name)) for name in (*self.settings, *self.optional)}

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


def _is_ours(kind: type) -> bool:
    return kind.__module__.startswith("sentune.")


def _shown(value: Any) -> Any:
    """A value as JSON has it; functions and modules by name."""
    if not callable(value):
        return value
    return getattr(value, "__name__", type(value).__name__)


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
