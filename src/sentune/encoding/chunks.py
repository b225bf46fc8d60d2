"""Any number of texts → lists of some thousand, which are tokenized and ordered together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

__all__ = ["chunks"]

T = TypeVar("T")

# Both bound the memory of token lists.
_CHUNK = 8192
_CHUNK_CHARACTERS = 4 << 20


def chunks(
    rows: Iterable[T], most: int | None = None, length: Callable[[Any], int] = len
) -> Iterator[list[T]]:
    """Texts, or objects with one text each, in lists of at most ``most``.

    Lists of very long texts are shorter; ``length`` counts the characters of a row. When ``most``
    is None, a list has as many texts as are worth ordering by length. A text is taken from
    ``rows`` only when its list is asked for.
    """
    limit = _CHUNK if most is None else most
    chunk: list[T] = []
    characters = 0
    for row in rows:
        chunk.append(row)
        characters += length(row)
        if len(chunk) >= limit or characters >= _CHUNK_CHARACTERS:
            yield chunk
            chunk, characters = [], 0
    if chunk:
        yield chunk
