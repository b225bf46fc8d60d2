"""Many texts → vectors: chunks, packs under a token budget, and the original order again."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from sentune.errors import ArgumentError
from sentune.model.pack import plan_packs
from sentune.model.progress import progress
from sentune.model.tokenizer import Tokenizer
from sentune.model.truncation import Truncation, record_truncation

__all__ = ["Batching", "token_groups"]

logger = logging.getLogger(__name__)

_CHUNK = 8192  # texts tokenized and ordered by length together; bounds the memory of token lists
_TOKEN_BUDGET = {"cpu": 4096, "cuda": 65536}


@dataclass(frozen=True, slots=True)
class Batching:
    """How texts are grouped: by token budget, and by at most ``batch_size`` texts if given."""

    token_budget: int
    batch_size: int | None = None

    @classmethod
    def for_device(cls, device: torch.device, batch_size: int | None) -> Batching:
        """The budget measured best on this kind of device. Raises ArgumentError."""
        if batch_size is not None and (not isinstance(batch_size, int) or batch_size < 1):
            raise ArgumentError(
                f"batch_size {batch_size!r}",
                expected="a positive number of texts",
                fix="leave it out: packs then follow a token budget",
            )
        return cls(_TOKEN_BUDGET.get(device.type, _TOKEN_BUDGET["cpu"]), batch_size)


def token_groups(
    texts: Sequence[str],
    tokenizer: Tokenizer,
    batching: Batching,
    *,
    show_progress_bar: bool,
) -> Iterator[tuple[list[int], list[list[int]]]]:
    """Tokenize texts and group them for the encoder.

    Texts are taken in chunks; within a chunk the longest go first, so that the slowest pack
    comes early and neighbours have similar lengths. What the length limit cuts is counted, and
    logged as a warning unless a ``count_truncation`` block is counting.

    Yields:
        Positions in ``texts`` and the token ids of the texts there, one group a pack.
    """
    truncation = Truncation()
    with progress("encoding", len(texts), unit="texts", show=show_progress_bar) as advance:
        for start in range(0, len(texts), _CHUNK):
            token_ids, cut = tokenizer(texts[start : start + _CHUNK])
            truncation.add(cut)
            lengths = [len(ids) for ids in token_ids]
            for group in plan_packs(lengths, batching.token_budget, batching.batch_size):
                yield [start + index for index in group], [token_ids[index] for index in group]
                advance(len(group))
    if not record_truncation(truncation) and truncation.truncated:
        logger.warning("%s", truncation.describe(tokenizer.max_seq_length))
