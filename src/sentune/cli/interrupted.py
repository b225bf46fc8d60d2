"""What Ctrl-C leaves behind: the message follows from the folder, not from the verb."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sentune.tuning import RunFolder

__all__ = ["telling_what_is_left", "what_is_left"]


_AGAIN = "the same command with --resume"


@contextmanager
def telling_what_is_left(folder: RunFolder, again: str = _AGAIN) -> Iterator[None]:
    """Run a tuning in the block. After Ctrl-C, the message says what the folder has.

    ``again`` is the command that continues.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt(what_is_left(folder, again)) from None


def what_is_left(folder: RunFolder, again: str = _AGAIN) -> str:
    """The message for a run that was interrupted at any instant."""
    if folder.whole:
        return f"interrupted; the result is whole, and {again} moves it there"
    if folder.finished:
        return f"interrupted; the run had ended, and {folder.path} holds its result"
    if folder.resumable:
        return f"interrupted; {again} continues after step {folder.step}"
    if folder.prepared:
        return (
            f"interrupted; {folder.data} keeps what was made of the documents, and {again} goes on "
            "from there"
        )
    return "interrupted; nothing was written"
