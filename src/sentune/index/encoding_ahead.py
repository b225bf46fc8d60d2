"""Passages of an index → vectors, some chunks ahead of what is written: for runners elsewhere.

::

    passages ─ chunks ─ texts that are missing ─ pieces ─ runner ─ vectors ─ chunks, in order

Texts are grouped as when they are encoded here, one chunk after another, so that each vector has
the same bits.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sentune.data.passages import Passage
from sentune.encoding.chunks import chunks
from sentune.index.rows.arrow_rows import text_digest
from sentune.index.version import TextVectors
from sentune.progress import Advance
from sentune.ranking.pieces import LongText, Pieces, cut_texts
from sentune.tokens.truncation import record_truncation
from sentune.vectors import require_finite

if TYPE_CHECKING:
    from sentune.encoding.encode import Block
    from sentune.encoding.runners.runner import Runner
    from sentune.encoding.sentence_transformer import SentenceTransformer

__all__ = ["Encoded", "EncodingAhead"]

Sourced = tuple[str, Passage]
Known = Callable[[Sequence[str]], Mapping[str, TextVectors]]


@dataclass(slots=True)
class Encoded:
    """A chunk of passages, and by their digests the texts of it that were encoded."""

    passages: Sequence[Sourced]
    texts: dict[str, TextVectors] = field(default_factory=dict)


@dataclass(slots=True)
class _Group:
    """Texts that are cut and encoded together; ``blocks`` are still to come."""

    chunk: Encoded
    digests: list[str]
    pieces: Pieces
    blocks: int
    vectors: list[NDArray[np.float32]] = field(default_factory=list)


class EncodingAhead:
    """Encodes chunks of passages with a runner.

    Args:
        model: what the runner computes with.
        runner: where.
        long_text: what is done with passages over the length limit.
        group: texts that are encoded together.
        known: digests → what the index has of them when it is asked.

    Attributes:
        begun: chunks that are not finished, in order, with the texts of them that have come.
    """

    def __init__(
        self,
        model: SentenceTransformer,
        runner: Runner,
        long_text: LongText,
        group: int,
        known: Known,
    ) -> None:
        self._model, self._runner, self._long_text = model, runner, long_text
        self._size, self._known = group, known
        self.begun: deque[Encoded] = deque()
        self._groups: deque[_Group] = deque()

    def __call__(
        self, passages: Iterable[Sequence[Sourced]], advance: Advance
    ) -> Iterator[Encoded]:
        """Chunks with the vectors that the index lacks; commit each before the next is asked for.

        Raises PoolError, and what encoding raises.
        """
        settings = self._model.encode_settings(prompt=self._model.document_prompt)
        blocks = self._model.encode_blocks(
            self._texts(passages, advance), settings, pool=self._runner, show_progress_bar=False
        )
        with closing(blocks):
            for block in blocks:
                self._take(block, advance)
                yield from self._finished()
        yield from self._finished()

    def _texts(
        self, passages: Iterable[Sequence[Sourced]], advance: Advance
    ) -> Iterator[Sequence[str]]:
        for some in passages:
            chunk = Encoded(some)
            missing = self._missing(some)
            advance(len(some) - len(missing))
            self.begun.append(chunk)
            digests, parts = list(missing), []
            for start in range(0, len(digests), self._size):
                own = digests[start : start + self._size]
                pieces = cut_texts([missing[each] for each in own], self._model, self._long_text)
                together = list(chunks(pieces.texts))
                self._groups.append(_Group(chunk, own, pieces, len(together)))
                parts += together
            yield from parts  # now that all groups are known: a chunk is finished when none is left

    def _missing(self, passages: Sequence[Sourced]) -> dict[str, str]:
        """The texts that neither the index has nor a chunk before will bring, by their digests."""
        texts = {text_digest(passage.text): passage.text for _, passage in passages}
        known = self._known(list(texts))
        coming = {digest for group in self._groups for digest in group.digests}
        coming |= {digest for chunk in self.begun for digest in chunk.texts}
        return {
            digest: text
            for digest, text in texts.items()
            if digest not in known and digest not in coming
        }

    def _take(self, block: Block, advance: Advance) -> None:
        group = self._groups[0]
        group.vectors.append(block.vectors.cpu().numpy())
        group.blocks -= 1
        if group.blocks:
            return
        vectors = np.concatenate(group.vectors)
        require_finite(vectors, f"the vectors of {self._model.base.name}")
        pieces, ends = group.pieces, group.pieces.starts[1:-1]
        none = [[np.empty(0, np.uint8)] * (b - a) for a, b in pairwise(pieces.starts.tolist())]
        each = map(TextVectors, np.split(vectors, ends), np.split(pieces.spans, ends), none)
        group.chunk.texts.update(zip(group.digests, each, strict=True))
        record_truncation(pieces.truncation())
        advance(len(group.digests))
        self._groups.popleft()

    def _finished(self) -> Iterator[Encoded]:
        """The first chunks that wait for no group."""
        while self.begun and not (self._groups and self._groups[0].chunk is self.begun[0]):
            yield self.begun.popleft()
