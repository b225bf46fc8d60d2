"""Verbs together, and errors as one line with exit code 2."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

import typer
from typer.core import TyperGroup

from sentune import __version__
from sentune.cli import (
    ask,
    check,
    classify,
    cluster,
    convert,
    demo,
    distill,
    doctor,
    duplicates,
    encode,
    evaluate,
    export,
    index,
    mine_negatives,
    paraphrases,
    push,
    read,
    rerank,
    search,
    serve,
    similarity,
    split,
    tune,
)
from sentune.cli.output import discard_output, print_line, say, unwritable
from sentune.cli.usage import UsageError, is_request_for_help, usage_error
from sentune.errors import SentuneError
from sentune.machine.process import share_processor

__all__ = ["main"]

_INTERRUPTED = 130
_ORDER = (
    *(read, ask, split, check, convert, tune, distill, mine_negatives, evaluate, index, search),
    *(serve, rerank, encode, similarity, classify, cluster, paraphrases, duplicates),
    *(export, push, demo, doctor),
)


class _Ordered(TyperGroup):
    """Verbs in our order; typer would list those with further verbs last."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        return [verb.NAME for verb in _ORDER]


app = typer.Typer(
    name="sentune",
    cls=_Ordered,
    help="Tune a small sentence-embedding model to your own text, measure whether it got "
    "better, and use it.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _interruptible(command: Callable[..., None]) -> Callable[..., None]:
    """The command with a message on Ctrl-C; typer would end it without one.

    A command that leaves files behind raises KeyboardInterrupt again, with a message about them.
    """

    @wraps(command)
    def run(*arguments: Any, **options: Any) -> None:
        try:
            command(*arguments, **options)
        except KeyboardInterrupt as interrupt:
            _stop(str(interrupt) or "interrupted; nothing was written", _INTERRUPTED)

    return run


for verb in _ORDER:
    if verb in (classify, index):
        for registered in verb.app.registered_commands:
            registered.callback = _interruptible(registered.callback)
        app.add_typer(verb.app, name=verb.NAME)
    else:
        app.command(verb.NAME)(_interruptible(verb.command))


@app.callback(invoke_without_command=True)
def _options(version: bool = typer.Option(False, "--version", help="Print the version.")) -> None:
    if version:
        print_line(__version__)
        raise typer.Exit


def main() -> None:
    """Run the command line.

    Exit codes: 0 done; 2 bad input, with a message of one line; 3 not shown to be better
    (``tune --require-better``); 130 interrupted.
    """
    try:
        share_processor()
        sys.exit(app(prog_name="sentune", standalone_mode=False))
    except SentuneError as error:
        _stop(str(error), 2)
    except UsageError as error:
        if is_request_for_help(error):
            error.show()  # type: ignore[attr-defined]
            sys.exit(2)
        _stop(str(usage_error(error)), 2)
    except KeyboardInterrupt:  # while typer builds the verbs
        _stop("interrupted; nothing was written", _INTERRUPTED)
    except BrokenPipeError:
        discard_output()  # its reader has gone
    except OSError as error:
        # Files are written by code that names them; what has no name is the help or an output.
        if error.errno != errno.ENOSPC or error.filename is not None:
            raise
        discard_output()
        _stop(str(unwritable(error)), 2)


def _stop(message: str, code: int) -> None:
    say(f"sentune: {message}")
    sys.exit(code)
