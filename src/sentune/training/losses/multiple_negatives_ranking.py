"""Each question's passage ranked above all other passages of the batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sentune.checks import require_choice, require_number, require_whole
from sentune.encoding.similarity import similarity
from sentune.errors import ArgumentError
from sentune.training.losses.all_gather import gather_rows, processes
from sentune.training.losses.base import EmbeddingLoss, require_columns

__all__ = [
    "CACHING_CITATION",
    "CachedMultipleNegativesRankingLoss",
    "MultipleNegativesRankingLoss",
]

_SIMILARITIES: dict[str, str] = {"cos_sim": "cosine", "dot_score": "dot"}
_DIRECTIONS = ("query_to_doc", "query_to_query", "doc_to_query", "doc_to_doc")
_WITHOUT_POSITIVE = ("query_to_query", "doc_to_doc")
_PARTITION_MODES = ("joint", "per_direction")

_CITATION = """\
@misc{henderson2017efficient,
    title = {Efficient Natural Language Response Suggestion for Smart Reply},
    author = {Matthew Henderson and Rami Al-Rfou and Brian Strope and Yun-hsuan Sung and Laszlo
              Lukacs and Ruiqi Guo and Sanjiv Kumar and Balint Miklos and Ray Kurzweil},
    year = {2017},
    eprint = {1705.00652},
    archivePrefix = {arXiv},
    primaryClass = {cs.CL}
}"""

CACHING_CITATION = """\
@misc{gao2021scaling,
    title = {Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup},
    author = {Luyu Gao and Yunyi Zhang and Jiawei Han and Jamie Callan},
    year = {2021},
    eprint = {2101.06983},
    archivePrefix = {arXiv},
    primaryClass = {cs.LG}
}"""


class MultipleNegativesRankingLoss(EmbeddingLoss):
    r"""In-batch softmax over passages (Henderson et al. 2017, arXiv:1705.00652, section 4.4).

    >>> import torch
    >>> from sentune.losses import MultipleNegativesRankingLoss
    >>> anchors = positives = torch.eye(2)  # cosine 1 to the positive, 0 to the other
    >>> MultipleNegativesRankingLoss(scale=1.0)([anchors, positives]).item()  # log(e + 1) - 1
    0.3132...

    For rows :math:`i = 1 … n` with anchors :math:`a_i` and candidates :math:`c_1 … c_m`, which
    are the positives followed by each column of hard negatives, so that :math:`c_i` belongs to
    :math:`a_i`:

    .. math::  L = \frac1n \sum_i \Bigl( \log \sum_{j=1}^{m} e^{s_{ij}} - s_{ii} \Bigr),
               \qquad s_{ij} = \text{scale} · \text{sim}(a_i, c_j)

    Further ``directions`` add scores to the sum over j: of the anchor to the other anchors
    (``query_to_query``), of the positive to all anchors (``doc_to_query``) and of the positive to
    the positives and negatives of the other rows (``doc_to_doc``). All four together are the loss
    of Li et al. 2023 (arXiv:2308.03281). With ``partition_mode="per_direction"`` each direction
    has its own sum and loss, and L is their mean: for ``("query_to_doc", "doc_to_query")`` the
    symmetric loss of Günther et al. 2023 (arXiv:2310.19923).

    ``gather_across_devices`` takes the candidates (and anchors) of all processes. Each process
    then returns (the sum over its rows) · processes / (the number of all rows). The mean over the
    processes is then the loss of one process with all rows, and so is the mean of the gradients.
    In an evaluation, without gradients, each process uses its rows only.

    A batch of a single pair without negatives gives 0. Cost: n · m · dim multiplications, n² · dim
    more for each direction to queries, and n · m · dim for ``doc_to_doc``; n and m count the rows
    of one process, or of all that gather.

    Args:
        model: not used; accepted because sentence-transformers has it.
        scale: inverse temperature.
        similarity_fct: ``cos_sim`` or ``dot_score``.
        directions: which scores are used; ``query_to_doc`` must be among them.
        partition_mode: ``joint`` (one softmax over all directions) or ``per_direction``.
        gather_across_devices: candidates of all processes of a distributed run.
        label_smoothing: share of the target spread evenly over all candidates, from 0 to 1.

    Raises:
        ArgumentError: an unknown similarity, direction or mode, a direction without the positive
            in the mode ``per_direction``, a share outside its range, or fewer than two columns.
    """

    citation = _CITATION
    settings = ("scale", "similarity_fct")

    def __init__(
        self,
        model: nn.Module | None = None,
        scale: float = 20.0,
        similarity_fct: str | Callable[..., Tensor] = "cos_sim",
        *,
        directions: Sequence[str] = ("query_to_doc",),
        partition_mode: str = "joint",
        gather_across_devices: bool = False,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__()
        del model
        name = getattr(similarity_fct, "__name__", similarity_fct)
        self.similarity_fct = require_choice("similarity_fct", name, tuple(_SIMILARITIES))
        self.scale = float(scale)
        self.partition_mode = require_choice("partition_mode", partition_mode, _PARTITION_MODES)
        self.directions = _known_directions(directions, partition_mode)
        self.gather_across_devices = gather_across_devices
        self.smooth_labels(label_smoothing)

    def smooth_labels(self, share: float) -> None:
        """Set ``label_smoothing``. Raises ArgumentError for a share outside its range."""
        self.label_smoothing = require_number("label_smoothing", share, least=0, most=1)

    def forward(self, columns: Sequence[Tensor], labels: Tensor | None = None) -> Tensor:
        """Anchors, positives and any columns of negatives, each (n, dim) → scalar."""
        del labels
        require_columns(columns, 2, "anchors and positives, and possibly columns of negatives")
        everyone, start = self._everyone(columns)
        scores = list(self._scores(columns, everyone, start))
        if self.partition_mode == "joint" and len(scores) > 1:
            scores = [torch.cat(scores, dim=1)]
        right = torch.arange(start, start + len(columns[0]), device=columns[0].device)
        losses = [
            F.cross_entropy(block, right, label_smoothing=self.label_smoothing) for block in scores
        ]
        loss = torch.stack(losses).mean()
        if len(everyone[1]) == len(columns[0]):
            return loss
        return loss * (len(columns[0]) * processes() / len(everyone[1]))

    def _everyone(self, columns: Sequence[Tensor]) -> tuple[list[Tensor], int]:
        """The columns with the rows of all processes, and where those of this process start."""
        if not self.gather_across_devices or not torch.is_grad_enabled():
            return list(columns), 0
        to_queries = {"query_to_query", "doc_to_query"}.intersection(self.directions)
        first = 0 if to_queries else 1  # no other direction needs the anchors of others
        gathered, start = gather_rows(torch.stack(list(columns[first:]), dim=1))
        return [*columns[:first], *gathered.unbind(dim=1)], start

    def _scores(
        self, columns: Sequence[Tensor], everyone: Sequence[Tensor], start: int
    ) -> Iterator[Tensor]:
        """(n, candidates) for each direction; in those with the positive, it is at start + row."""
        for direction in self.directions:
            source, _, target = direction.partition("_to_")
            rows = columns[0] if source == "query" else columns[1]
            candidates = everyone[0] if target == "query" else torch.cat(list(everyone[1:]))
            scores = similarity(rows, candidates, _SIMILARITIES[self.similarity_fct]) * self.scale
            if direction in _WITHOUT_POSITIVE:
                row_of = torch.arange(scores.shape[1], device=scores.device) % len(everyone[1])
                row = torch.arange(start, start + len(rows), device=scores.device)
                scores = scores[row_of != row[:, None]].view(len(rows), -1)
            yield scores

    def describe(self) -> dict[str, Any]:
        """``scale``, ``similarity_fct``, and what is not at its default."""
        optional = {
            "directions": self.directions if len(self.directions) > 1 else None,
            "partition_mode": self.partition_mode if self.partition_mode != "joint" else None,
            "gather_across_devices": self.gather_across_devices,
            "label_smoothing": self.label_smoothing,
        }
        return super().describe() | {name: value for name, value in optional.items() if value}


class CachedMultipleNegativesRankingLoss(MultipleNegativesRankingLoss):
    """:class:`MultipleNegativesRankingLoss` in mini-batches (Gao et al. 2021, arXiv:2101.06983).

    Value and gradient are those of the plain loss, while only ``mini_batch_size`` texts have
    their activations in memory: memory no longer limits the number of in-batch negatives.
    Cost: one more forward than the plain loss; see
    :func:`~sentune.training.losses.caching.encode_in_mini_batches`. The n · m scores stay in
    memory, about 12 bytes each.

    Args:
        mini_batch_size: texts encoded at a time; it changes memory and time, never the result.
        model, scale, similarity_fct, and all others: those of the plain loss.

    Raises:
        ArgumentError: as the plain loss does, or a mini-batch of no text.
    """

    citation = f"{_CITATION}\n\n{CACHING_CITATION}"

    def __init__(
        self,
        model: nn.Module | None = None,
        scale: float = 20.0,
        similarity_fct: str | Callable[..., Tensor] = "cos_sim",
        mini_batch_size: int = 32,
        *,
        directions: Sequence[str] = ("query_to_doc",),
        partition_mode: str = "joint",
        gather_across_devices: bool = False,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(
            model,
            scale,
            similarity_fct,
            directions=directions,
            partition_mode=partition_mode,
            gather_across_devices=gather_across_devices,
            label_smoothing=label_smoothing,
        )
        self.mini_batch_size = require_whole("mini_batch_size", mini_batch_size)

    def describe(self) -> dict[str, Any]:
        """As the plain loss, and ``mini_batch_size``."""
        return {**super().describe(), "mini_batch_size": self.mini_batch_size}


def _known_directions(given: Sequence[str], partition_mode: str) -> tuple[str, ...]:
    """The directions in the order of ``_DIRECTIONS``. Raises ArgumentError."""
    names = (given,) if isinstance(given, str) else tuple(given)
    for name in names:
        require_choice("directions", name, _DIRECTIONS)
    if _DIRECTIONS[0] not in names:
        raise ArgumentError(
            f"directions is {names}",
            expected="'query_to_doc' among them, as it has the positive pair",
            fix="add 'query_to_doc'",
        )
    if partition_mode == "per_direction" and not set(names).isdisjoint(_WITHOUT_POSITIVE):
        raise ArgumentError(
            f"partition_mode 'per_direction' with the directions {', '.join(names)}",
            expected="'query_to_doc' and 'doc_to_query' only, as others have no positive pair",
            fix="leave out the other directions, or use partition_mode='joint'",
        )
    return tuple(name for name in _DIRECTIONS if name in names)
