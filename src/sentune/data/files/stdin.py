"""Standard input: JSONL, or one text a line.

Standard input has no suffix. It is JSONL when its first line that is not blank starts with
``{``, and one text a line otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from sentune.data.files.json_files import jsonl_records
from sentune.data.files.lines import STDIN, STDIN_NAME, numbered_lines
from sentune.data.files.records import Record
from sentune.errors import DataError

__all__ = ["records_of_stdin", "rows_of_stdin", "standard_input"]


def standard_input() -> tuple[bool, Iterator[tuple[int, str]]]:
    """Return whether standard input is JSONL, and all of its numbered lines.

    Reads up to the first line that is not blank. The lines include what was read for this; the
    others are read while iterating. Raises DataError if a line is not UTF-8.
    """
    lines = numbered_lines(STDIN)
    start: list[tuple[int, str]] = []
    for number, line in lines:
        start.append((number, line))
        if line.strip():
            break
    return bool(start) and start[-1][1].startswith("{"), chain(start, lines)


def records_of_stdin(lines: Iterator[tuple[int, str]]) -> Iterator[Record]:
    """Yield the records on the lines of :func:`standard_input`, when these are JSONL.

    Raises DataError if a line is not JSON. The message says why JSON was expected.
    """
    records = jsonl_records(lines, STDIN_NAME)
    try:
        yield from records
    except DataError as error:
        raise DataError(
            f"{error.given} ({STDIN_NAME} was read as JSONL because its first line starts with "
            '"{")',
            expected=error.expected,
            fix="write every line as a JSON object. If these are texts, save them as a .txt file "
            "and name that file",
        ) from error


def rows_of_stdin() -> Iterator[Record]:
    """Yield the records of standard input, which must be JSONL. Raises DataError."""
    is_jsonl, lines = standard_input()
    if is_jsonl:
        yield from records_of_stdin(lines)
        return
    for number, line in lines:
        if line.strip():
            raise DataError(
                f'{STDIN_NAME}, line {number} does not start with "{{"',
                expected="JSONL, with an object on every line",
                fix="write every line as a JSON object, or name a file",
            )
