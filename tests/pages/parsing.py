"""Pages in Markdown → what a reader would run, and what the page says comes of it.

- An indented block whose first line starts with ``$`` has commands, each with its output below.
- A block fenced with ``python`` is run; an indented block right after it is its output.
- A comment before a block, which readers do not see, says how it is run::

    <!-- run: not here -->        it is not run: it needs what this machine does not have
    <!-- run: not compared -->    it is run, and its output may differ
    <!-- run: slow -->            left out of the quick check, with what comes after it on the page
    <!-- run: libraries -->       run by ``make docs-libraries`` only, which installs what it needs
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Step", "steps_of"]

_NOTE = re.compile(r"<!-- run: (not here|not compared|slow|libraries) -->")
_HEREDOC = re.compile(r"<<-?\s*'?(\w+)'?")


@dataclass(slots=True)
class Step:
    """One command, or one block of Python.

    Attributes:
        page: the name of the page.
        line: of the command in the page, from 1.
        code: what is run.
        kind: ``shell`` or ``python``.
        output: the lines that the page shows; None if it shows none.
        note: what a comment says about it.
    """

    page: str
    line: int
    code: str
    kind: str
    output: list[str] | None = None
    note: str = ""


def steps_of(path: Path) -> list[Step]:
    """All steps of a page, in order."""
    steps: list[Step] = []
    note = ""
    before: Step | None = None  # a block of Python whose output may follow
    for start, kind, lines in _blocks(path.read_text(encoding="utf-8").splitlines()):
        if kind == "note":
            note = lines[0]
            continue
        if kind == "python":
            before = Step(path.name, start, "\n".join(lines) + "\n", "python", note=note)
            steps.append(before)
        elif kind == "indented" and lines[0].startswith("$ "):
            steps += _commands(path.name, start, lines, note)
            before = None
        elif kind == "indented" and before is not None:
            before.output = lines
            before = None
        else:
            before = None
        note = ""
    return steps


def _commands(page: str, start: int, lines: list[str], note: str) -> Iterator[Step]:
    step: Step | None = None
    end: str | None = None  # of a text that the command is given
    for number, line in enumerate(lines, start):
        if end is not None and step is not None:
            step.code += f"\n{line}"
            end = None if line.strip() == end else end
        elif line.startswith("$ "):
            if step is not None:
                yield step
            step = Step(page, number, line[2:], "shell", [], note)
            found = _HEREDOC.search(line)
            end = found[1] if found else None
        elif step is not None and step.code.endswith("\\") and not step.output:
            step.code += f"\n{line}"
        elif step is not None and step.output is not None:
            step.output.append(line)
    if step is not None:
        yield step


def _blocks(lines: list[str]) -> Iterator[tuple[int, str, list[str]]]:
    """(line, kind, content) of blocks: ``note``, ``python``, ``indented``, ``fenced``, ``text``."""
    at = 0
    while at < len(lines):
        line = lines[at]
        if line.startswith("```"):
            end = next(n for n in range(at + 1, len(lines)) if lines[n].startswith("```"))
            kind = "python" if line == "```python" else "fenced"
            yield at + 2, kind, lines[at + 1 : end]
            at = end + 1
        elif line.startswith("    ") and (at == 0 or not lines[at - 1].strip()):
            end = at
            while end < len(lines) and (lines[end].startswith("    ") or not lines[end].strip()):
                end += 1
            block = [each[4:] for each in lines[at:end]]
            while not block[-1].strip():
                block.pop()
            yield at + 1, "indented", block
            at = end
        else:
            note = _NOTE.fullmatch(line.strip())
            if note:
                yield at + 1, "note", [note[1]]
            elif line.strip():
                yield at + 1, "text", [line]
            at += 1
