"""Messages over a pipe: JSON and plain bytes, never a pickle.

::

    8 bytes   length of the head, most significant byte first
    head      JSON object; its "bytes" is the length of the body
    body      texts as JSON, or numbers as they lie in memory
"""

from __future__ import annotations

import json
import os
import sys
from typing import IO, Any

__all__ = ["LENGTH", "claim_pipes", "packed_frame", "read_frame", "write_frame"]

LENGTH = 8


def packed_frame(head: dict[str, Any], body: bytes = b"") -> bytes:
    """The bytes of a message before its body."""
    encoded = json.dumps({**head, "bytes": len(body)}).encode()
    return len(encoded).to_bytes(LENGTH, "big") + encoded


def write_frame(stream: IO[bytes], head: dict[str, Any], body: bytes = b"") -> None:
    """Send a message. Raises OSError if the other process has ended."""
    stream.write(packed_frame(head, body))
    stream.write(body)
    stream.flush()


def read_frame(stream: IO[bytes]) -> tuple[dict[str, Any], bytes]:
    """Wait for a message.

    Raises:
        EOFError: the other process has ended, perhaps in the middle of a message.
    """
    head = json.loads(_exactly(stream, int.from_bytes(_exactly(stream, LENGTH), "big")))
    return head, _exactly(stream, head["bytes"])


def claim_pipes() -> tuple[IO[bytes], IO[bytes]]:
    """Standard input and output, for messages alone; what is printed goes to standard error."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)
    sys.stdout.flush()
    return requests, replies


def _exactly(stream: IO[bytes], count: int) -> bytes:
    content = stream.read(count)
    if len(content) < count:
        raise EOFError
    return content
