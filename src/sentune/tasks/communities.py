"""Community detection: groups of vectors, each close to the centre of its group."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sentune.checks import require_number
from sentune.encoding.similarity import Vectors, cos_sim
from sentune.progress import Advance, progress
from sentune.tasks.nearest import Scorer, above, block_width, by_row, require_sizes
from sentune.tasks.vector_rows import BLOCK, VectorRows

__all__ = ["community_detection"]

_NEIGHBOURS = 1 << 21


@torch.no_grad()
def community_detection(
    embeddings: Vectors,
    threshold: float = 0.75,
    min_community_size: int = 10,
    batch_size: int = 1024,
    show_progress_bar: bool = False,
) -> list[list[int]]:
    """Communities of vectors with a cosine of at least ``threshold`` to the centre.

    Every vector with enough neighbours can be a centre. The one with the most neighbours comes
    first, and takes those that are in no earlier community. This is the "fast clustering" of
    sentence-transformers, in two passes. The first counts the neighbours of all vectors, with one
    product for each pair. The second finds the neighbours of the centres, in batches, among the
    vectors that are still free. Neighbours are never kept for all vectors at once.

    >>> from sentune import SentenceTransformer, community_detection
    >>> texts = ["a file is copied", "a thread waits", "a copy of a file is made"]
    >>> vectors = SentenceTransformer("all-MiniLM-L6-v2").encode(texts)
    >>> community_detection(vectors, threshold=0.75, min_community_size=2)
    [[0, 2]]

    Args:
        embeddings: (n, dim) array, tensor or sequence of vectors.
        threshold: least cosine of a member to its centre, from −1 to 1. The cosine of two copies
            may be rounded below 1; use 0.9999 to find them.
        min_community_size: least number of members, the centre included.
        batch_size: the most centres whose neighbours are found together.
        show_progress_bar: show a bar for each pass.

    Returns:
        The communities, the largest first, as indices: the centre, then the members from near
        to far. No index is in two communities.

    Cost: n² · dim operations to count, and 2 · dim for each centre tried and each free vector,
    2 · n² · dim at most. Memory for O(n · dim) numbers and two million neighbours (or n, if that
    is more), whatever the threshold.

    Raises:
        ArgumentError: no matrix, values that are not finite, a threshold outside −1 to 1, or a
            size below 1.
    """
    require_sizes(min_community_size=min_community_size, batch_size=batch_size)
    fix = "0.75 finds near paraphrases; lower values find looser groups"
    limit = require_number("threshold", threshold, least=-1, most=1, fix=fix)
    given = VectorRows(embeddings, "embeddings")
    if len(given) < min_community_size:
        return []
    score = Scorer(cos_sim, given, given)
    vectors = score.whole(given)
    sizes = _count_neighbours(vectors, score, limit, show_progress_bar)
    order = np.argsort(-sizes, kind="stable")
    order = order[sizes[order] >= min_community_size]
    used = np.zeros(len(vectors), dtype=bool)
    found: list[list[int]] = []
    show = show_progress_bar and len(order) > 0
    with progress("communities", len(order), unit="centres", show=show) as advance:
        batches = _batches(order, sizes, used, batch_size, advance)
        findable = np.flatnonzero(sizes >= min(2, min_community_size))
        for centre, members in _neighbours(vectors, findable, score, limit, batches, used):
            free = members[~used[members]]
            if not used[centre] and len(free) >= min_community_size:
                found.append([centre, *free[free != centre].tolist()])
                used[found[-1]] = True
    return sorted(found, key=len, reverse=True)


def _count_neighbours(
    vectors: Tensor, score: Scorer, limit: float, show_progress_bar: bool
) -> NDArray[np.int64]:
    """How many vectors are close to each one, itself included: (n,)."""
    count = len(vectors)
    sizes = torch.zeros(count, dtype=torch.int64, device=vectors.device)
    with progress("counting", count, unit="vectors", show=show_progress_bar) as advance:
        for first in range(0, count, BLOCK):
            left = vectors[first : first + BLOCK]
            for second in range(first, count, BLOCK):
                right = vectors[second : second + BLOCK]
                # In place: 1 where close, 0 elsewhere; the columns of padding become 0.
                close = score(left, right).ge_(limit)
                sizes[first : first + BLOCK] += close.sum(1).long()
                if second > first:
                    sizes[second : second + BLOCK] += close.sum(0)[: len(right)].long()
            advance(len(left))
    return sizes.cpu().numpy()


def _batches(
    order: NDArray[np.int64],
    sizes: NDArray[np.int64],
    used: NDArray[np.bool_],
    batch_size: int,
    advance: Advance,
) -> Iterator[NDArray[np.int64]]:
    """The next free centres, as many as have at most ``_NEIGHBOURS`` neighbours together."""
    while len(order):
        waiting = len(order)
        order = order[~used[order]]
        fitting = int(np.searchsorted(np.cumsum(sizes[order[:BLOCK]]), _NEIGHBOURS, side="right"))
        batch, order = np.split(order, [min(max(1, fitting), batch_size)])
        if len(batch):
            yield batch
        advance(waiting - len(order))


def _neighbours(
    vectors: Tensor,
    free: NDArray[np.int64],
    score: Scorer,
    limit: float,
    batches: Iterator[NDArray[np.int64]],
    used: NDArray[np.bool_],
) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Each centre of each batch with its neighbours among the free, from near to far."""
    kept = vectors[torch.from_numpy(free)]
    # "At least the limit" is "above the number before it".
    below = torch.nextafter(score.empty.new_tensor(limit), score.empty.new_tensor(-math.inf))
    for batch in batches:
        if (still := ~used[free]).mean() < 0.75:
            free = free[still]
            kept = kept[torch.from_numpy(still)]
        centres = vectors[torch.from_numpy(batch)]
        limits = below.expand(len(batch))
        parts = []
        width = block_width(len(batch))
        for first in range(0, len(kept), width):
            rows, columns, values = above(score(centres, kept[first : first + width]), limits)
            parts.append((rows, columns + first, values))
        rows, columns, values = (torch.cat(part) for part in zip(*parts, strict=True))
        order = by_row(rows, values)
        starts = torch.bincount(rows, minlength=len(batch)).cumsum(0)[:-1].cpu().numpy()
        members = free[columns[order].cpu().numpy()]
        yield from zip(batch.tolist(), np.split(members, starts), strict=True)
