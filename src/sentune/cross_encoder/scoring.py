"""Pairs of texts → scores before the activation, in packs without padding."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import torch
from torch import Tensor

from sentune.cross_encoder.arguments import Pair
from sentune.encoding.chunks import chunks
from sentune.encoding.computing import Computing
from sentune.encoding.encode import pack_plan
from sentune.machine.threads import compute_apart
from sentune.network.pack import pack
from sentune.progress import Advance, progress
from sentune.tokens.tokenizer import Tokenizer
from sentune.tokens.truncation import Truncation, record_truncation

__all__ = ["Scorer", "score_ids", "score_pairs"]

logger = logging.getLogger(__name__)


class Scorer(Computing):
    """What scoring needs of a model.

    Attributes:
        tokenizer: pairs → token ids and segments.
        segmented: whether the encoder takes segments.
    """

    tokenizer: Tokenizer
    segmented: bool

    @property
    def num_labels(self) -> int:
        """Scores of each pair."""
        raise NotImplementedError

    @property
    def dtype(self) -> torch.dtype:
        """The number format of the scores."""
        raise NotImplementedError


def score_pairs(
    model: Scorer, pairs: Sequence[Pair], batch_size: int | None, show_progress_bar: bool | None
) -> Tensor:
    """(pairs, num_labels) scores, some thousand pairs at a time.

    What the length limit cuts goes to the ``count_truncation`` block around the call, or is logged
    as a warning.
    """
    if show_progress_bar is None:
        show_progress_bar = logger.isEnabledFor(logging.INFO)
    whole, counted = Truncation(), True
    parts = [torch.empty(0, model.num_labels, dtype=model.dtype, device=model.device)]
    with progress("scoring", len(pairs), unit="pairs", show=show_progress_bar) as advance:
        for chunk in chunks(pairs, length=lambda pair: len(pair[0]) + len(pair[1])):
            scores, cut = _score_chunk(model, chunk, batch_size, advance)
            whole.add(cut)
            counted = record_truncation(cut) and counted
            parts.append(scores)
    if not counted and whole.truncated:
        logger.warning("%s", whole.describe(model.tokenizer.max_seq_length, "pair"))
    return torch.cat(parts)


def _score_chunk(
    model: Scorer, pairs: Sequence[Pair], batch_size: int | None, advance: Advance
) -> tuple[Tensor, Truncation]:
    token_ids, segments, truncation = model.tokenizer.pairs(pairs)
    return score_ids(model, token_ids, segments, batch_size, advance), truncation


@torch.inference_mode()
def score_ids(
    model: Scorer,
    token_ids: Sequence[list[int]],
    segments: Sequence[list[int]],
    batch_size: int | None = None,
    advance: Advance = lambda _: None,
) -> Tensor:
    """(pairs, num_labels) scores before the activation, of pairs whose token ids are known."""
    scores = torch.empty(len(token_ids), model.num_labels, dtype=model.dtype, device=model.device)

    def computed(group: list[int]) -> tuple[list[int], Tensor]:
        of_group = [segments[number] for number in group] if model.segmented else None
        packed = pack([token_ids[number] for number in group], of_group)
        return group, model(packed.to(model.device))

    def take(found: tuple[list[int], Tensor]) -> None:
        scores[found[0]] = found[1]
        advance(len(found[0]))

    with model.evaluating():
        packs, threads = pack_plan(model, token_ids, batch_size)
        compute_apart(computed, packs, take, threads)
    return scores
