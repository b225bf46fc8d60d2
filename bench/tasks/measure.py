"""Two functions in alternation: wall and processor seconds, memory, and the floor."""

from __future__ import annotations

import multiprocessing
import re
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import torch

OURS, REFERENCE = "sentune", "sentence-transformers"


def alternate(
    runs: dict[str, Callable[[], Any]], rounds: int, operations: float | None = None
) -> dict[str, Any]:
    """Run all in turn ``rounds`` times, print a table, and return the last results.

    ``operations`` are those that ours cannot do without; the floor is the time that PyTorch's
    best product of two blocks, measured in each round, would take for them.
    """
    wall: dict[str, list[float]] = {name: [] for name in runs}
    busy: dict[str, list[float]] = {name: [] for name in runs}
    results: dict[str, Any] = {}
    peak = _product_speed()
    for _ in range(rounds):
        for name, run in runs.items():
            started, used = time.perf_counter(), time.process_time()
            results[name] = run()
            wall[name].append(time.perf_counter() - started)
            busy[name].append(time.process_time() - used)
        peak = max(peak, _product_speed())
    for name in runs:
        print(
            f"  {name:22} {statistics.median(wall[name]):8.2f} s of wall time "
            f"({min(wall[name]):.2f} to {max(wall[name]):.2f}), "
            f"{statistics.median(busy[name]):8.2f} s of processor time"
        )
    for kind, seconds in (("wall", wall), ("processor", busy)):
        ratios = [b / a for a, b in zip(seconds[OURS], seconds[REFERENCE], strict=True)]
        print(
            f"  ratio of {kind} time: {statistics.median(ratios):.2f} times the reference's speed"
        )
    if operations is not None:
        floor = operations / peak
        share = floor / min(wall[OURS])
        print(
            f"  floor: {operations / 1e9:,.0f} GFLOP at {peak / 1e9:.0f} GFLOP/s = "
            f"{floor:.2f} s, {share:.0%} of our best"
        )
    return results


def peak_memory(
    function: Callable[[str, int, Path], Any], name: str, count: int, cache: Path
) -> None:
    """Print the MiB by which ``function(name, count, cache)()`` raises a fresh process."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        mebibytes = pool.submit(_growth, function, name, count, cache).result()
    print(f"  {name:22} {mebibytes:8,.0f} MiB above its input at the peak")


def _growth(function: Callable[[str, int, Path], Any], name: str, count: int, cache: Path) -> float:
    run = function(name, count, cache)
    before = _status("VmRSS")
    run()
    return (_status("VmHWM") - before) / 1024


def _status(field: str) -> int:
    # Unlike getrusage's, this peak is not that of the parent process.
    found = re.search(rf"{field}:\s+(\d+)", Path("/proc/self/status").read_text())
    return int(found[1]) if found else 0


def _product_speed() -> float:
    """Operations a second, the best of some runs of products of 1024 x 1024 blocks."""
    a, b, out = torch.rand(1024, 384), torch.rand(1024, 384), torch.empty(1024, 1024)
    products, seconds = 20, []
    for _ in range(10):
        started = time.perf_counter()
        for _ in range(products):
            torch.mm(a, b.T, out=out)
        seconds.append(time.perf_counter() - started)
    return products * 2 * 1024 * 1024 * 384 / min(seconds)
