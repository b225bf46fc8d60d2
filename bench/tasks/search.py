"""Exact search: 1,000 queries against 100,000 vectors, or a million."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from bench.tasks.measure import OURS, REFERENCE, alternate, peak_memory
from bench.tasks.vectors import described, real_vectors
from sentence_transformers import util

from sentune.tasks.semantic_search import semantic_search

QUERIES = 1000
SIZES = {"small": 100_000, "full": 1_000_000}


def prepare(name: str, count: int, cache: Path) -> Callable[[], Any]:
    """One library, ready to run."""
    corpus = real_vectors(count, cache)
    queries = np.random.default_rng(1).permutation(real_vectors(20_000, cache))[:QUERIES]
    search = semantic_search if name == OURS else util.semantic_search
    return lambda: search(queries, corpus)


def main(scale: str, *, rounds: int, cache: Path) -> None:
    """Print the table."""
    count = SIZES[scale]
    print(f"search: {QUERIES:,} queries, {described(count)}, the 10 best")
    runs = {name: prepare(name, count, cache) for name in (OURS, REFERENCE)}
    results = alternate(runs, rounds, 2 * QUERIES * count * 384)
    ours, theirs = results[OURS], results[REFERENCE]
    pairs = [p for a, b in zip(ours, theirs, strict=True) for p in zip(a, b, strict=True)]
    equal = sum(a["corpus_id"] == b["corpus_id"] for a, b in pairs)
    apart = max(abs(a["score"] - b["score"]) for a, b in pairs)
    print(f"  {equal:,} of {len(pairs):,} ids equal; scores at most {apart:.1e} apart")
    runs.clear()
    for name in (OURS, REFERENCE):
        peak_memory(prepare, name, count, cache)
