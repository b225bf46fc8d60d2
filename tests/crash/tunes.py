"""Runs ``sentune tune`` in processes that may be killed: imports once, then forks for each line.

A line on standard input is JSON:

    arguments   of the command line
    out         the folder that it writes; OUT.log gets what it says, OUT.state a hash of the last
                checkpoint's state, OUT.told how often it changed the disk and the seconds it took
    kill        null, or {"part": "save" or "publish", "at": n}: the process kills itself, as
                ``kill -9`` would, just before its n-th change of the disk, from 0, in that part

Forking is what makes hundreds of kills affordable: importing takes ten times as long as a run.
"""

from __future__ import annotations

import gc
import hashlib
import importlib
import json
import os
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import torch

from sentune.cli import main as command_line
from sentune.files import sha256
from sentune.tuning import RunFolder

# Imported by the first run otherwise, and by every one of them.
_LATER = (
    "sentune.cli.app",
    "bm25s",
    "Stemmer",
    "accelerate",
    "datasets",
    "sentune.report.card",
    "sentune.report.page",
    "sentune.evaluation",
)
# Everything that changes the disk, but for writing to an open file and flushing it.
_EVENTS = ("open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.chmod")


def main() -> None:
    """Answer each line with the process, and again when it has ended."""
    torch.set_num_threads(1)
    for name in _LATER:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # the loop collects garbage, which would copy every page of ours
    print("ready", flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        process = os.fork()
        if process == 0:
            _run(asked)
        print(f"begun {process}", flush=True)
        _, status = os.waitpid(process, 0)
        print(f"ended {os.waitstatus_to_exitcode(status)}", flush=True)


def _run(asked: dict[str, Any]) -> None:
    out, began = Path(asked["out"]), time.monotonic()
    log = os.open(f"{out}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    changes = Changes(out, asked["kill"])
    _note_state(out)
    sys.argv = ["sentune", *asked["arguments"]]
    code = 1
    try:
        command_line()
        code = 0
    except SystemExit as stopped:
        code = stopped.code if isinstance(stopped.code, int) else 0
    finally:
        told = {**changes.seen, "seconds": time.monotonic() - began}
        Path(f"{out}.told").write_text(json.dumps(told), encoding="utf-8")
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


class Changes:
    """Counts a process's changes of the disk below ``out``, and ends it at one of them."""

    def __init__(self, out: Path, kill: dict[str, Any] | None) -> None:
        self.seen = Counter({"save": 0, "publish": 0})
        self._out, self._kill, self._part = str(out), kill, "save"
        sys.addaudithook(self._hook)
        self._sync = os.fsync
        os.fsync = self._synced  # type: ignore[assignment] # no event tells of it

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event not in _EVENTS:
            return
        if event == "open" and not str(arguments[1] or "").startswith(("w", "x")):
            return
        path = str(arguments[0])
        if path.startswith(self._out):
            self._part = self._part_of(path)
        elif path.startswith("/"):
            return
        self._count()  # or a name within a folder that is being removed

    def _synced(self, descriptor: int) -> None:
        self._count()
        self._sync(descriptor)

    def _part_of(self, path: str) -> str:
        below = path.removeprefix(self._out)
        result = ("/checkpoints/finished", "/checkpoints/.finished.", "/.checkpoints.")
        return "publish" if below == "/checkpoints" or below.startswith(result) else "save"

    def _count(self) -> None:
        if self._kill == {"part": self._part, "at": self.seen[self._part]}:
            os.kill(os.getpid(), signal.SIGKILL)
        self.seen[self._part] += 1


def _note_state(out: Path) -> None:
    """Hash what the last checkpoint holds, just before it is taken away."""
    finish = RunFolder.finish

    def noted(folder: RunFolder, write: Any) -> None:
        last = max(folder.checkpoints.glob("checkpoint-*"), key=lambda path: int(path.name[11:]))
        state = json.loads((last / "training_state.json").read_text(encoding="utf-8"))
        kept = [pair for pair in state["$pairs"] if pair[0] != "seconds"]
        digest = hashlib.sha256(json.dumps(kept).encode("utf-8"))
        digest.update((last / "trainer_state.json").read_bytes())
        tensors = sha256(last / "training_state.safetensors")
        Path(f"{out}.state").write_text(tensors + digest.hexdigest(), encoding="utf-8")
        finish(folder, write)

    RunFolder.finish = noted  # type: ignore[method-assign, assignment]


if __name__ == "__main__":
    main()
