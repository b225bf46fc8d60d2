"""What Ctrl-C does to a training run: the step is finished and saved, so that nothing is lost."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Any, Self

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

__all__ = ["SaveAtInterrupt"]

_FIRST = "Ctrl-C: this step is finished and saved; Ctrl-C again stops at once"


class SaveAtInterrupt(TrainerCallback):  # type: ignore[misc]
    """While it is entered, the first Ctrl-C is raised after a checkpoint, the second at once.

    A program that has a handler of its own for SIGINT, or ignores it, keeps it. So does a training
    outside the main thread, where Python allows no handlers.

    Args:
        say: called with a line at the first Ctrl-C, and where a run continues.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._asked = self._listens = False
        self._process = 0

    def __enter__(self) -> Self:
        """Listen to Ctrl-C."""
        main = threading.current_thread() is threading.main_thread()
        if main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            self._process = os.getpid()
            signal.signal(signal.SIGINT, self._note)
            self._listens = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give Ctrl-C back; one that came after the last step is raised now."""
        if self._listens:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            self._listens = False
        if self._asked and error is None:
            raise KeyboardInterrupt

    def _note(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        if os.getpid() != self._process:  # a worker that loads data, forked from here
            return
        if self._asked:
            raise KeyboardInterrupt
        self._asked = True
        # The signal may have come in the middle of another line.
        with suppress(RuntimeError):
            self._say(_FIRST)

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Say where a resumed run continues."""
        del args, control
        if state.global_step:
            self._say(f"continuing after step {state.global_step} of {state.max_steps}")

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Ask for a checkpoint after Ctrl-C."""
        del args, state
        if self._asked:
            control.should_save = True

    def on_save(self, *_: Any, **__: Any) -> None:
        """The checkpoint is written: stop."""
        if self._asked:
            raise KeyboardInterrupt
