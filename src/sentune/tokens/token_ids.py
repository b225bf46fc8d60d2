"""Token ids for sentune, which are also what a script asks for by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sentune.tokens.batch import TokenBatch
from sentune.tokens.truncation import Truncation

__all__ = ["TokenIds"]


class TokenIds(tuple[list[list[int]], Truncation]):
    """Token ids of texts, and what the length limit cut; also what ``batch`` gives, by its names.

    >>> from sentune import SentenceTransformer
    >>> tokenizer = SentenceTransformer("all-MiniLM-L6-v2").tokenizer
    >>> ids, truncation = tokenizer(["a cat"])
    >>> tokenizer(["a cat"])["attention_mask"]
    [[1, 1, 1, 1]]
    """

    _batch: Callable[[], TokenBatch]

    @classmethod
    def of(
        cls, ids: list[list[int]], truncation: Truncation, batch: Callable[[], TokenBatch]
    ) -> TokenIds:
        """``batch`` is called when one of its names is asked for."""
        made = cls((ids, truncation))
        made._batch = batch
        return made

    def __getitem__(self, key: Any) -> Any:
        return self._batch()[key] if isinstance(key, str) else super().__getitem__(key)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._batch(), name)
