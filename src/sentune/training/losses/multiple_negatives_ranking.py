"""Each question's passage ranked above all other passages of the batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sentune.checks import require_choice, require_number
from sentune.errors import ArgumentError
from sentune.training.losses.base import EmbeddingLoss, require_columns
from sentune.training.losses.mini_batches import CACHING_CITATION, set_mini_batches
from sentune.training.losses.shared.all_gather import gather_rows, processes
from sentune.training.losses.shared.pair_functions import Similarity, all_pairs, require_shape

__all__ = [
    "CachedMultipleNegativesRankingLoss",
    "MultipleNegativesRankingLoss",
]

_DIRECTIONS = ("query_to_doc", "query_to_query", "doc_to_query", "doc_to_doc")
_WITHOUT_POSITIVE = ("query_to_query", "doc_to_doc")
_PARTITION_MODES = ("joint", "per_direction")
_HARDNESS_MODES = ("in_batch_negatives", "hard_negatives", "all_negatives")

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
        model: encodes texts where the loss is called with tokens.
        scale: inverse temperature.
        similarity_fct: ``cos_sim``, ``dot_score``, or a function (n, dim), (m, dim) → (n, m).
        directions: which scores are used; ``query_to_doc`` must be among them.
        partition_mode: ``joint`` (one softmax over all directions) or ``per_direction``.
        gather_across_devices: candidates of all processes of a distributed run.
        hardness_mode: which negatives of ``query_to_doc`` weigh more, the more alike they are to
            the anchor: ``in_batch_negatives`` (the texts of other rows; Lan et al. 2025,
            arXiv:2503.04812, equation 5), ``hard_negatives`` (the negatives of the row; Schechter
            Vera et al. 2025, arXiv:2509.20354) or ``all_negatives``; none when None.
        hardness_strength: what their similarity, without gradient, is multiplied by before it is
            added to their score; at least 0.
        label_smoothing: share of the target spread evenly over all candidates, from 0 to 1.

    Raises:
        ArgumentError: an unknown similarity, direction or mode, a direction without the positive
            in the mode ``per_direction``, a share or strength outside its range, or fewer than
            two columns.
    """

    citation = _CITATION
    settings: tuple[str, ...] = ("scale", "similarity_fct")
    optional: Mapping[str, Any] = {
        "gather_across_devices": False,
        "directions": ("query_to_doc",),
        "partition_mode": "joint",
        "hardness_mode": None,
        "hardness_strength": 0.0,
        "label_smoothing": 0.0,
    }

    def __init__(
        self,
        model: nn.Module | None = None,
        scale: float = 20.0,
        similarity_fct: str | Similarity = "cos_sim",
        gather_across_devices: bool = False,
        directions: Sequence[str] = ("query_to_doc",),
        partition_mode: str = "joint",
        hardness_mode: str | None = None,
        hardness_strength: float = 0.0,
        *,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(model)
        self.similarity_fct = all_pairs(similarity_fct)
        self.scale = float(scale)
        self.partition_mode = require_choice("partition_mode", partition_mode, _PARTITION_MODES)
        self.directions = _known_directions(directions, partition_mode)
        self.gather_across_devices = gather_across_devices
        self.hardness_mode = hardness_mode
        if hardness_mode is not None:
            require_choice("hardness_mode", hardness_mode, _HARDNESS_MODES)
        self.hardness_strength = require_number("hardness_strength", hardness_strength, least=0)
        self.smooth_labels(label_smoothing)

    @property
    def temperature(self) -> float:
        """The inverse of ``scale``."""
        return 1.0 / self.scale

    def smooth_labels(self, share: float) -> None:
        """Set ``label_smoothing``. Raises ArgumentError for a share outside its range."""
        self.label_smoothing = require_number("label_smoothing", share, least=0, most=1)

    def compute_loss_from_embeddings(
        self, columns: Sequence[Tensor], labels: Tensor | None = None
    ) -> Tensor:
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
            alike = self.similarity_fct(rows, candidates)
            require_shape(alike, len(rows), len(candidates))
            scores = alike * self.scale
            if direction in _WITHOUT_POSITIVE:
                others = ~_same_row(scores, start, len(everyone[1]))
                scores = scores[others].view(len(rows), -1)
            elif direction == "query_to_doc" and self.hardness_mode is not None:
                chosen = self._hard(scores, start, len(everyone[1]))
                scores = scores + alike.detach() * (chosen * self.hardness_strength)
            yield scores

    def _hard(self, scores: Tensor, start: int, rows: int) -> Tensor:
        """(n, candidates), True for the negatives of ``hardness_mode``."""
        same = _same_row(scores, start, rows)
        positives = torch.arange(scores.shape[1], device=scores.device) < rows
        own_negatives = same & ~positives
        if self.hardness_mode == "hard_negatives":
            return own_negatives
        return ~same if self.hardness_mode == "in_batch_negatives" else ~same | own_negatives


class CachedMultipleNegativesRankingLoss(MultipleNegativesRankingLoss):
    """:class:`MultipleNegativesRankingLoss` in mini-batches (Gao et al. 2021, arXiv:2101.06983).

    Value and gradient are those of the plain loss, while only ``mini_batch_size`` texts have
    their activations in memory: memory no longer limits the number of in-batch negatives.
    Cost: one more forward than the plain loss; see
    :func:`~sentune.training.losses.shared.caching.encode_in_mini_batches`. The n · m scores stay in
    memory, about 12 bytes each.

    Args:
        mini_batch_size: texts encoded at a time; it changes memory and time, never the result.
        mini_batch_num_tokens: tokens encoded at a time, instead of a number of texts.
        show_progress_bar: only False.
        model, scale, similarity_fct, and all others: those of the plain loss.

    Raises:
        ArgumentError: as the plain loss does, a mini-batch of no text, or a progress bar.
    """

    citation = f"{_CITATION}\n\n{CACHING_CITATION}"
    settings = (*MultipleNegativesRankingLoss.settings, "mini_batch_size")
    optional: Mapping[str, Any] = {
        "mini_batch_num_tokens": None,
        **MultipleNegativesRankingLoss.optional,
    }

    def __init__(
        self,
        model: nn.Module | None = None,
        scale: float = 20.0,
        similarity_fct: str | Similarity = "cos_sim",
        mini_batch_size: int = 32,
        mini_batch_num_tokens: int | None = None,
        gather_across_devices: bool = False,
        directions: Sequence[str] = ("query_to_doc",),
        partition_mode: str = "joint",
        show_progress_bar: bool = False,
        hardness_mode: str | None = None,
        hardness_strength: float = 0.0,
        *,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(
            model,
            scale,
            similarity_fct,
            gather_across_devices,
            directions,
            partition_mode,
            hardness_mode,
            hardness_strength,
            label_smoothing=label_smoothing,
        )
        set_mini_batches(self, mini_batch_size, mini_batch_num_tokens, show_progress_bar)


def _same_row(scores: Tensor, start: int, rows: int) -> Tensor:
    """(n, candidates), True where a candidate is of the row of its anchor.

    The candidates are columns of ``rows`` texts; the first anchor is that of the row ``start``.
    """
    row_of = torch.arange(scores.shape[1], device=scores.device) % rows
    return row_of == torch.arange(start, start + len(scores), device=scores.device)[:, None]


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
