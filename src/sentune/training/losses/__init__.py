"""Training losses: vectors of a batch's columns → a number to minimize."""

from sentune.training.losses.base import EmbeddingLoss
from sentune.training.losses.contrastive import ContrastiveLoss
from sentune.training.losses.cosent import CoSENTLoss
from sentune.training.losses.cosine_similarity import CosineSimilarityLoss
from sentune.training.losses.gist_embed import CachedGISTEmbedLoss, GISTEmbedLoss
from sentune.training.losses.matryoshka import MatryoshkaLoss
from sentune.training.losses.multiple_negatives_ranking import (
    CachedMultipleNegativesRankingLoss,
    MultipleNegativesRankingLoss,
)
from sentune.training.losses.supervised_contrastive import SupervisedContrastiveLoss
from sentune.training.losses.triplet import TripletLoss

__all__ = [
    "CachedGISTEmbedLoss",
    "CachedMultipleNegativesRankingLoss",
    "CoSENTLoss",
    "ContrastiveLoss",
    "CosineSimilarityLoss",
    "EmbeddingLoss",
    "GISTEmbedLoss",
    "MatryoshkaLoss",
    "MultipleNegativesRankingLoss",
    "SupervisedContrastiveLoss",
    "TripletLoss",
]
