"""A training that is killed at any instant ends with the bits of one that was not."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from sentune.files import sha256

_TUNES = Path(__file__).with_name("tunes.py")
_KILLS = int(os.environ.get("SENTUNE_KILLS", "3"))
_WRITES = 330  # of a whole run, about


class Runs:
    """The process that forks the runs."""

    def __init__(self, pairs: Path, model: Path) -> None:
        self._files = {"pairs": str(pairs), "model": str(model)}
        self.process = subprocess.Popen(
            [sys.executable, str(_TUNES)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )

    def run(self, out: Path, *, kill_at: int | None = None, kill_after: float = 0) -> int:
        """Run into ``out``; the exit code, −9 when it was killed."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(self._files | {"out": str(out), "kill_at": kill_at}))
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        begun = self.process.stdout.readline().split()
        assert begun[0] == "begun"
        if kill_after:
            time.sleep(kill_after)
            with suppress(ProcessLookupError):  # it has ended by itself
                os.kill(int(begun[1]), signal.SIGKILL)
        ended = self.process.stdout.readline().split()
        assert ended[0] == "ended"
        return int(ended[1])


@pytest.fixture
def runs(tmp_path: Path, tiny_folder: Path) -> Iterator[Runs]:
    words = "files threads dates sockets locks paths bytes sets queues heaps trees maps rows keys"
    rows = [
        {"anchor": f"how does {word} work", "positive": f"{word}: chapter {i} tells of {word}"}
        for i, word in enumerate(words.split())
    ]
    pairs = tmp_path / "pairs.jsonl"
    pairs.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    started = Runs(pairs, tiny_folder)
    assert started.process.stdout is not None
    assert started.process.stdout.readline() == "ready\n"
    yield started
    started.process.kill()
    started.process.communicate()


def result(out: Path) -> tuple[str, str, list[list[float]]]:
    """Weights, optimizer moments with the random generators, and the loss log."""
    told = json.loads((out / "evaluation.json").read_text(encoding="utf-8"))
    state = out.with_suffix(".state").read_text(encoding="utf-8")
    assert not (out / "checkpoints").exists()
    return sha256(out / "model.safetensors"), state, told["training"]["loss_log"]


def test_a_killed_training_ends_with_the_same_bits(runs: Runs, tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    began = time.monotonic()
    assert runs.run(whole) == 0
    seconds = time.monotonic() - began
    expected = result(whole)
    assert len(expected[2]) == 2
    draw = random.Random(0)
    kills = number = inside = 0
    while kills < _KILLS:
        out, number = tmp_path / f"killed-{number}", number + 1
        # One run after the other is killed until it gets through, by turns at a write and at an
        # instant.
        for attempt in range(8):
            if attempt % 2 == 0:
                ended = runs.run(out, kill_at=draw.randrange(_WRITES))
            else:
                ended = runs.run(out, kill_after=draw.uniform(0.05, seconds))
            inside += any(out.glob("checkpoints/.*.partial"))
            if ended == 0:
                break
            assert ended == -signal.SIGKILL
            kills += 1
        assert runs.run(out) == 0
        assert result(out) == expected
    print(f"{kills} kills of {number} runs, {inside} inside a save")
    assert inside
