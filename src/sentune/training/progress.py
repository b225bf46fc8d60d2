"""Progress of a training run: loss, pairs a second and time left."""

from __future__ import annotations

import sys
import time
from datetime import timedelta
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

__all__ = ["TrainingProgress"]

_LINES = 10  # in a run whose output goes to a file


class TrainingProgress(TrainerCallback):  # type: ignore[misc]
    """A bar on standard error, or on ``console``; ten lines if that is no terminal."""

    def __init__(self, console: Console | None = None) -> None:
        self.loss = float("nan")
        self.pairs = 0
        self.noun = "pairs"
        self._console = console or Console(stderr=True)
        self._bar: Progress | None = None
        self._started = 0.0

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Start the clock, and draw the empty bar."""
        del args, control
        self._started, self.pairs = time.perf_counter(), 0
        if not self._console.is_terminal:
            return
        self._bar = Progress(
            TextColumn("training"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("steps · {task.fields[rates]} · left"),
            TimeRemainingColumn(),
            console=self._console,
            # Otherwise what is printed into a file would go to the terminal of the bar.
            redirect_stdout=sys.stdout.isatty(),
        )
        self._bar.add_task("", total=state.max_steps, rates="")
        self._bar.start()

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Advance by one step."""
        del args, control
        elapsed = time.perf_counter() - self._started
        rates = f"loss {self.loss:.4f} · {self.pairs / elapsed:.1f} {self.noun}/s"
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=state.global_step, rates=rates)
            return
        tenth = max(1, state.max_steps // _LINES)
        if state.global_step % tenth == 0 or state.global_step == state.max_steps:
            remaining = elapsed / state.global_step * (state.max_steps - state.global_step)
            left = timedelta(seconds=round(remaining))
            self._console.print(
                f"training {state.global_step}/{state.max_steps} steps · {rates} · left {left}"
            )

    def close(self) -> None:
        """Stop the bar; safe to call twice."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
