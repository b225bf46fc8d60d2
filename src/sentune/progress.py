"""One progress bar for long work, on standard error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["Advance", "progress"]


Advance = Callable[[int], None]  # counts so many more items as done


@contextmanager
def progress(label: str, total: int | None, *, unit: str, show: bool) -> Iterator[Advance]:
    """If ``show``, show a bar with the rate and the time left while the block runs.

    Without a total the bar shows no time left. If standard error is not a terminal, only the last
    state is written.
    """
    if not show:
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
