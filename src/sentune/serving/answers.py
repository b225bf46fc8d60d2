"""Answers as JSON. Long ones are written in parts, and between two parts others have their turn.

Two thousand vectors take 60 ms to write. Every other client would wait as long, even one that is
only to be told that the queue is full.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic_core import to_json
from starlette.responses import Response

from sentune.tokens.truncation import Truncation

__all__ = ["answer", "vectors_listed", "with_list"]

_NUMBERS = 20_000  # of a part: about two milliseconds


def answer(content: Any, cut: Truncation | None = None, **headers: str) -> Response:
    """A result as JSON, with the counts of what was cut in its headers; bytes are JSON already."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if cut is not None:
        named["x-truncated-texts"] = str(cut.truncated)
        named["x-truncated-tokens"] = str(cut.tokens_left_out)
    written = content if isinstance(content, bytes) else to_json(content)
    return Response(written, 200, named, "application/json")


async def vectors_listed(
    vectors: NDArray[np.float32],
    show: Callable[[NDArray[np.float32], int], list[Any]] = lambda part, _start: part.tolist(),
) -> bytes:
    """A JSON array of ``show(part, start)`` for each part of vectors; by default their numbers."""
    at_once, parts = max(1, _NUMBERS // max(1, vectors.shape[1])), []
    for start in range(0, len(vectors), at_once):
        if start:
            await asyncio.sleep(0)
        parts.append(to_json(show(vectors[start : start + at_once], start))[1:-1])
    return b"[%b]" % b",".join(parts)


def with_list(before: dict[str, Any], name: str, array: bytes, after: dict[str, Any]) -> bytes:
    """A JSON object with an array that was written already, between other fields."""
    return b'%b,"%b":%b,%b' % (to_json(before)[:-1], name.encode(), array, to_json(after)[1:])
