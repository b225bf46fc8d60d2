"""What torchrun starts on each of two hosts: model folder, output folder, name, seconds to wait.

With ``again`` as the last argument it goes on from the newest checkpoint.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import time
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from sentune.errors import SentuneError

_RUN = Path(__file__).parents[1] / "training" / "process.py"


class Slow(TrainerCallback):  # type: ignore[misc]
    """Writes each step that is done, and waits, so that a host can die in the middle."""

    def __init__(self, path: Path, seconds: float) -> None:
        self.path, self.seconds = path, seconds

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.path.write_text(str(state.global_step), encoding="utf-8")
        time.sleep(self.seconds)


def main(model: str, out: Path, name: str, seconds: float, again: bool) -> int:
    """Train; an error of ours is one line, as on the command line."""
    spec = importlib.util.spec_from_file_location("training_process", _RUN)
    assert spec is not None
    assert spec.loader is not None
    run = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(run)
    saving = {"dropout": 0.1, "save_strategy": "steps", "save_steps": 2, "ddp_timeout": 10}
    options = {} if name == "plain" else saving
    trainer = run.trainer(model, out / name, 4, **options)
    trainer.add_callback(Slow(out / f"{name}.step", seconds))
    try:
        trainer.train(resume_from_checkpoint=again or None)
    except SentuneError as error:
        print(f"sentune: {error}", file=sys.stderr, flush=True)
        return 2
    run.record(trainer, out / f"{name}-{trainer.args.process_index}")
    return 0


if __name__ == "__main__":
    ended = main(
        sys.argv[1], Path(sys.argv[2]), sys.argv[3], float(sys.argv[4]), "again" in sys.argv
    )
    os._exit(ended)  # threads of gloo sometimes abort the interpreter while it shuts down
