"""Counting what the length limit cuts off, so that no text is shortened in silence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

__all__ = ["Truncation", "count_truncation", "record_truncation"]


@dataclass(slots=True)
class Truncation:
    """What the length limit did.

    Attributes:
        texts: seen.
        truncated: of these, cut at the limit.
        tokens_left_out: by that, in all of them together.
        windowed: texts beyond the limit that were encoded whole, in windows.
    """

    texts: int = 0
    truncated: int = 0
    tokens_left_out: int = 0
    windowed: int = 0

    def add(self, other: Truncation) -> None:
        """Add the counts of another batch to these."""
        self.texts += other.texts
        self.truncated += other.truncated
        self.tokens_left_out += other.tokens_left_out
        self.windowed += other.windowed

    def describe(self, limit: int) -> str:
        """One sentence for people; ``limit`` is the model's length limit in tokens."""
        if self.windowed and not self.truncated:
            return (
                f"{self.windowed:,} of {self.texts:,} texts are longer than {limit} tokens; "
                "they were encoded in windows"
            )
        if not self.truncated:
            return f"none of {self.texts:,} texts is longer than {limit} tokens"
        return (
            f"{self.truncated:,} of {self.texts:,} texts are longer than {limit} tokens; "
            f"{self.tokens_left_out:,} tokens were left out"
        )


_counter: ContextVar[Truncation | None] = ContextVar("sentune_truncation", default=None)


@contextmanager
def count_truncation() -> Iterator[Truncation]:
    """Count, over every ``encode`` in the block, the texts that were cut; nested blocks add up.

    The count belongs to the current thread or task, so that threads sharing a model do not mix.

    Example::

        with count_truncation() as truncation:
            vectors = model.encode(texts)
        print(truncation.truncated, truncation.tokens_left_out)
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
