"""What a server serves, as plain values that are sent to its worker."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["Plan"]


@dataclass(frozen=True, slots=True)
class Plan:
    """Names and folders.

    Attributes:
        model: a folder or a name.
        index: the folder of an index that was built with it.
        compare: the base model whose vectors the index has too.
        reranker: the folder or name of a cross-encoder.
    """

    model: str
    index: str | None = None
    compare: str | None = None
    reranker: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Names and values."""
        return asdict(self)
