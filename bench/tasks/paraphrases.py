"""Paraphrase mining among 20,000 vectors, or 100,000."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from bench.tasks.measure import OURS, REFERENCE, alternate, peak_memory
from bench.tasks.vectors import described, real_vectors
from numpy.typing import NDArray
from sentence_transformers import util

from sentune.tasks.paraphrases import paraphrase_mining_embeddings

SIZES = {"small": 20_000, "full": 100_000}


def prepare(name: str, count: int, cache: Path) -> Callable[[], Any]:
    """One library, ready to run."""
    vectors = torch.from_numpy(real_vectors(count, cache))
    reference = util.paraphrase_mining_embeddings
    mine = paraphrase_mining_embeddings if name == OURS else reference
    return lambda: mine(vectors)


def main(scale: str, *, rounds: int, cache: Path) -> None:
    """Print the table."""
    count = SIZES[scale]
    print(f"paraphrases: {described(count)}, 500,000 pairs at most")
    runs = {name: prepare(name, count, cache) for name in (OURS, REFERENCE)}
    results = alternate(runs, rounds, count * count * 384)
    ours, theirs = ({(i, j): s for s, i, j in results[name]} for name in (OURS, REFERENCE))
    shared = ours.keys() & theirs.keys()
    apart = max(abs(ours[pair] - theirs[pair]) for pair in shared)
    other = ours.keys() ^ theirs.keys()
    ties = _ties(real_vectors(count, cache), list(other), min(ours.values()))
    print(
        f"  {len(shared):,} of {len(ours):,} and {len(theirs):,} pairs equal, scores at most "
        f"{apart:.1e} apart; of {len(other):,} others {ties:,} tie with the last place"
    )
    for name in (OURS, REFERENCE):
        peak_memory(prepare, name, count, cache)


def _ties(vectors: NDArray[np.float32], pairs: list[tuple[int, int]], last: float) -> int:
    """How many of ``pairs`` score as the last of all, or as the 100th best of one of the two."""
    wide = vectors.astype(np.float64)
    found = 0
    for pair in pairs:
        score = wide[pair[0]] @ wide[pair[1]]
        # The vector itself is the best.
        places = [last, *(np.partition(wide @ wide[i], -101)[-101] for i in pair)]
        found += bool(np.abs(np.array(places) - score).min() < 1e-6)
    return found
