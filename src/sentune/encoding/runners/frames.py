"""Vectors and counts as messages between a pool and its workers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sentune.encoding.encode import Block
from sentune.tokens.truncation import Truncation

__all__ = ["block_of", "frame_of"]


def frame_of(block: Block) -> tuple[dict[str, Any], bytes]:
    """The message that carries vectors."""
    counts = astuple(block.truncation)
    if isinstance(block.rows, Tensor):
        return {"shape": list(block.rows.shape), "cut": counts}, _bytes(block.rows)
    lengths = [len(rows) for rows in block.rows]
    return {"lengths": lengths, "cut": counts}, b"".join(map(_bytes, block.rows))


def block_of(head: dict[str, Any], body: bytes) -> Block:
    """The vectors that a message carries."""
    values = torch.from_numpy(np.frombuffer(bytearray(body), dtype=np.float32))
    truncation = Truncation(*head["cut"])
    if "shape" in head:
        return Block(values.view(head["shape"]), truncation)
    lengths: Sequence[int] = head["lengths"]
    tokens = values.view(sum(lengths), -1) if sum(lengths) else values.view(0, 1)
    return Block(list(tokens.split(list(lengths))), truncation)


def _bytes(rows: Tensor) -> bytes:
    return rows.cpu().float().numpy().tobytes()
