"""Trains in processes that may be killed: imports once, then forks one for each line on stdin.

A line is JSON: ``pairs``, ``model`` and ``out`` for a run with ``--resume``; with ``kill_at`` the
run kills itself at that write to its folder, counted from 0, as ``kill -9`` would.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import torch

from sentune.files import sha256
from sentune.tuning import RunFolder, TuneSettings, read_split, tune

_TRAINING = {
    "num_train_epochs": 4,
    "per_device_train_batch_size": 4,
    "learning_rate": 1e-3,
    "dropout": 0.1,
    "logging_steps": 5,
    "save_strategy": "steps",
    "save_steps": 1,
}
_EVENTS = ("open", "os.rename", "os.mkdir", "os.remove", "os.rmdir")


def main() -> None:
    """Answer each line with the process, and again when it has ended."""
    torch.set_num_threads(1)
    print("ready", flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        process = os.fork()
        if process == 0:
            _run(asked)
            os._exit(0)
        print(f"begun {process}", flush=True)
        _, status = os.waitpid(process, 0)
        print(f"ended {os.waitstatus_to_exitcode(status)}", flush=True)


def _run(asked: dict[str, Any]) -> None:
    out = Path(asked["out"])
    if asked["kill_at"] is not None:
        _kill_at(asked["kill_at"], str(out))
    finish = RunFolder.finish

    def noted(folder: RunFolder, write: Any) -> None:
        last = max(folder.checkpoints.glob("checkpoint-*"), key=lambda path: int(path.name[11:]))
        note = out.with_suffix(".state")
        note.write_text(sha256(last / "training_state.safetensors"), encoding="utf-8")
        finish(folder, write)

    RunFolder.finish = noted  # type: ignore[method-assign, assignment]
    settings = TuneSettings(base=asked["model"], training=_TRAINING)
    split = read_split(asked["pairs"], None, None, settings.seed)
    tune(split, out, settings, resume=True)


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
    main()
