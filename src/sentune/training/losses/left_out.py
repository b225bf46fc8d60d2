"""Losses of the reference that sentune does not have: their names say so when they are used.

A script that imports one of them among others runs as long as it does not use it.
"""

from __future__ import annotations

from typing import Any, NoReturn

from sentune.errors import ArgumentError

__all__ = [
    "AdaptiveLayerLoss",
    "ContrastiveTensionDataLoader",
    "ContrastiveTensionLoss",
    "ContrastiveTensionLossInBatchNegatives",
    "DenoisingAutoEncoderLoss",
    "GlobalOrthogonalRegularizationLoss",
    "Matryoshka2dLoss",
]


class _LeftOut:
    reason, instead = "", ""

    def __new__(cls, *_: Any, **__: Any) -> NoReturn:
        raise ArgumentError(
            f"{cls.__name__}, which sentune does not have, because {cls.reason}",
            expected="a loss of sentune.losses",
            fix=cls.instead,
        )


class AdaptiveLayerLoss(_LeftOut):
    """Not supported: constructing it raises ArgumentError."""

    reason = "it reads the vectors of every layer"
    instead = "use MatryoshkaLoss for smaller vectors, or a model with fewer layers"


class Matryoshka2dLoss(AdaptiveLayerLoss):
    """Not supported: constructing it raises ArgumentError."""


class ContrastiveTensionLoss(_LeftOut):
    """Not supported: constructing it raises ArgumentError."""

    reason = "it trains two copies of the model"
    instead = "use MultipleNegativesRankingLoss with each sentence twice in a row (SimCSE)"


class ContrastiveTensionLossInBatchNegatives(ContrastiveTensionLoss):
    """Not supported: constructing it raises ArgumentError."""


class ContrastiveTensionDataLoader(ContrastiveTensionLoss):
    """Not supported: constructing it raises ArgumentError."""


class DenoisingAutoEncoderLoss(_LeftOut):
    """Not supported: constructing it raises ArgumentError."""

    reason = "it needs a decoder that writes texts"
    instead = "use MultipleNegativesRankingLoss with each sentence twice in a row (SimCSE)"


class GlobalOrthogonalRegularizationLoss(_LeftOut):
    """Not supported: constructing it raises ArgumentError."""

    reason = "it only regularizes another loss"
    instead = "use MultipleNegativesRankingLoss, whose other candidates spread the vectors"
