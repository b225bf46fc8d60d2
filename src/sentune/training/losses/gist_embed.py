"""Ranking among the batch's texts, except those that a guide model takes for positives."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sentune.checks import require_choice, require_number
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.encoding.similarity import similarity
from sentune.errors import ArgumentError
from sentune.training.batches.collator import Batch
from sentune.training.losses.base import EmbeddingLoss, require_columns
from sentune.training.losses.mini_batches import CACHING_CITATION, set_mini_batches

__all__ = ["CachedGISTEmbedLoss", "GISTEmbedLoss"]

_STRATEGIES = ("absolute", "relative")

_CITATION = """\
@misc{solatorio2024gistembed,
    title = {GISTEmbed: Guided In-sample Selection of Training Negatives for Text Embedding
             Fine-tuning},
    author = {Aivin V. Solatorio},
    year = {2024},
    eprint = {2402.16829},
    archivePrefix = {arXiv},
    primaryClass = {cs.LG}
}"""


class GISTEmbedLoss(EmbeddingLoss):
    r"""In-batch softmax with guided choice of negatives (Solatorio 2024, arXiv:2402.16829).

    The candidates of row :math:`i` are all positives, all columns of negatives, the other anchors
    (``contrast_anchors``) and, compared with the positive of the row, the other positives
    (``contrast_positives``). With :math:`g` the guide's cosine, a candidate other than the row's
    positive is left out when the guide finds it at least as close:

    .. math::  g(\cdot, c) \ge t_i, \qquad t_i = g(a_i, p_i) - \text{margin} \quad\text{or}\quad
               t_i = g(a_i, p_i) - \text{margin} · |g(a_i, p_i)|

    Over the scores :math:`s_{ic} = \cos / \text{temperature}` of the candidates :math:`C_i` left:

    .. math::  L = \frac1n \sum_i \Bigl( \log \sum_{c \in C_i} e^{s_{ic}} - s_{ii} \Bigr)

    Cost: n · (m + 2n) · dim multiplications for m positives and negatives, as many for the guide's
    vectors, and one forward of the guide for each different text of the training data: its
    vectors are kept, 4 bytes · dim for each text.

    Args:
        model: encodes texts where the loss is called with tokens; it cannot be the guide.
        guide: a trained model, which is not changed. It may have other prompts and dimensions.
        temperature: divides the cosines.
        margin_strategy: ``absolute`` or ``relative``: the first or the second :math:`t_i`.
        margin: how much less close a candidate must be.
        contrast_anchors: use the other anchors as negatives.
        contrast_positives: compare the positive of a row with the other positives too.
        gather_across_devices: only False.

    Raises:
        ArgumentError: a guide that is not a SentenceTransformer or is the model itself, an unknown
            strategy, a temperature that is not above 0, ``gather_across_devices``, or fewer than
            two columns.
    """

    citation = _CITATION
    settings: tuple[str, ...] = (
        "temperature",
        "margin_strategy",
        "margin",
        "contrast_anchors",
        "contrast_positives",
    )

    def __init__(
        self,
        model: nn.Module | None,
        guide: SentenceTransformer,
        temperature: float = 0.01,
        margin_strategy: str = "absolute",
        margin: float = 0.0,
        contrast_anchors: bool = True,
        contrast_positives: bool = True,
        gather_across_devices: bool = False,
    ) -> None:
        super().__init__(model)
        if not isinstance(guide, SentenceTransformer) or guide is model:
            raise ArgumentError(
                "the trained model as guide" if guide is model else f"guide {guide!r}",
                expected="a second SentenceTransformer, which training does not change",
                fix="load the guide separately: guide=SentenceTransformer(name)",
            )
        self.margin_strategy = require_choice("margin_strategy", margin_strategy, _STRATEGIES)
        above = "a number greater than 0"
        self.temperature = require_number(
            "temperature", temperature, least=math.ulp(0), expected=above, fix="use 0.01"
        )
        self.margin = float(margin)
        self.contrast_anchors = contrast_anchors
        self.contrast_positives = contrast_positives
        _require_alone(gather_across_devices)
        # In a tuple, because its weights are not parameters of the loss.
        self._guide = (guide,)
        self._known: dict[str, Tensor] = {}

    def context(self, batch: Batch) -> dict[str, Any]:
        """``guide_columns``: the guide's vectors of the batch's texts."""
        missing = list(dict.fromkeys(text for text in batch.texts if text not in self._known))
        if missing:
            vectors = torch.from_numpy(self._guide[0].encode(missing, show_progress_bar=False))
            self._known.update(zip(missing, vectors, strict=True))
        vectors = torch.stack([self._known[text] for text in batch.texts])
        return {"guide_columns": batch.columns(vectors.to(batch.device))}

    def compute_loss_from_embeddings(
        self,
        columns: Sequence[Tensor],
        labels: Tensor | None = None,
        guide_columns: Sequence[Tensor] = (),
    ) -> Tensor:
        """Anchors, positives and any negatives, each (n, dim), and the guide's → scalar."""
        del labels
        expected = "anchors and positives, and possibly columns of negatives"
        require_columns(columns, 2, expected)
        require_columns(guide_columns, len(columns), f"{expected}, each with the guide's vectors")
        scores = torch.cat(self._cosines(columns), dim=1) / self.temperature
        with torch.no_grad():
            left_out = self._left_out(guide_columns)
        right = torch.arange(len(scores), device=scores.device)
        return F.cross_entropy(scores.masked_fill(left_out, -torch.inf), right)

    def _cosines(self, columns: Sequence[Tensor]) -> list[Tensor]:
        """Blocks of (n, candidates): positives and negatives, other anchors, other positives."""
        anchors, positives = columns[:2]
        blocks = [similarity(anchors, torch.cat(list(columns[1:])))]
        if self.contrast_anchors:
            blocks.append(similarity(anchors, anchors))
        if self.contrast_positives:
            blocks.append(similarity(positives, positives))
        return blocks

    def _left_out(self, guide_columns: Sequence[Tensor]) -> Tensor:
        first, *others = self._cosines(guide_columns)
        right = first.diagonal()[:, None]
        relative = self.margin_strategy == "relative"
        threshold = right - self.margin * (right.abs() if relative else 1.0)
        itself = torch.eye(len(right), dtype=torch.bool, device=right.device)
        # A text is never its own negative, and the positive of a row is never left out.
        blocks = [(block >= threshold) | itself for block in others]
        found = first >= threshold
        found[:, : len(right)] &= ~itself
        return torch.cat([found, *blocks], dim=1)

    def describe(self) -> dict[str, Any]:
        """Every argument, with the name of the guide."""
        return {"guide": self._guide[0].base.name, **super().describe()}

    def get_config_dict(self) -> dict[str, Any]:
        """Every argument; the guide is the model itself."""
        return {"guide": self._guide[0], **super().get_config_dict()}


