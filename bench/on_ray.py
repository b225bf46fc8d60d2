"""Encoding on a Ray of this machine beside one process, in turn.

    python -m bench.on_ray [--texts 8192] [--rounds 3]

Both write the same file. Ratios are of the median of the rounds. Processor seconds are those of all
processes that belong to a run; they say more than the clock beside other busy processes.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import Any

from sentune import SentenceTransformer
from sentune.bulk import encode_to_file
from sentune.encoding.runners.ray_cluster import LOCAL, join_cluster
from sentune.encoding.runners.ray_runner import RayRunner

_TICKS = os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Print seconds of both, and their ratios, as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=8192)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    texts = made_texts(asked.texts)
    model = SentenceTransformer(device="cpu", compute_dtype="float32")
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name, join_cluster(LOCAL) as cluster:
        folder = Path(name)
        joined = time.monotonic() - began
        runner = RayRunner(cluster, model)
        first = measured(lambda: model.encode(texts[:64], pool=runner, chunk_size=1))
        rounds: list[dict[str, Any]] = []
        for _ in range(asked.rounds):
            here = measured(lambda: encode_to_file(model, texts, folder / "here.npy"))
            there = measured(
                lambda: encode_to_file(model, texts, folder / "there.npy", pool=runner)
            )
            same = (folder / "here.npy").read_bytes() == (folder / "there.npy").read_bytes()
            rounds.append({"here": here, "there": there, "same bytes": same})
            print(json.dumps(rounds[-1]), flush=True)
    ratios = {
        kind: round(_median(rounds, "there", at) / _median(rounds, "here", at), 3)
        for at, kind in enumerate(("seconds", "processor seconds"))
    }
    print(json.dumps({"join": round(joined, 1), "first chunks": first, "ratios": ratios}))


def _median(rounds: list[dict[str, Any]], who: str, at: int) -> float:
    return float(median(each[who][at] for each in rounds))


def made_texts(count: int) -> list[str]:
    """Texts of 4 to 16 words of this repository's pages."""
    words = (Path(__file__).parents[1] / "docs" / "performance.md").read_text("utf-8").split()
    return [
        " ".join(words[(at * 31 + word * 7) % len(words)] for word in range(4 + at % 13))
        for at in range(count)
    ]


def measured(run: Callable[[], object]) -> tuple[float, float]:
    """Seconds, and processor seconds of this process and of those below it."""
    began, used = time.monotonic(), processor_seconds()
    run()
    return round(time.monotonic() - began, 2), round(processor_seconds() - used, 2)


def processor_seconds() -> float:
    """Of this process and of those below it that run now."""
    ticks = 0
    for process in (os.getpid(), *below(os.getpid())):
        with suppress(OSError):
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / _TICKS


def below(process: int) -> Iterator[int]:
    """The numbers of all processes that a process has started, and of theirs."""
    for children in Path(f"/proc/{process}/task").glob("*/children"):
        with suppress(OSError):
            for child in children.read_text().split():
                yield int(child)
                yield from below(int(child))


if __name__ == "__main__":
    main()
