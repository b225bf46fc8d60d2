"""The learning curve: what a part of the pairs would have given.

From its last step follows whether more pairs would help; ``curve_points`` measures it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sentune.evaluation.significance import Difference, Interval

__all__ = ["SHARES", "Curve", "CurvePoint"]

SHARES = (0.25, 0.5, 0.75)
"""The parts of the training questions that are tried beside all of them."""


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """What tuning on a part of the pairs gave: ``share`` is 0 for the base model."""

    share: float
    pairs: int
    ndcg: Interval


@dataclass(frozen=True, slots=True)
class Curve:
    """nDCG@10 of the model alone by the number of pairs it was tuned on.

    Attributes:
        points: from none of the pairs to all.
        last: all the pairs minus three quarters of them, paired.
    """

    points: Sequence[CurvePoint]
    last: Difference
