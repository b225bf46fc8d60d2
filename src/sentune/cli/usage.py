"""A command that no verb takes → an error of one line; typer would print four."""

from __future__ import annotations

from typing import Any

import typer

from sentune.errors import ArgumentError

__all__ = ["UsageError", "is_request_for_help", "usage_error"]

# Its module has another name in each version of typer.
UsageError: type[Exception] = typer.BadParameter.__mro__[1]


def is_request_for_help(error: Any) -> bool:
    """Whether a command that has only verbs below it was typed alone: its help is printed then."""
    return type(error).__name__ == "NoArgsIsHelpError"


def usage_error(error: Any) -> ArgumentError:
    """The same as an error of sentune: what was typed, the usage, and where the options are."""
    context = error.ctx
    given = error.format_message().rstrip(".").replace(" (Possible options: --help)", "")
    given = given[0].lower() + given[1:]
    if context is None:
        return ArgumentError(
            given, expected="a command as its help shows it", fix="add -h to see it"
        )
    fix = f"see {context.command_path} -h"
    if "extra argument" in given and _takes_model(context):
        fix = f"give the model by --model, or {fix}"
    usage = " ".join(context.get_usage().removeprefix("Usage: ").split())
    return ArgumentError(given, expected=f"`{usage}`", fix=fix)


def _takes_model(context: Any) -> bool:
    return any("--model" in parameter.opts for parameter in context.command.params)
