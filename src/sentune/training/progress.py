"""The training bar: loss, pairs a second and time left."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

__all__ = ["TrainingProgress"]


class TrainingProgress(TrainerCallback):  # type: ignore[misc]
    """A bar on standard error while training runs.

    Args:
        console: where to draw; a new console on standard error by default.
    """

    def __init__(self, console: Console | None = None) -> None:
        self.loss = float("nan")
        self.pairs = 0
        self._console = console or Console(stderr=True)
        self._bar: Progress | None = None

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Draw the empty bar."""
        del args, control
        self._bar = Progress(
            TextColumn("training"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("steps · loss {task.fields[loss]:.4f} · {task.fields[rate]:.1f} pairs/s"),
            TextColumn("· left"),
            TimeRemainingColumn(),
            console=self._console,
        )
        self._task = self._bar.add_task("", total=state.max_steps, loss=self.loss, rate=0.0)
        self._bar.start()

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Advance by one step."""
        del args, control
        if self._bar is None:
            return
        elapsed = self._bar.tasks[0].elapsed or 1e-9
        self._bar.update(
            self._task, completed=state.global_step, loss=self.loss, rate=self.pairs / elapsed
        )

    def close(self) -> None:
        """Leave the bar as it stands; safe to call twice."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
