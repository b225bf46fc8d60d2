"""A tuning that is killed at any instant ends with the bits of one that was not.

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
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests.long import LONG

from sentune.files import sha256

_TUNES = Path(__file__).with_name("tunes.py")
_KILLS = 200 if LONG else 3
_PARTS = ("save", "instant", "publish")  # that kills hit, by turns
_SETTINGS = """\
num_train_epochs: 4
per_device_train_batch_size: 4
learning_rate: 0.001
dropout: 0.1
logging_steps: 5
save_strategy: steps
save_steps: 1
"""
_STEPS = 12
_TIMED = {"README.md", "evaluation.json", "report.html"}  # say how long training took


class Runs:
    """The process that forks the runs."""

    def __init__(self, pairs: Path, model: Path, config: Path) -> None:
        given = ["tune", str(pairs), "--base", str(model), "--config", str(config), "--resume"]
        self._given = given
        self.process = subprocess.Popen(
            [sys.executable, str(_TUNES)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )

    def answer(self) -> list[str]:
        assert self.process.stdout is not None
        return self.process.stdout.readline().split()

    def run(
        self, out: Path, *, kill: dict[str, str | int] | None = None, after: float | None = None
    ) -> int:
        """Run into ``out``; the exit code, −9 when it was killed."""
        assert self.process.stdin is not None
        Path(f"{out}.log").touch()
        arguments = [*self._given, "--out", str(out)]
        line = json.dumps({"arguments": arguments, "out": str(out), "kill": kill})
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        begun, process = self.answer()
        assert begun == "begun"
        if after is not None:
            time.sleep(after)
            with suppress(ProcessLookupError):  # it has ended by itself
                os.kill(int(process), signal.SIGKILL)
        ended, code = self.answer()
        assert ended == "ended"
        return int(code)


@pytest.fixture
def runs(tmp_path: Path, tiny_folder: Path) -> Iterator[Runs]:
    words = "files threads dates sockets locks paths bytes sets queues heaps trees maps rows keys"
    rows = [
        {"anchor": f"how does {word} work", "positive": f"{word}: chapter {i} tells of {word}"}
        for i, word in enumerate(words.split())
    ]
    pairs, config = tmp_path / "pairs.jsonl", tmp_path / "run.yaml"
    pairs.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    config.write_text(_SETTINGS, encoding="utf-8")
    started = Runs(pairs, tiny_folder, config)
    assert started.answer() == ["ready"]
    yield started
    started.process.kill()
    started.process.communicate()


def said(out: Path) -> str:
    return Path(f"{out}.log").read_text(encoding="utf-8")


def warnings(out: Path) -> int:
    return said(out).count("is damaged")


def result(out: Path) -> tuple[dict[str, str], str, list[list[float]]]:
    """Every file, weights among them; optimizer and random generators; the loss log."""
    paths = [path for path in out.rglob("*") if path.is_file()]
    files = {
        path.relative_to(out).as_posix(): "" if path.name in _TIMED else sha256(path)
        for path in paths
    }
    state = Path(f"{out}.state").read_text(encoding="utf-8")
    told = json.loads((out / "evaluation.json").read_text(encoding="utf-8"))
    return files, state, told["training"]["loss_log"]


def found(out: Path) -> str:
    """What a kill interrupted, by what it left."""
    if any(out.glob(".checkpoints.*")) or any(out.glob("checkpoints/*finished*")):
        return "publish"
    return "save" if any(out.glob("checkpoints/.*.partial")) else "elsewhere"


def tear(out: Path, draw: random.Random) -> bool:
    """Damage the last checkpoint, if that is what the next run goes on from."""
    found = sorted(out.glob("checkpoints/checkpoint-*"), key=lambda path: int(path.name[11:]))
    if not found or (out / "checkpoints" / "finished").exists():
        return False
    path = draw.choice(sorted(path for path in found[-1].rglob("*") if path.is_file()))
    content = path.read_bytes()
    place = draw.randrange(len(content))
    match draw.choice(("cut", "changed", "gone")):
        case "cut":
            path.write_bytes(content[:place])
        case "changed":
            path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        case _:
            path.unlink()
    return True


class Killer:
    """Kills one run after the other: by turns inside a save, at an instant, while publishing.

    Args:
        runs: start them.
        whole: the folder of a run that was left alone, which tells how much there is to hit.
    """

    def __init__(self, runs: Runs, whole: Path) -> None:
        self._runs, self._draw = runs, random.Random(0)
        self._whole = json.loads(Path(f"{whole}.told").read_text(encoding="utf-8"))
        self._window = self._whole["seconds"]
        self.hits: Counter[str] = Counter()
        self.torn = 0

    @property
    def kills(self) -> int:
        return self.hits.total()

    def kill(self, out: Path) -> bool:
        """Start a run into ``out``; whether it was killed, and not done before."""
        part = _PARTS[self.kills % len(_PARTS)]
        if part == "instant":
            ended = self._runs.run(out, after=self._draw.uniform(0, self._window))
            # The machine may be busier than it was, or less so.
            self._window *= 0.7 if ended == 0 else 1.2
        else:
            # A save further on than the third would let too many runs get through.
            share = 3 / _STEPS if part == "save" else 1
            place = self._draw.randrange(int(self._whole[part] * share))
            ended = self._runs.run(out, kill={"part": part, "at": place})
        if ended != 0:
            assert ended == -signal.SIGKILL, said(out)
            self.hits[found(out) if part == "instant" else part] += 1
        return ended != 0

    def tear(self, out: Path) -> bool:
        """Damage the last checkpoint one time in three; whether it was."""
        torn = self._draw.random() < 0.3 and tear(out, self._draw)
        self.torn += torn
        return torn


def test_a_killed_tuning_ends_with_the_same_bits(runs: Runs, tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    assert runs.run(whole) == 0  # nothing to resume: it starts fresh
    expected = result(whole)
    assert len(expected[2]) == 2
    killer, number = Killer(runs, whole), 0
    while killer.kills < _KILLS:
        out, heard, number = tmp_path / f"killed-{number}", -1, number + 1
        while killer.kill(out):  # until a run gets through
            # Nobody takes it for a model before it is one.
            if (out / "config.json").exists():
                assert sha256(out / "model.safetensors") == expected[0]["model.safetensors"]
            # Not again before a run has noticed: it may have been killed too soon.
            if warnings(out) > heard and killer.tear(out):
                heard = warnings(out)
        assert runs.run(out) == 0
        assert f"{out} holds a finished run; nothing is left to do" in said(out)
        assert warnings(out) > heard
        assert result(out) == expected
    hits = ", ".join(f"{part} {count}" for part, count in sorted(killer.hits.items()))
    print(f"{killer.kills} kills of {number} runs ({hits}), {killer.torn} checkpoints torn")
    assert killer.hits["save"]
    assert killer.hits["publish"]
