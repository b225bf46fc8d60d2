"""The index of a server, and the index of the base's vectors beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sentune.index import Index

if TYPE_CHECKING:
    from sentune.encoding.sentence_transformer import SentenceTransformer

__all__ = ["open_base", "open_index"]


def open_index(path: str, model: SentenceTransformer) -> Index:
    """The index of a model. Raises IndexFolderError for the index of another one."""
    return Index.open(path, model)


def open_base(index: Index, compare: str) -> Index:
    """The vectors of the base. Raises IndexFolderError where they are not stored."""
    return index.compared_with(compare)
