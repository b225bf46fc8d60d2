"""Losses of models that score pairs, by the reference's names.

``base`` says what a loss gets; ``pointwise`` compares each score with its label, ``contrastive``
each passage with those of the batch, and ``listwise`` the passages of one query.
"""

from __future__ import annotations

from sentune.cross_encoder.losses.base import PairLoss
from sentune.cross_encoder.losses.contrastive import (
    CachedMultipleNegativesRankingLoss,
    MultipleNegativesRankingLoss,
)
from sentune.cross_encoder.losses.lambda_loss import (
    LambdaLoss,
    LambdaRankScheme,
    NDCGLoss1Scheme,
    NDCGLoss2PPScheme,
    NDCGLoss2Scheme,
    NoWeightingScheme,
    RankNetLoss,
)
from sentune.cross_encoder.losses.listwise import ListMLELoss, ListNetLoss, PListMLELoss
from sentune.cross_encoder.losses.pointwise import (
    BinaryCrossEntropyLoss,
    CrossEntropyLoss,
    MarginMSELoss,
    MSELoss,
)
from sentune.left_out import not_there
from sentune.old_paths import install

__all__ = [
    "BinaryCrossEntropyLoss",
    "CachedMultipleNegativesRankingLoss",
    "CrossEntropyLoss",
    "LambdaLoss",
    "LambdaRankScheme",
    "ListMLELoss",
    "ListNetLoss",
    "MSELoss",
    "MarginMSELoss",
    "MultipleNegativesRankingLoss",
    "NDCGLoss1Scheme",
    "NDCGLoss2PPScheme",
    "NDCGLoss2Scheme",
    "NoWeightingScheme",
    "PListMLELoss",
    "PairLoss",
    "RankNetLoss",
]


def __getattr__(name: str) -> object:
    return not_there(__name__, name)


install()
