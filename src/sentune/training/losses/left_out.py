"""Losses of the reference that sentune does not have: their names say so when they are used.

A script that imports one of them among others runs as long as it does not use it.
"""

from __future__ import annotations

from sentune.left_out import LeftOut

__all__ = [
    "AdaptiveLayerLoss",
    "ContrastiveTensionDataLoader",
    "ContrastiveTensionLoss",
    "ContrastiveTensionLossInBatchNegatives",
    "DenoisingAutoEncoderLoss",
    "GlobalOrthogonalRegularizationLoss",
    "Matryoshka2dLoss",
]


class AdaptiveLayerLoss(LeftOut):
    """Not supported: constructing it raises ArgumentError."""

    reason = "it reads the vectors of every layer"
    instead = "use MatryoshkaLoss for smaller vectors, or a model with fewer layers"


class Matryoshka2dLoss(AdaptiveLayerLoss):
    """Not supported: constructing it raises ArgumentError."""


class ContrastiveTensionLoss(LeftOut):
    """Not supported: constructing it raises ArgumentError."""

    reason = "it trains two copies of the model"
    instead = "use MultipleNegativesRankingLoss with each sentence twice in a row (SimCSE)"


class ContrastiveTensionLossInBatchNegatives(ContrastiveTensionLoss):
    """Not supported: constructing it raises ArgumentError."""


class ContrastiveTensionDataLoader(ContrastiveTensionLoss):
    """Not supported: constructing it raises ArgumentError."""


class DenoisingAutoEncoderLoss(LeftOut):
    """Not supported: constructing it raises ArgumentError."""

    reason = "it needs a decoder that writes texts"
    instead = "use MultipleNegativesRankingLoss with each sentence twice in a row (SimCSE)"


class GlobalOrthogonalRegularizationLoss(LeftOut):
    """Not supported: constructing it raises ArgumentError."""

    reason = "it only regularizes another loss"
    instead = "use MultipleNegativesRankingLoss, whose other candidates spread the vectors"
