"""Community detection among 10,000 vectors, or 50,000."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from bench.tasks.measure import OURS, REFERENCE, alternate, peak_memory
from bench.tasks.vectors import described, real_vectors
from sentence_transformers import util

from sentune.tasks.communities import community_detection

SIZES = {"small": 10_000, "full": 50_000}


def prepare(name: str, count: int, cache: Path, threshold: float = 0.75) -> Callable[[], Any]:
    """One library, ready to run."""
    vectors = real_vectors(count, cache)
    detect = community_detection if name == OURS else util.community_detection
    return lambda: detect(vectors, threshold)


def main(scale: str, *, rounds: int, cache: Path) -> None:
    """Print a table for the usual threshold and for a low one."""
    count = SIZES[scale]
    for threshold in (0.75, 0.5):
        print(f"communities: {described(count)}, threshold {threshold}")
        runs = {name: prepare(name, count, cache, threshold) for name in (OURS, REFERENCE)}
        results = alternate(runs, rounds, count * count * 384)
        ours, theirs = results[OURS], results[REFERENCE]
        equal = sum(a == b for a, b in zip(ours, theirs, strict=False))
        members = len({frozenset(c) for c in ours} & {frozenset(c) for c in theirs})
        print(
            f"  {len(ours):,} and {len(theirs):,} communities of {sum(map(len, ours)):,} and "
            f"{sum(map(len, theirs)):,} members; {equal:,} equal in place and order, "
            f"{members:,} with the same members"
        )
        for name in (OURS, REFERENCE):
            peak_memory(partial(prepare, threshold=threshold), name, count, cache)
