"""Training losses: vectors of a batch's columns → a number to minimize."""

from sentune.training.losses.angle import AnglELoss
from sentune.training.losses.base import EmbeddingLoss
from sentune.training.losses.batch_triplets import (
    BatchAllTripletLoss,
    BatchHardSoftMarginTripletLoss,
    BatchHardTripletLoss,
    BatchSemiHardTripletLoss,
)
from sentune.training.losses.contrastive import ContrastiveLoss, OnlineContrastiveLoss
from sentune.training.losses.cosent import CoSENTLoss
from sentune.training.losses.cosine_similarity import CosineSimilarityLoss
from sentune.training.losses.distillation import (
    DistillKLDivLoss,
    EmbedDistillLoss,
    MarginMSELoss,
    MSELoss,
)
from sentune.training.losses.gist_embed import CachedGISTEmbedLoss, GISTEmbedLoss
from sentune.training.losses.left_out import (
    AdaptiveLayerLoss,
    ContrastiveTensionDataLoader,
    ContrastiveTensionLoss,
    ContrastiveTensionLossInBatchNegatives,
    DenoisingAutoEncoderLoss,
    GlobalOrthogonalRegularizationLoss,
    Matryoshka2dLoss,
)
from sentune.training.losses.matryoshka import MatryoshkaLoss
from sentune.training.losses.mega_batch_margin import MegaBatchMarginLoss
from sentune.training.losses.multiple_negatives_ranking import (
    CachedMultipleNegativesRankingLoss,
    MultipleNegativesRankingLoss,
)
from sentune.training.losses.multiple_negatives_symmetric import (
    CachedMultipleNegativesSymmetricRankingLoss,
    MultipleNegativesSymmetricRankingLoss,
)
from sentune.training.losses.shared.distances import (
    BatchHardTripletLossDistanceFunction,
    SiameseDistanceMetric,
    TripletDistanceMetric,
)
from sentune.training.losses.softmax import SoftmaxLoss
from sentune.training.losses.supervised_contrastive import SupervisedContrastiveLoss
from sentune.training.losses.triplet import TripletLoss

__all__ = [
    "AdaptiveLayerLoss",
    "AnglELoss",
    "BatchAllTripletLoss",
    "BatchHardSoftMarginTripletLoss",
    "BatchHardTripletLoss",
    "BatchHardTripletLossDistanceFunction",
    "BatchSemiHardTripletLoss",
    "CachedGISTEmbedLoss",
    "CachedMultipleNegativesRankingLoss",
    "CachedMultipleNegativesSymmetricRankingLoss",
    "CoSENTLoss",
    "ContrastiveLoss",
    "ContrastiveTensionDataLoader",
    "ContrastiveTensionLoss",
    "ContrastiveTensionLossInBatchNegatives",
    "CosineSimilarityLoss",
    "DenoisingAutoEncoderLoss",
    "DistillKLDivLoss",
    "EmbedDistillLoss",
    "EmbeddingLoss",
    "GISTEmbedLoss",
    "GlobalOrthogonalRegularizationLoss",
    "MSELoss",
    "MarginMSELoss",
    "Matryoshka2dLoss",
    "MatryoshkaLoss",
    "MegaBatchMarginLoss",
    "MultipleNegativesRankingLoss",
    "MultipleNegativesSymmetricRankingLoss",
    "OnlineContrastiveLoss",
    "SiameseDistanceMetric",
    "SoftmaxLoss",
    "SupervisedContrastiveLoss",
    "TripletDistanceMetric",
    "TripletLoss",
]
