"""Fresh processes: how long ``sentune`` takes to start, beside what it is measured against.

    .venv/bin/python -m bench.startup [--rounds 7]

Import, help and the encoding of one sentence, each beside a yardstick: a bare ``python -c pass``, a
typer program with two commands, and the same sentence with sentence-transformers. Processes run in
alternation. Prints medians, the median of the ratios of the rounds, and the largest memory.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

from sentune.model_folder.resolve import DEFAULT_BASE_MODEL, resolve

_TYPER = """
import typer
app = typer.Typer()
@app.command()
def one(name: str) -> None:
    "The first."
@app.command()
def two(name: str) -> None:
    "The second."
app()
"""
_REFERENCE = """
import numpy
from sentence_transformers import SentenceTransformer
numpy.save("reference.npy", SentenceTransformer({folder!r}).encode(["A sentence."]))
"""
_PAIRS = (("import sentune", "bare Python"), ("--help", "typer"), ("encode", "reference"))


def main() -> None:
    """Print a line for each pair."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    folder = str(resolve(DEFAULT_BASE_MODEL).folder)
    sentune = str(Path(sys.executable).with_name("sentune"))
    with tempfile.TemporaryDirectory() as scratch:
        scratch_folder = Path(scratch)
        (scratch_folder / "text.txt").write_text("A sentence.\n", encoding="utf-8")
        commands = {
            "import sentune": [sys.executable, "-c", "import sentune"],
            "bare Python": [sys.executable, "-c", "pass"],
            "--help": [sentune, "--help"],
            "typer": [sys.executable, "-c", _TYPER, "--help"],
            "encode": [sentune, "encode", folder, "text.txt", "--out", "ours.npy"],
            "reference": [sys.executable, "-c", _REFERENCE.format(folder=folder)],
        }
        seconds: dict[str, list[float]] = {name: [] for name in commands}
        peak = dict.fromkeys(commands, 0)
        for _ in range(rounds):
            for name, command in commands.items():
                took, resident = _run(command, scratch_folder)
                seconds[name].append(took)
                peak[name] = max(peak[name], resident)
                (scratch_folder / "ours.npy").unlink(missing_ok=True)
    for ours, theirs in _PAIRS:
        ratio = statistics.median(
            a / b for a, b in zip(seconds[ours], seconds[theirs], strict=True)
        )
        shown = [f"{name} {statistics.median(seconds[name]):.3f} s" for name in (ours, theirs)]
        print(
            f"{' · '.join(shown)}: {ratio:.2f} of the time, "
            f"{peak[ours] / 1024:.0f} of {peak[theirs] / 1024:.0f} MB"
        )


def _run(command: list[str], scratch_folder: Path) -> tuple[float, int]:
    """Seconds, and the largest resident memory in KiB."""
    started = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=scratch_folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command[0]} ended with {process.returncode}")
    return time.perf_counter() - started, used.ru_maxrss


if __name__ == "__main__":
    main()
