"""The journal of requests: every answer is on the disk before it counts, so none is paid twice."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sentune.errors import DataError, OutputError
from sentune.files import appended_file, locked

__all__ = ["Journal", "journal_path", "open_journal"]

_FIRST = {"journal": "sentune ask", "version": 1}


def journal_path(out: Path) -> Path:
    """The journal of a file of pairs.

    >>> journal_path(Path("pairs.jsonl")).name
    'pairs.jsonl.journal'
    """
    return out.with_name(f"{out.name}.journal")


@dataclass
class Journal:
    """What was sent and what came, in this run and before it.

    Attributes:
        answers: key of a request → the answer as the model wrote it.
        requests: how many were sent, repeats included.
        tokens: those of all answers, as the server counts them.
    """

    answers: dict[str, str] = field(default_factory=dict)
    requests: int = 0
    tokens: int = 0
    _add: Callable[[bytes], None] = field(default=lambda _: None, repr=False)

    def sent(self, key: str) -> None:
        """Write that a request goes out: also one without an answer counts."""
        self.write({"sent": key})

    def answered(self, key: str, passage: str, answer: str, tokens: int) -> None:
        """Write a usable answer."""
        self.write({"key": key, "id": passage, "answer": answer, "tokens": tokens})

    def failed(self, key: str, reason: str, tokens: int) -> None:
        """Write why an answer was of no use."""
        self.write({"key": key, "fault": reason, "tokens": tokens})

    def write(self, entry: dict[str, Any]) -> None:
        """Add an entry. Raises OutputError."""
        self._add(json.dumps(entry).encode("ascii"))
        self.read(entry)

    def read(self, entry: dict[str, Any]) -> None:
        """Take note of an entry. Raises KeyError, TypeError or ValueError if it is none."""
        if "sent" in entry:
            self.requests += 1
            return
        key, tokens = entry["key"], entry["tokens"]
        if not isinstance(key, str) or not isinstance(tokens, int):
            raise TypeError
        self.tokens += tokens
        if isinstance(entry.get("answer"), str):
            self.answers[key] = entry["answer"]
        elif not isinstance(entry.get("fault"), str):
            raise ValueError


@contextmanager
def open_journal(path: Path) -> Iterator[Journal]:
    """Read a journal, or begin one, and keep it open to add to.

    Raises:
        OutputError: another process has it open, or it cannot be written.
        DataError: it is no journal, or a line of it was changed.
    """
    busy = OutputError(
        f"{path} is in use by another process",
        expected="one run at a time for a file of pairs",
        fix="wait for it, or name another --out",
    )
    lock = path.with_name(f".{path.name}.lock")
    with locked(lock, busy=busy):
        entries = _entries(path)
        with appended_file(path) as add:
            journal = Journal()
            for number, entry in enumerate(entries, start=2):
                try:
                    journal.read(entry)
                except (KeyError, TypeError, ValueError):
                    raise _damaged(path, number) from None
            journal._add = add
            if not path.stat().st_size:
                add(json.dumps(_FIRST).encode("ascii"))
            try:
                yield journal
            finally:
                lock.unlink(missing_ok=True)


def _entries(path: Path) -> list[dict[str, Any]]:
    """The entries after the first line; a last line without its end was cut by a kill."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise DataError(
            f"{path} cannot be read ({error.strerror})",
            expected="the journal of earlier requests",
            fix="check its permissions, or name another --out",
        ) from error
    first = json.dumps(_FIRST).encode("ascii")
    *lines, _cut = content.split(b"\n")
    if not lines and first.startswith(content):
        return []
    if not lines or lines[0] != first:
        raise DataError(
            f"{path} is no journal of sentune ask",
            expected="a file that an earlier run wrote, or none",
            fix="move it away, or name another --out",
        )
    return [_entry(path, number, line) for number, line in enumerate(lines[1:], start=2)]


def _entry(path: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except ValueError:
        raise _damaged(path, number) from None
    if not isinstance(entry, dict):
        raise _damaged(path, number)
    return entry


def _damaged(path: Path, number: int) -> DataError:
    return DataError(
        f"{path}, line {number} is damaged",
        expected="a line as sentune ask wrote it",
        fix="remove this line, or move the file away to ask everything again",
    )
