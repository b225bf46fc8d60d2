"""``sentune push``: a model folder → a repository on the Hugging Face hub."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sentune.cli.output import interactive, print_line, say
from sentune.wording import counted

if TYPE_CHECKING:
    from sentune.model_folder.hub.sent_files import SentFiles
    from sentune.model_folder.hub.uploading import Destination

__all__ = ["NAME", "command"]

NAME = "push"
_UNITS = ("bytes", "kB", "MB", "GB")


def command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a model.")],
    name: Annotated[str, typer.Argument(help="The repository: OWNER/NAME, or NAME for yours.")],
    public: Annotated[
        bool, typer.Option("--public", help="A repository that everybody sees; private without.")
    ] = False,
    exist_ok: Annotated[
        bool, typer.Option("--exist-ok", help="Commit to a repository that exists.")
    ] = False,
    revision: Annotated[
        str | None, typer.Option(help="The branch; it is made if it does not exist.")
    ] = None,
    message: Annotated[str | None, typer.Option(help="The message of the commit.")] = None,
    include: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE", help="One more file of DIR to send; may be repeated."),
    ] = None,
) -> None:
    """Send a model to the Hugging Face hub.

    All of its files are in one commit.
    """
    from sentune.model_folder.hub.sent_files import sent_files
    from sentune.model_folder.hub.uploading import Destination, require_sendable, send_model

    to = Destination(
        name, private=not public, exist_ok=exist_ok, revision=revision, message=message
    )
    sent = sent_files(folder, include or ())
    hub = require_sendable(to)
    for line in _announcement(sent, to, hub):
        say(line)
    _show_bars(interactive())
    print_line(send_model(sent, to))


def _announcement(sent: SentFiles, to: Destination, hub: str) -> list[str]:
    """What is sent and where, before it is."""
    seen = "private" if to.private else "PUBLIC"
    branch = f", branch {to.revision}" if to.revision else ""
    lines = [
        f"sending {counted(len(sent.files), 'file')} ({_size(sent.size)}) to {hub}/{to.repo_id}, "
        f"{seen}{branch}: {', '.join(sent.files)}"
    ]
    if sent.left_out:
        lines.append(f"not sent: {', '.join(sent.left_out)}")
    if sent.shows_texts:
        lines.append(
            "note: README.md shows texts of the training data; tune with --private-card, or "
            "remove them from the file, if nobody may see them"
        )
    return lines


def _size(number: float) -> str:
    unit = 0
    while number >= 1000 and unit < len(_UNITS) - 1:
        number, unit = number / 1000, unit + 1
    return f"{number:,.0f} {_UNITS[unit]}"


def _show_bars(shown: bool) -> None:
    from huggingface_hub.utils import disable_progress_bars  # type: ignore[attr-defined]

    if not shown:
        disable_progress_bars()
