"""An encoding that is killed at any instant, or finds the disk full, ends with the same bytes.

``make test-long`` kills 200 times, ``make test`` three times.
"""

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
from typing import Any

import pytest
from tests.long import LONG

_ENCODES = Path(__file__).with_name("encodes.py")
_KILLS = 200 if LONG else 3
_TEXTS, _SHARDS = 120, 8
_WRITES = 45  # of a whole run, about
_NAMES = ("v.npy", "v.parquet", "v.arrow")


class Runs:
    """The process that forks the runs."""

    def __init__(self, model: Path, texts: Path) -> None:
        self._texts = str(texts)
        self.process = subprocess.Popen(
            [sys.executable, str(_ENCODES), str(model)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # the limits of size apply to a file there too
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )

    def run(
        self,
        out: Path,
        *,
        kill_at: int | None = None,
        kill_after: float = 0,
        limit: int | None = None,
    ) -> int:
        """Encode to ``out``; return the exit code, −9 after a kill."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        asked = {"texts": self._texts, "out": str(out), "kill_at": kill_at, "limit": limit}
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        begun = self.process.stdout.readline().split()
        assert begun[0] == "begun"
        if kill_after:
            time.sleep(kill_after)
            with suppress(ProcessLookupError):  # it has already ended
                os.kill(int(begun[1]), signal.SIGKILL)
        ended = self.process.stdout.readline().split()
        assert ended[0] == "ended"
        return int(ended[1])


@pytest.fixture
def runs(tmp_path: Path, base_folder: Path, real_texts: list[str]) -> Iterator[Runs]:
    short = [text for text in real_texts if text.strip() and len(text) < 120]
    long = next(text for text in real_texts if text.count(" ") > 300)
    texts = tmp_path / "texts.jsonl"
    chosen = [*short[: _TEXTS - 1], long]
    rows = [{"id": f"t{number}", "text": text} for number, text in enumerate(chosen)]
    texts.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    started = Runs(base_folder, texts)
    assert started.process.stdout is not None
    assert started.process.stdout.readline() == "ready\n"
    yield started
    started.process.kill()
    started.process.communicate()


def result_of(out: Path) -> Any:
    return json.loads(out.with_suffix(".result").read_text(encoding="utf-8"))


def finished_shards(out: Path) -> int:
    return len(list(out.with_name(f".{out.name}.encoding").glob("[0-9]*.json")))


def test_a_killed_encoding_ends_with_the_same_bytes(runs: Runs, tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    whole.mkdir()
    began = time.monotonic()
    for name in _NAMES:
        assert runs.run(whole / name) == 0
    seconds = (time.monotonic() - began) / len(_NAMES)
    assert result_of(whole / "v.npy") == [_TEXTS, _TEXTS, 1]
    draw = random.Random(0)
    kills = number = half_done = 0
    while kills < _KILLS:
        folder = tmp_path / f"killed-{number}"
        out = folder / _NAMES[number % len(_NAMES)]
        folder.mkdir()
        number += 1
        # Runs are killed until one ends, in turn at a write and at a random instant.
        for attempt in range(8):
            if attempt % 2 == 0:
                ended = runs.run(out, kill_at=draw.randrange(_WRITES))
            else:
                ended = runs.run(out, kill_after=draw.uniform(0.05, seconds))
            if ended == 0:
                break
            assert ended == -signal.SIGKILL
            kills += 1
            half_done += 0 < finished_shards(out) < _SHARDS
            # A file with the name of the result is the whole result.
            assert not out.exists() or out.read_bytes() == (whole / out.name).read_bytes()
        before = finished_shards(out)
        assert runs.run(out) == 0
        assert out.read_bytes() == (whole / out.name).read_bytes()
        rows, encoded, truncated = result_of(out)
        assert (rows, truncated) == (_TEXTS, 1)
        assert encoded == max(0, _TEXTS - 16 * before)
        left = {path.name for path in folder.iterdir()}
        assert left == {out.name, out.with_suffix(".result").name}
    print(f"{kills} kills of {number} files, {half_done} with some shards finished")
    assert half_done


def test_a_run_continues_after_a_full_disk(runs: Runs, tmp_path: Path) -> None:
    """Too small for the records, for a shard of 16 · 384 · 4 bytes, and for the file of eight."""
    for name in _NAMES:
        out = tmp_path / name
        for limit, shards in ((300, 0), (10_000, 0), (60_000, _SHARDS)):
            assert runs.run(out, limit=limit) == 2
            assert not out.exists()
            assert finished_shards(out) == shards
            assert not list(tmp_path.glob("*/.*.partial"))
        assert runs.run(out) == 0
        assert result_of(out)[:2] == [_TEXTS, 0]
        assert not out.with_name(f".{name}.encoding").exists()
