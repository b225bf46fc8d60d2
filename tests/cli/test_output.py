"""The two outputs of the command line: on a full disk, in a pipe, on a narrow terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path
from typing import Any

SCRIPT = "from sentune.cli import main; main()"


def sentune(*arguments: object, **streams: Any) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-c", SCRIPT, *map(str, arguments)], check=False, **streams
    )


def test_a_full_disk_is_one_line(tiny_folder: Path, tmp_path: Path) -> None:
    passages = tmp_path / "passages.txt"
    passages.write_text("a cat\na dog\n", encoding="utf-8")
    for arguments in (
        ("similarity", tiny_folder, "a", "b"),
        ("search", tiny_folder, "a", "--data", passages),
        ("--version",),
        ("tune", "--help"),
    ):
        with Path("/dev/full").open("wb") as full:
            done = sentune(*arguments, stdout=full, stderr=subprocess.PIPE)
        assert done.returncode == 2
        line = done.stderr.decode().splitlines()[-1]
        assert "Traceback" not in done.stderr.decode()
        assert line.startswith("sentune: standard output cannot be written (No space left")


def test_tables_are_not_padded_in_a_pipe(run: Callable[..., Any]) -> None:
    lines = run("doctor").out.splitlines()
    assert lines
    assert all(line == line.rstrip() for line in lines)


def test_messages_break_between_words_on_a_terminal(tmp_path: Path) -> None:
    reader, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (24, 50))
    path = tmp_path / "a-name-with-hyphens-that-stays-whole.txt"
    assert sentune("duplicates", path, stderr=terminal).returncode == 2
    os.close(terminal)
    lines = os.read(reader, 10_000).decode().splitlines()
    os.close(reader)
    assert len(lines) > 1
    assert all(len(line) <= 50 or line.count(" ") == 0 for line in lines)
    piped = sentune("duplicates", path, stderr=subprocess.PIPE).stderr.decode()
    assert " ".join(lines).split() == piped.split()
    assert piped.count("\n") == 1
