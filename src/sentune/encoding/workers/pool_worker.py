"""A worker's process: it reads chunks of texts from standard input and answers with vectors.

:class:`sentune.encoding.runners.pool.Pool` starts it. It ends when the pool closes the pipe, or
when the pool's process ends.
"""

from __future__ import annotations

import importlib
import json
import shutil
from typing import IO, Any

import torch

from sentune.encoding.encode import EncodeSettings, encode_chunk
from sentune.encoding.runners.frames import error_record, frame_of
from sentune.encoding.runners.messages import claim_pipes, read_frame, write_frame
from sentune.encoding.sentence_transformer import SentenceTransformer

__all__ = ["main"]


def main() -> None:
    """Load the model that the first message names, and encode until the pipe is closed."""
    requests, replies = claim_pipes()
    folder = ""
    try:
        head, _ = read_frame(requests)
        folder = head["folder"]
        model = _load(head, replies)
        while model is not None:
            _answer(model, *read_frame(requests), replies)
    except (EOFError, BrokenPipeError):
        # A pool that was closed has removed its folder; one that was killed has not.
        shutil.rmtree(folder, ignore_errors=True)


def _load(head: dict[str, Any], replies: IO[bytes]) -> SentenceTransformer | None:
    try:
        torch.set_num_threads(head["threads"])
        for name in head["own_modules"]:
            importlib.import_module(name)  # has the classes that the folder names
        model = SentenceTransformer(
            head["folder"],
            device=head["device"],
            compute_dtype=head["compute_dtype"],
            batch_invariant=head["batch_invariant"],
        )
    except Exception as error:  # noqa: BLE001 — the pool must get every error
        write_frame(replies, error_record(error))
        return None
    write_frame(replies, {"ready": True})
    return model


def _answer(
    model: SentenceTransformer, head: dict[str, Any], body: bytes, replies: IO[bytes]
) -> None:
    try:
        if model.max_seq_length != head["max_seq_length"]:
            model.max_seq_length = head["max_seq_length"]
        settings = EncodeSettings(**head["settings"])
        block = encode_chunk(model, json.loads(body), settings, lambda _: None)
    except Exception as error:  # noqa: BLE001 — as above
        write_frame(replies, error_record(error))
    else:
        write_frame(replies, *frame_of(block))
