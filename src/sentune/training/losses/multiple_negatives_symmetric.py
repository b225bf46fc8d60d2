"""Questions ranked for passages as well as passages for questions."""

from __future__ import annotations

from torch import nn

from sentune.training.losses.multiple_negatives_ranking import (
    CachedMultipleNegativesRankingLoss,
    MultipleNegativesRankingLoss,
)
from sentune.training.losses.shared.pair_functions import Similarity

__all__ = [
    "CachedMultipleNegativesSymmetricRankingLoss",
    "MultipleNegativesSymmetricRankingLoss",
]

_SYMMETRIC = ("query_to_doc", "doc_to_query")


class MultipleNegativesSymmetricRankingLoss(MultipleNegativesRankingLoss):
    """The mean of ranking passages for questions, and questions for passages.

    It is :class:`MultipleNegativesRankingLoss` with the directions ``query_to_doc`` and
    ``doc_to_query`` and ``partition_mode="per_direction"`` (Günther et al. 2023,
    arXiv:2310.19923). Arguments, cost and errors are those of that loss.
    """

    def __init__(
        self,
        model: nn.Module | None = None,
        scale: float = 20.0,
        similarity_fct: str | Similarity = "cos_sim",
        gather_across_devices: bool = False,
    ) -> None:
        super().__init__(
            model, scale, similarity_fct, gather_across_devices, _SYMMETRIC, "per_direction"
        )


class CachedMultipleNegativesSymmetricRankingLoss(CachedMultipleNegativesRankingLoss):
    """:class:`MultipleNegativesSymmetricRankingLoss` in mini-batches.

    Arguments, cost and errors are those of :class:`CachedMultipleNegativesRankingLoss`.
    """

    def __init__(
        self,
        model: nn.Module | None = None,
        scale: float = 20.0,
        similarity_fct: str | Similarity = "cos_sim",
        mini_batch_size: int = 32,
        mini_batch_num_tokens: int | None = None,
        gather_across_devices: bool = False,
        show_progress_bar: bool = False,
    ) -> None:
        super().__init__(
            model,
            scale,
            similarity_fct,
            mini_batch_size,
            mini_batch_num_tokens,
            gather_across_devices,
            _SYMMETRIC,
            "per_direction",
            show_progress_bar,
        )
