"""Pairs of passages in the wrong order, weighted by what they cost nDCG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from sentune.checks import require_choice, require_number, require_whole
from sentune.cross_encoder.losses.listwise import ListLoss

__all__ = [
    "LambdaLoss",
    "LambdaRankScheme",
    "NDCGLoss1Scheme",
    "NDCGLoss2PPScheme",
    "NDCGLoss2Scheme",
    "NoWeightingScheme",
    "RankNetLoss",
]


@dataclass(frozen=True, slots=True)
class Ranked:
    """The passages of a query in the order of their scores.

    Attributes:
        gains: (n,) 2^label − 1, divided by the best DCG.
        discounts: (n,) log2(1 + place).
    """

    gains: Tensor
    discounts: Tensor

    @property
    def gain_differences(self) -> Tensor:
        """(n, n) absolute differences of two gains."""
        return (self.gains[:, None] - self.gains).abs()


class NoWeightingScheme(nn.Module):
    """Every pair of passages weighs 1: RankNet (Burges et al. 2005)."""

    ordered_only = True

    def forward(self, ranked: Ranked) -> Tensor:
        """(n, n) weights of the pairs."""
        return torch.ones_like(ranked.gain_differences)


class NDCGLoss1Scheme(NoWeightingScheme):
    """A pair weighs the first passage's share of nDCG; all pairs count, also equal ones."""

    ordered_only = False

    def forward(self, ranked: Ranked) -> Tensor:
        """(n, n) weights of the pairs."""
        share = ranked.gains / ranked.discounts
        return share[:, None].expand(-1, len(share))


class NDCGLoss2Scheme(NoWeightingScheme):
    """A tighter bound on nDCG: the distance of the two places decides."""

    def forward(self, ranked: Ranked) -> Tensor:
        """(n, n) weights of the pairs."""
        place = torch.arange(len(ranked.gains), device=ranked.gains.device)
        apart = (place[:, None] - place).abs().to(ranked.gains)
        # log2 of 1 and 0 are not needed: the diagonal has no difference of gains.
        change = (1 / torch.log2(1 + apart.clamp(min=1)) - 1 / torch.log2(2 + apart)).abs()
        return change * ranked.gain_differences


class LambdaRankScheme(NoWeightingScheme):
    """What exchanging the two passages would change in nDCG (Burges et al. 2006)."""

    def forward(self, ranked: Ranked) -> Tensor:
        """(n, n) weights of the pairs."""
        discount = 1 / ranked.discounts
        return (discount[:, None] - discount).abs() * ranked.gain_differences


class NDCGLoss2PPScheme(NoWeightingScheme):
    """``mu`` times :class:`NDCGLoss2Scheme`, plus :class:`LambdaRankScheme`."""

    def __init__(self, mu: float = 10.0) -> None:
        super().__init__()
        self.mu = require_number("mu", mu, least=0)
        self._bound, self._exchange = NDCGLoss2Scheme(), LambdaRankScheme()

    def forward(self, ranked: Ranked) -> Tensor:
        """(n, n) weights of the pairs."""
        weights: Tensor = self.mu * self._bound(ranked) + self._exchange(ranked)
        return weights


class LambdaLoss(ListLoss):
    r"""The LambdaLoss framework (Wang et al. 2018).

    Over all pairs of passages of a query whose first has the greater label, with scores s and
    weights w: the mean of :math:`-w_{ij} \log σ(\text{sigma} · (s_i - s_j))`, over the pairs of all
    queries of the batch; 0 where there is none. Negative labels have no gain.

    Args:
        model, activation_fn, mini_batch_size: as for :class:`ListLoss`.
        weighting_scheme: w; :class:`NDCGLoss2PPScheme` by default.
        k: only pairs with a passage among the first k count, and only k places in the best DCG, by
            which gains are divided; all when None.
        sigma: steepness of the sigmoid.
        eps: least probability, and least best DCG.
        reduction_log: base of the logarithm: ``binary`` or ``natural``.
    """

    settings: tuple[str, ...] = (
        *("scheme", "k", "sigma", "eps", "reduction_log"),
        *ListLoss.settings,
    )

    def __init__(
        self,
        model: Any = None,
        weighting_scheme: NoWeightingScheme | None = None,
        k: int | None = None,
        sigma: float = 1.0,
        eps: float = 1e-10,
        reduction_log: str = "binary",
        activation_fn: Any = None,
        mini_batch_size: int | None = None,
    ) -> None:
        super().__init__(model, activation_fn, mini_batch_size)
        self.weighting_scheme = weighting_scheme or NDCGLoss2PPScheme()
        self.k = k if k is None else require_whole("k", k)
        self.sigma, self.eps = require_number("sigma", sigma), require_number("eps", eps, least=0)
        self.reduction_log = require_choice("reduction_log", reduction_log, ("binary", "natural"))

    @property
    def scheme(self) -> str:
        """The weights, with their parameter."""
        mu = getattr(self.weighting_scheme, "mu", None)
        return type(self.weighting_scheme).__name__ + ("" if mu is None else f"({mu:g})")

    def of_lists(self, scores: Sequence[Tensor], labels: Sequence[Tensor]) -> Tensor:
        """As the base class."""
        each = [self._of_list(s, y.to(s)) for s, y in zip(scores, labels, strict=True)]
        losses = torch.cat(each)
        return losses.mean() if len(losses) else torch.cat(list(scores)).sum() * 0

    def _of_list(self, scores: Tensor, labels: Tensor) -> Tensor:
        """(pairs,) losses of one query."""
        order = scores.detach().argsort(descending=True, stable=True)
        scores, labels = scores[order], labels[order]
        weights = self.weighting_scheme(self._ranked(labels))
        likely = torch.sigmoid(self.sigma * (scores[:, None] - scores)).clamp(min=self.eps)
        likely = (likely**weights).clamp(min=self.eps)
        losses = -(torch.log2(likely) if self.reduction_log == "binary" else torch.log(likely))
        return losses[self._counted(labels)]

    def _counted(self, labels: Tensor) -> Tensor:
        """(n, n) whether a pair counts: of passages in the order of their scores."""
        top = torch.arange(len(labels), device=labels.device) < (self.k or len(labels))
        pairs = top[:, None] | top
        return pairs & (labels[:, None] > labels) if self.weighting_scheme.ordered_only else pairs

    def _ranked(self, labels: Tensor) -> Ranked:
        gains = torch.exp2(labels.clamp(min=0)) - 1
        discounts = torch.log2(torch.arange(2, len(labels) + 2, device=labels.device).to(labels))
        best = (gains.sort(descending=True).values / discounts)[: self.k].sum()
        return Ranked(gains / best.clamp(min=self.eps), discounts)


class RankNetLoss(LambdaLoss):
    """:class:`LambdaLoss` in which all pairs weigh 1 (Burges et al. 2005)."""

    def __init__(
        self,
        model: Any = None,
        k: int | None = None,
        sigma: float = 1.0,
        eps: float = 1e-10,
        reduction_log: str = "binary",
        activation_fn: Any = None,
        mini_batch_size: int | None = None,
    ) -> None:
        super().__init__(
            model, NoWeightingScheme(), k, sigma, eps, reduction_log, activation_fn, mini_batch_size
        )
