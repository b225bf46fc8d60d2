"""A choice of one column: the one that a person names, or the only one with a known name."""

from __future__ import annotations

from collections.abc import Sequence

from sentune.data.files.records import quoted
from sentune.data.roles import names
from sentune.data.roles.headers import likely_data
from sentune.data.roles.looks import look_of
from sentune.data.roles.options import ReadOptions
from sentune.errors import DataError

__all__ = ["chosen", "kept", "only_column"]


def chosen(option: str, name: str | None, columns: Sequence[str], named_at: str) -> str | None:
    """Return the column that an option names, as the file writes it. Raises DataError."""
    if name is None or name in columns:
        return name
    alike = [column for column in columns if names.plain(column) == names.plain(name)]
    if len(alike) == 1:
        return alike[0]
    raise DataError(
        f"{named_at}: {option} names {quoted([name])}, and there is no such column "
        f"({_found(columns)})",
        expected="the name of a column",
        fix=f"correct {option}",
    )


def only_column(
    candidates: Sequence[str], role: str, columns: Sequence[str], named_at: str, fix: str
) -> str:
    """Return the only one of ``candidates``, which could have the role. Raises DataError."""
    if len(candidates) == 1:
        return candidates[0]
    several = f"the columns {quoted(candidates)} could each be"
    problem = f"{several if candidates else 'no column could be'} the {role}"
    unproven = names.named(columns, names.SYSTEM) if role == "passage" else []
    if unproven and not candidates:
        problem += f", because {quoted(unproven)} may be wrong"
        fix = f"if they are right, say so: --passage-column {unproven[0]}. Otherwise {fix}"
    elif not candidates and (look := look_of(columns)):
        kind, fix = look
        problem = f"this looks like {kind}: {problem}"
    elif not candidates and likely_data(columns):
        problem = "this looks like a row of a file without a header, because " + problem
        fix = "add --no-header if the file has no names of columns; otherwise " + fix
    elif not candidates and role == "question" and names.named(columns, names.TEXT):
        # as sentune read writes it
        fix = "if these are texts alone, sentune ask makes questions of them; otherwise " + fix
    raise DataError(
        f"{named_at}: {problem} ({_found(columns)})",
        expected=f"exactly one column of {role}s",
        fix=fix,
    )


def kept(columns: Sequence[str], options: ReadOptions) -> list[str]:
    """The columns that a person did not tell to ignore."""
    ignored = set(map(names.plain, options.ignore))
    return [name for name in columns if names.plain(name) not in ignored]


def _found(columns: Sequence[str]) -> str:
    return f"columns found: {quoted(columns)}" if columns else "there are no columns"
