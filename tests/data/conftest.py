from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sentune.errors import DataError

Write = Callable[[str, str | bytes], Path]
Refusal = Callable[[Callable[[Path], object], Path], str]
Feed = Callable[[str | bytes], Iterator[bytes]]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file byte for byte and return its path."""

    def _write(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        return path

    return _write


@pytest.fixture
def refusal() -> Refusal:
    """Call a reader that must refuse; return the message without the folder of the file."""

    def _refusal(read: Callable[[Path], object], path: Path) -> str:
        with pytest.raises(DataError) as caught:
            read(path)
        message = str(caught.value)
        assert "\n" not in message
        assert message.isprintable()
        assert str(path) in message
        assert all([caught.value.given, caught.value.expected, caught.value.fix])
        return message.replace(f"{path.parent}/", "")

    return _refusal


class _Stream:
    def __init__(self, lines: Iterator[bytes]) -> None:
        self.buffer = lines


@pytest.fixture
def feed(monkeypatch: pytest.MonkeyPatch) -> Feed:
    """Put bytes on standard input; return the lines that nobody has read yet."""

    def _feed(content: str | bytes) -> Iterator[bytes]:
        data = content if isinstance(content, bytes) else content.encode("utf-8")
        lines = iter(data.splitlines(keepends=True))
        monkeypatch.setattr(sys, "stdin", _Stream(lines))
        return lines

    return _feed
