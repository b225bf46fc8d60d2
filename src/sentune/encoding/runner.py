"""Where chunks of texts become blocks of vectors: in this process, or anywhere else.

::

    encode ─────────┐           ┌─ Here ─ this process, chunk after chunk ─┐
    encode_blocks ──┼─ chunks ──┤                                          ├─ blocks, in order
    encode_to_file ─┘           └─ Pool ─ worker processes ────────────────┘

Whoever encodes takes a ``Runner`` and does not know which one it is.
"""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterable, Sequence
from contextlib import closing
from typing import Protocol

from sentune.encoding.embedder import Embedder
from sentune.encoding.encode import Block, EncodeSettings, encode_chunk
from sentune.errors import ArgumentError
from sentune.progress import Advance, progress
from sentune.tokens.truncation import Truncation, record_truncation

__all__ = ["Here", "Runner", "encode_chunks", "runner_for"]

logger = logging.getLogger(__name__)

Chunks = Iterable[Sequence[str]]


class Runner(Protocol):
    """Maps chunks of texts to blocks of vectors, with one model."""

    @property
    def model(self) -> Embedder | None:
        """The model that it computes with. Raises ArgumentError if it was closed."""

    def chunk_size(self, count: int | None, asked: int | None) -> int | None:
        """Texts in a chunk; None for as many as are worth ordering by length.

        Args:
            count: texts in all, if that is known.
            asked: what the caller asks for, if anything.
        """

    def blocks(
        self, chunks: Chunks, settings: EncodeSettings, advance: Advance
    ) -> Generator[Block]:
        """A block for each chunk, in their order; closing the generator gives up the rest.

        Chunks are taken when they are needed. ``advance`` is called with the number of texts
        whenever some are done.
        """


class Here:
    """Computes in this process, one chunk at a time."""

    def __init__(self, model: Embedder) -> None:
        self.model = model

    def chunk_size(self, count: int | None, asked: int | None) -> None:
        """As many as are worth ordering: ``asked`` is about sharing texts out."""

    def blocks(
        self, chunks: Chunks, settings: EncodeSettings, advance: Advance
    ) -> Generator[Block]:
        """Encode chunk after chunk. Raises what ``encode_chunk`` raises."""
        for chunk in chunks:
            yield encode_chunk(self.model, chunk, settings, advance)


def runner_for(model: Embedder, pool: Runner | None) -> Runner:
    """``pool``, or this process when it is None. Raises ArgumentError unless it is of ``model``."""
    if pool is None:
        return Here(model)
    if pool.model is not model:
        raise ArgumentError(
            "a pool of another model",
            expected="the pool that start_multi_process_pool of this model made",
            fix="start a pool for this model",
        )
    return pool


def encode_chunks(
    runner: Runner,
    chunks: Chunks,
    settings: EncodeSettings,
    *,
    limit: int,
    total: int | None,
    show_progress_bar: bool,
) -> Generator[Block]:
    """Encode chunk after chunk, with a progress bar, and count what was cut.

    The count goes to the ``count_truncation`` block around the consumer. Without one it is logged
    as a warning at the end.

    Args:
        runner: where to compute.
        chunks: of texts.
        settings: of the call.
        limit: the length limit in tokens, for the warning.
        total: how many texts there are, if that is known.
        show_progress_bar: whether to draw one.
    """
    whole = Truncation()
    counted = True
    with (
        progress("encoding", total, unit="texts", show=show_progress_bar) as advance,
        closing(runner.blocks(chunks, settings, advance)) as blocks,
    ):
        for block in blocks:
            whole.add(block.truncation)
            counted = record_truncation(block.truncation) and counted
            yield block
    if not counted and whole.truncated:
        logger.warning("%s", whole.describe(limit))
