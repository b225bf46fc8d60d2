"""Batches of near neighbours: hard negatives without mining."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from sentune.errors import ArgumentError
from sentune.training.batches.examples import Row
from sentune.training.batches.samplers import no_duplicates
from sentune.wording import counted

__all__ = ["HardNegatives", "nearest"]

_LIMIT = 0.95
_MOST_NEIGHBOURS = 128
_ELEMENTS = 1 << 23


def nearest(vectors: NDArray[np.float32], count: int, limit: float = _LIMIT) -> NDArray[np.int32]:
    """The nearest other rows of each row, except rows that are nearly equal to it.

    Args:
        vectors: (n, dim), of unit length.
        count: how many to find for each row.
        limit: the greatest cosine; nearer rows probably say the same in other words.

    Returns:
        (n, min(count, n)) row numbers, nearest first; -1 where there are no more.

    Cost: n² · dim multiplications, and 32 MiB in addition to the result.
    """
    rows = torch.from_numpy(np.ascontiguousarray(vectors, np.float32))
    found = np.empty((len(rows), min(count, len(rows))), np.int32)
    step = max(1, _ELEMENTS // max(1, len(rows)))
    for start in range(0, len(rows), step):
        scores = rows[start : start + step] @ rows.T
        scores[scores > limit] = -torch.inf
        row = torch.arange(len(scores))
        scores[row, row + start] = -torch.inf
        best = scores.topk(found.shape[1])
        found[start : start + step] = best.indices.where(best.values > -torch.inf, -1).numpy()
    return found


class HardNegatives:
    """The sampler ``hard_negatives``: each batch has rows that are similar to each other.

    In-batch negatives drawn at random are mostly easy and teach little (ANCE, Xiong et al. 2020,
    arXiv:2007.00808). Batches of neighbours make them hard at no further cost (TAS-Balanced,
    Hofstätter et al. 2021, arXiv:2104.06967; NGAME, Dahiya et al. 2022, arXiv:2207.04452). A
    batch starts with the next row of the epoch's order. Half of it is filled with the nearest
    remaining rows to that one, the other half with the next rows of the order, so that there are
    easy negatives too. Half is our choice. Rows with a cosine above 0.95 to the first are not
    used as neighbours: they are probably right answers too. No text occurs twice in a batch, no
    row is lost and the number of batches is fixed, all as in ``no_duplicates``.

    Args:
        vectors: (rows, dim) float32 of unit length, one for the positive of each row.
        groups: the rows of each data set; neighbours are searched within one.
        batch_size: rows in a batch.

    Cost: once n² · dim multiplications for n rows, and 4 bytes for each of up to 128 neighbours
    of each row; O(rows · neighbours) in every epoch.

    Raises:
        ArgumentError: vectors of another shape, or that are not finite.
    """

    def __init__(
        self, vectors: NDArray[np.float32], groups: Sequence[NDArray[np.int64]], batch_size: int
    ) -> None:
        count = sum(map(len, groups))
        if vectors.ndim != 2 or len(vectors) != count or not np.isfinite(vectors).all():
            finite = "finite" if np.isfinite(vectors).all() else "not finite"
            raise ArgumentError(
                f"vectors of shape {vectors.shape} that are {finite}, for {counted(count, 'row')}",
                expected="one finite vector for the positive of each row",
                fix="encode the positives with the model",
            )
        width = min(batch_size, _MOST_NEIGHBOURS)
        self._neighbours = np.full((count, width), -1, np.int32)
        for group in groups:
            found = nearest(vectors[group], width)
            self._neighbours[group, : found.shape[1]] = np.where(found < 0, -1, group[found])

    def __call__(
        self, rows: Sequence[Row], batch_size: int, order: Sequence[int]
    ) -> list[list[int]]:
        """Batches of the rows in ``order``; a ``Sampler``."""
        near = [index for batch in self._grouped(rows, batch_size, order) for index in batch]
        return no_duplicates(rows, batch_size, near)

    def _grouped(
        self, rows: Sequence[Row], batch_size: int, order: Sequence[int]
    ) -> Iterator[list[int]]:
        left = set(order)
        waiting: deque[int] = deque(order)
        while left:
            batch: list[int] = []
            held: set[str] = set()
            _fill(batch, held, rows, _taken(waiting, left), 1)
            near = (row for row in self._neighbours[batch[0]].tolist() if row in left)
            _fill(batch, held, rows, near, (batch_size + 1) // 2)
            left.difference_update(batch)
            passed: list[int] = []
            _fill(batch, held, rows, _taken(waiting, left), batch_size, passed)
            left.difference_update(batch)
            waiting.extendleft(reversed(passed))
            yield batch


def _taken(waiting: deque[int], left: set[int]) -> Iterator[int]:
    while waiting:
        row = waiting.popleft()
        if row in left:
            yield row


def _fill(
    batch: list[int],
    held: set[str],
    rows: Sequence[Row],
    candidates: Iterator[int],
    size: int,
    passed: list[int] | None = None,
) -> None:
    """Add candidates whose texts are not in the batch yet, until it has ``size`` rows."""
    tries = 0
    while len(batch) < size and tries < 4 * size:
        row = next(candidates, None)
        if row is None:
            return
        tries += 1
        if held.isdisjoint(rows[row].texts):
            batch.append(row)
            held.update(rows[row].texts)
        elif passed is not None:
            passed.append(row)
