"""The process that computes: it reads batches from standard input and answers with numbers.

:class:`sentune.serving.worker_handle.WorkerHandle` starts it. It ends with the server: a thread
sees when the pipe is closed, and ends the process even if the model computes.
"""

from __future__ import annotations

import gc
import os
import select
import sys
import threading
import traceback
from collections.abc import Callable
from typing import IO, Any, Protocol

from sentune.encoding.runners.messages import claim_pipes, read_frame, write_frame
from sentune.errors import PoolError, SentuneError
from sentune.serving.plan import Plan

__all__ = ["answer_messages", "main"]


class Loaded(Protocol):
    """What answers messages."""

    def facts(self) -> dict[str, Any]:
        """What the server is told first."""

    def answer(self, head: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
        """The answer to a message. Raises SentuneError."""


def main() -> None:
    """Load the models and the index of the first message, and answer what follows."""
    answer_messages(_models)


def _models(plan: Plan) -> Loaded:
    from sentune.serving.served import Served  # loads PyTorch

    return Served.load(plan)


def answer_messages(load: Callable[[Plan], Loaded]) -> None:
    """Load the plan of the first message, and answer until the pipe is closed."""
    requests, replies = claim_pipes()
    threading.Thread(target=_end_with, args=(requests.fileno(),), daemon=True).start()
    try:
        loaded = _load(load, read_frame(requests)[0], replies)
        gc.collect()
        gc.freeze()  # a collection does not look through the model and its libraries again
        while loaded is not None:
            head, body = read_frame(requests)
            write_frame(replies, *_answer(loaded, head, body))
    except (EOFError, OSError):
        os._exit(0)  # the server has gone


def _end_with(pipe: int) -> None:
    """End this process when the other end of a pipe is closed.

    The messages themselves are read by the thread that computes: on a busy machine, each change of
    threads can take longer than a message.
    """
    closed = select.poll()
    closed.register(pipe, 0)  # only that it was closed
    closed.poll()
    os._exit(0)


def _load(
    load: Callable[[Plan], Loaded], head: dict[str, Any], replies: IO[bytes]
) -> Loaded | None:
    try:
        loaded = load(Plan(**head["plan"]))
        facts = loaded.facts()
    except Exception as error:  # noqa: BLE001 — the server must get every error
        write_frame(replies, {"error": _record(error)})
        return None
    write_frame(replies, facts)
    return loaded


def _answer(loaded: Loaded, head: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
    try:
        answer, content = loaded.answer(head, body)
    except Exception as error:  # noqa: BLE001 — as above
        return {"id": head["id"], "error": _record(error)}, b""
    return {**answer, "id": head["id"]}, content


def _record(error: Exception) -> dict[str, str]:
    if not isinstance(error, SentuneError):
        # Where it happened, and not its words: they can have a text.
        lines = traceback.format_tb(error.__traceback__)
        print("".join(lines), type(error).__name__, sep="", file=sys.stderr, flush=True)  # noqa: T201
        error = PoolError(
            f"the model failed ({type(error).__name__})",
            expected="a model that can compute the texts",
            fix="read what the server wrote to standard error",
        )
    return error.to_json()
