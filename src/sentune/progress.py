"""One progress bar for long work, on standard error; and a handler for messages of a log."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["Advance", "LoggingHandler", "progress"]


Advance = Callable[[int], None]  # counts so many more items as done


@contextmanager
def progress(label: str, total: int | None, *, unit: str, show: bool) -> Iterator[Advance]:
    """If ``show``, show a bar with the rate and the time left while the block runs.

    With nothing to do there is no bar. Without a total the bar shows no time left. If standard
    error is not a terminal, only the last state is written.
    """
    if not show or total == 0:
        yield lambda _items: None
        return
    # Importing rich takes a tenth of a second, too long for one short encode.
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            rate = task.finished_speed or task.speed
            return Text("" if rate is None else f"{rate:,.{0 if rate >= 10 else 1}f} {unit}/s")

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        Rate(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(label, total=total)
        yield lambda items: bar.advance(task, items)


class LoggingHandler(logging.Handler):
    """Writes messages to standard output, as the handler of that name in the reference does."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one message, on a line of its own."""
        try:
            sys.stdout.write(self.format(record) + "\n")
            sys.stdout.flush()
        except Exception:  # noqa: BLE001 — logging reports it, and the program goes on
            self.handleError(record)
