"""Messages between a pool and its workers: JSON and plain bytes over a pipe, never a pickle.

::

    8 bytes   length of the head, most significant byte first
    head      JSON object; its "bytes" is the length of the body
    body      texts as JSON, or the bytes of vectors in memory
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import astuple
from typing import IO, Any

import numpy as np
import torch
from torch import Tensor

from sentune.encoding.encode import Block
from sentune.tokens.truncation import Truncation

__all__ = ["block_of", "frame_of", "read_frame", "write_frame"]

_LENGTH = 8


def write_frame(stream: IO[bytes], head: dict[str, Any], body: bytes = b"") -> None:
    """Send a message. Raises OSError if the other process has ended."""
    encoded = json.dumps({**head, "bytes": len(body)}).encode()
    stream.write(len(encoded).to_bytes(_LENGTH, "big") + encoded)
    stream.write(body)
    stream.flush()


def read_frame(stream: IO[bytes]) -> tuple[dict[str, Any], bytes]:
    """Wait for a message.

    Raises:
        EOFError: the other process has ended, perhaps in the middle of a message.
    """
    head = json.loads(_exactly(stream, int.from_bytes(_exactly(stream, _LENGTH), "big")))
    return head, _exactly(stream, head["bytes"])


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


def _exactly(stream: IO[bytes], count: int) -> bytes:
    content = stream.read(count)
    if len(content) < count:
        raise EOFError
    return content
