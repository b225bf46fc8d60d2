"""When a training run writes a checkpoint."""

from __future__ import annotations

import time
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

__all__ = ["CheckpointSchedule"]

_INTERVAL = 30.0


class CheckpointSchedule(TrainerCallback):  # type: ignore[misc]
    """Asks for a checkpoint at regular times, and at the end.

    The interval is 30 seconds, or 20 times what the last checkpoint took to write, if that is
    more. So writing takes at most a twentieth of the time.
    """

    def __init__(self) -> None:
        self._since = time.monotonic()
        self._asked = 0.0
        self._interval = _INTERVAL

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        """Start the clock."""
        self._since = time.monotonic()

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Ask for a checkpoint if it is time."""
        del args
        now = time.monotonic()
        if now - self._since >= self._interval or state.global_step >= state.max_steps:
            control.should_save, self._asked = True, now

    def on_save(self, *_: Any, **__: Any) -> None:
        """Measure how long writing took."""
        self._since = time.monotonic()
        self._interval = max(_INTERVAL, 20 * (self._since - self._asked))
