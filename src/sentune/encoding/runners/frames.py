"""Vectors and counts as messages between a pool and its workers."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import astuple
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sentune.encoding.encode import Block
from sentune.errors import PoolError, SentuneError
from sentune.tokens.truncation import Truncation

__all__ = ["block_of", "error_record", "frame_of"]


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


def error_record(error: Exception) -> dict[str, str]:
    """The message of an error, which is raised again in the caller's process."""
    if not isinstance(error, SentuneError):
        traceback.print_exception(error)
        error = PoolError(
            f"a worker failed ({type(error).__name__}: {error})",
            expected="a worker that can encode the texts",
            fix="encode without a pool to see where it fails",
        )
    return error.to_json()
