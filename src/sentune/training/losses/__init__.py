"""Training losses: vectors of a batch's columns → a number to make small."""

from sentune.training.losses.base import EmbeddingLoss
from sentune.training.losses.multiple_negatives_ranking import MultipleNegativesRankingLoss

__all__ = ["EmbeddingLoss", "MultipleNegativesRankingLoss"]
