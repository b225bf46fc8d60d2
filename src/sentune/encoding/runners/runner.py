"""Where chunks of texts become blocks of vectors: in this process, or anywhere else.

::

    encode ─────────┐           ┌─ Here ─ this process, chunk after chunk ─┐
    encode_blocks ──┼─ chunks ──┤                                          ├─ blocks, in order
    encode_to_file ─┤           ├─ Pool ─ worker processes ────────────────┤
    index build ────┘           └─ RayRunner ─ machines of a cluster ──────┘

Whoever encodes takes a ``Runner`` and does not know which one it is.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from typing import Protocol

from sentune.encoding.embedder import Embedder
from sentune.encoding.encode import Block, EncodeSettings, encode_chunk
from sentune.errors import ArgumentError
from sentune.progress import Advance

__all__ = ["Here", "Runner", "runner_for"]

Chunks = Iterable[Sequence[str]]


class Runner(Protocol):
    """Maps chunks of texts to blocks of vectors, with one model."""

    @property
    def model(self) -> Embedder | None:
        """The model that it computes with. Raises ArgumentError if it was closed."""

    def chunk_size(self, count: int | None, asked: int | None) -> int | None:
        """Texts in a chunk, for ``count`` texts in all (None: unknown) and the caller's wish.

        None for as many as are worth ordering by length.
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
        """None: only texts that are shared out need smaller chunks."""

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