class CachedGISTEmbedLoss(GISTEmbedLoss):
    """:class:`GISTEmbedLoss` in mini-batches (Gao et al. 2021, arXiv:2101.06983).

    Value and gradient are those of the plain loss. Cost: one more forward of the model; see
    :func:`~sentune.training.losses.shared.caching.encode_in_mini_batches`.

    Args:
        mini_batch_size, mini_batch_num_tokens, show_progress_bar: as for
            :class:`CachedMultipleNegativesRankingLoss`.
        model, guide, temperature, and all others: those of the plain loss.

    Raises:
        ArgumentError: as the plain loss does, or a mini-batch of no text.
    """

    citation = f"{_CITATION}\n\n{CACHING_CITATION}"
    settings = (*GISTEmbedLoss.settings, "mini_batch_size")
    optional: Mapping[str, Any] = {"mini_batch_num_tokens": None}

    def __init__(
        self,
        model: nn.Module | None,
        guide: SentenceTransformer,
        temperature: float = 0.01,
        mini_batch_size: int = 32,
        mini_batch_num_tokens: int | None = None,
        show_progress_bar: bool = False,
        margin_strategy: str = "absolute",
        margin: float = 0.0,
        contrast_anchors: bool = True,
        contrast_positives: bool = True,
        gather_across_devices: bool = False,
    ) -> None:
        super().__init__(
            model,
            guide,
            temperature,
            margin_strategy,
            margin,
            contrast_anchors,
            contrast_positives,
            gather_across_devices,
        )
        set_mini_batches(self, mini_batch_size, mini_batch_num_tokens, show_progress_bar)


def _require_alone(gather_across_devices: bool) -> None:
    if gather_across_devices:
        raise ArgumentError(
            "gather_across_devices=True with a guide",
            expected="False: each process compares the texts of its own batch",
            fix="use MultipleNegativesRankingLoss, which gathers, or leave it out",
        )
