"""Encodes in processes that may be killed: loads once, then forks one for each line of stdin.

    python encodes.py MODEL

A line is JSON: ``texts`` (a file), ``out``; with ``kill_at`` the run kills itself (``kill -9``) at
this write to the folder of ``out``, counted from 0; with ``limit`` no file can grow beyond this
number of bytes, as on a full disk.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet  # noqa: F401 - loaded once, before the forks
import torch

from sentune import SentenceTransformer
from sentune.bulk import encode_to_file, run
from sentune.data import read_text_rows
from sentune.errors import OutputError

_SHARD = 16
_EVENTS = ("open", "os.rename", "os.mkdir", "os.remove", "os.rmdir")


def main(folder: str) -> None:
    """Answer each line with the process, and again when it has ended."""
    torch.set_num_threads(1)
    run._SHARD = _SHARD
    model = SentenceTransformer(folder, device="cpu", compute_dtype="float32")
    print("ready", flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        process = os.fork()
        if process == 0:
            os._exit(_run(model, asked))
        print(f"begun {process}", flush=True)
        _, status = os.waitpid(process, 0)
        print(f"ended {os.waitstatus_to_exitcode(status)}", flush=True)


def _run(model: SentenceTransformer, asked: dict[str, Any]) -> int:
    out = Path(asked["out"])
    if asked["kill_at"] is not None:
        _kill_at(asked["kill_at"], str(out.parent))
    if asked["limit"] is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (asked["limit"], asked["limit"]))
    try:
        written = encode_to_file(model, read_text_rows(asked["texts"]), out)
    except OutputError as error:
        print(error, file=sys.stderr, flush=True)
        return 2
    out.with_suffix(".result").write_text(
        json.dumps([written.rows, written.encoded, written.truncation.truncated])
    )
    return 0


def _kill_at(count: int, inside: str) -> None:
    seen = 0

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal seen
        if event not in _EVENTS or inside not in str(arguments[0]):
            return
        if event == "open" and not str(arguments[1] or "").startswith(("w", "x")):
            return
        seen += 1
        if seen > count:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


if __name__ == "__main__":
    main(*sys.argv[1:])
