"""Counts what the length limit cuts off, so that no text is shortened in silence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from sentune.wording import counted

__all__ = ["Truncation", "count_truncation", "record_truncation"]


@dataclass(slots=True)
class Truncation:
    """What the length limit did.

    Attributes:
        texts: how many were encoded.
        truncated: of these, how many were cut at the limit.
        tokens_left_out: from all texts together.
        windowed: texts over the limit that were encoded whole, in windows.
        in_pieces: texts over the limit that were encoded whole, with a vector for each piece.
        pieces: of these texts, all together.
        side: the end that was cut: ``right``, or ``left`` where a model keeps the last tokens.
    """

    texts: int = 0
    truncated: int = 0
    tokens_left_out: int = 0
    windowed: int = 0
    side: str = "right"
    in_pieces: int = 0
    pieces: int = 0

    @property
    def noteworthy(self) -> bool:
        """Whether a text did not fit: it was cut, or became pieces."""
        return self.truncated > 0 or self.in_pieces > 0

    def add(self, other: Truncation) -> None:
        """Add the counts of another batch to these."""
        self.texts += other.texts
        self.truncated += other.truncated
        self.tokens_left_out += other.tokens_left_out
        self.windowed += other.windowed
        self.in_pieces += other.in_pieces
        self.pieces += other.pieces
        if other.truncated:
            self.side = other.side

    def describe(self, limit: int, noun: str = "text") -> str:
        """The counts for people; ``limit`` is the model's length limit in tokens."""
        told = [counted(self.texts, noun)]
        if self.in_pieces:
            told.append(f"{self.in_pieces:,} of more than {limit} tokens in {self.pieces:,} pieces")
        if self.windowed:
            told.append(f"{self.windowed:,} encoded in windows of {limit} tokens")
        if self.truncated:
            left_out = counted(self.tokens_left_out, "token")
            where = " at the beginning" if self.side == "left" else ""
            told.append(f"{self.truncated:,} cut at {limit} tokens: {left_out} left out{where}")
        elif not self.windowed:
            told.append("none cut")
        return ", ".join(told)


_counter: ContextVar[Truncation | None] = ContextVar("sentune_truncation", default=None)


@contextmanager
def count_truncation() -> Iterator[Truncation]:
    """Count the texts that every ``encode`` in the block cuts; nested blocks add up.

    The count belongs to the current thread or task: threads that share a model count separately.

    >>> from sentune import SentenceTransformer, count_truncation
    >>> model = SentenceTransformer("all-MiniLM-L6-v2")
    >>> with count_truncation() as truncation:
    ...     vectors = model.encode(["a short text", "word " * 300])
    >>> truncation.texts, truncation.truncated, truncation.tokens_left_out
    (2, 1, 46)
    """
    counter = Truncation()
    outer = _counter.get()
    token = _counter.set(counter)
    try:
        yield counter
    finally:
        _counter.reset(token)
        if outer is not None:
            outer.add(counter)


def record_truncation(batch: Truncation) -> bool:
    """Add a batch to the current block's count; False when no block is counting."""
    counter = _counter.get()
    if counter is None:
        return False
    counter.add(batch)
    return True
