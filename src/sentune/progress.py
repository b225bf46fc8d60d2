"""One progress bar for long work, on standard error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

__all__ = ["Advance", "progress"]


class Advance(Protocol):
    """Tells a progress bar that so many more items are done."""

    def __call__(self, items: int, /) -> None:
        """``items`` more are done."""


@contextmanager
def progress(label: str, total: int | None, *, unit: str, show: bool) -> Iterator[Advance]:
    """Show a bar with rate and time left while the block runs, if ``show``.

    Without a total there is no time left to show, only what is done and the rate. Where standard
    error is no terminal, only the last state is written.
    """
    if not show:
        yield lambda _items: None
        return
    # rich takes a tenth of a second to import, which one short encode should not pay for.
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
