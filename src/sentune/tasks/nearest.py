"""What search, paraphrases and communities share: products in blocks, and the entries that matter.

rows ─ block ─ scores (1024 × 1024, in the cache) ─ ``above`` the limits ─ ``Best`` of each row

A block of scores is looked at once, by the greatest of every 64 neighbours; what follows sees the
few entries above a limit that rises with every entry kept. The products are then nearly all of
the time, and no matrix larger than a block is ever held.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from sentune.encoding.similarity import cos_sim, dot_score
from sentune.errors import ArgumentError
from sentune.tasks.vector_rows import BLOCK, Rows

__all__ = ["Best", "ScoreFunction", "Scorer", "above", "block_width", "by_row"]

ScoreFunction = Callable[[Any, Any], Tensor]
_GROUP = 64
_WAITING = 1 << 18


def block_width(height: int) -> int:
    """Columns of a block with ``height`` rows: a few rows are multiplied in no time."""
    return min(8 * BLOCK, max(BLOCK, BLOCK * BLOCK // height))


class Scorer:
    """Scores of blocks, written over one buffer.

    Args:
        score_function: ``cos_sim``, ``dot_score``, or any function of two blocks of rows.
        a, b: what is compared; their dimensions must agree.

    Raises:
        ArgumentError: no function, or dimensions that differ.
    """

    def __init__(self, score_function: ScoreFunction, a: Rows, b: Rows) -> None:
        if not callable(score_function):
            raise ArgumentError(
                f"score_function {score_function!r}",
                expected="a function of two matrices",
                fix="leave it out for cos_sim",
            )
        if a.shape[1] != b.shape[1]:
            raise ArgumentError(
                f"vectors of shapes {a.shape} and {b.shape}",
                expected="two matrices with rows of one dimension",
                fix="encode both sides with the same model and truncate_dim",
            )
        self._function = score_function
        self._unit = score_function is cos_sim
        self.is_product = self._unit or score_function is dot_score
        self._dtype = torch.promote_types(a.dtype, b.dtype)
        self._device = b.device
        self._buffer = self.empty = torch.empty(0, dtype=self._dtype, device=self._device)

    def block(self, rows: Rows, part: slice) -> Tensor:
        """A part of ``rows`` as the function takes it."""
        if self.is_product:
            return rows.block(part, self._dtype, unit=self._unit).to(self._device)
        return rows.raw(part).to(self._device)

    def whole(self, rows: Rows) -> Tensor:
        """All of ``rows`` as the function takes them."""
        if self.is_product:
            return rows.whole(self._dtype, unit=self._unit).to(self._device)
        return rows.raw(slice(0, len(rows))).to(self._device)

    def __call__(self, a: Tensor, b: Tensor) -> Tensor:
        """Scores (len(a), len(b) rounded up to 64) until the next call; −inf where b has ended."""
        height, width = len(a), math.ceil(len(b) / _GROUP) * _GROUP
        if self._buffer.numel() < height * width:
            self._buffer = self._buffer.new_empty(height * width)
        scores = self._buffer[: height * width].view(height, width)
        scores[:, len(b) :] = -math.inf
        if self.is_product:
            torch.mm(a, b.T, out=scores[:, : len(b)])
        else:
            scores[:, : len(b)] = self._custom(a, b)
        return scores

    def _custom(self, a: Tensor, b: Tensor) -> Tensor:
        found = self._function(a, b)
        right = isinstance(found, Tensor) and found.shape == (len(a), len(b))
        if not right or bool(found.isnan().any()):
            shape = tuple(found.shape) if isinstance(found, Tensor) else repr(found)
            raise ArgumentError(
                f"a score_function that gave {'NaN' if right else shape}",
                expected=f"a tensor of {len(a)} x {len(b)} numbers for as many vectors",
                fix="correct the function",
            )
        return found.detach()


def above(
    scores: Tensor, rows: Tensor, columns: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """The entries above the limit of their row or of their column.

    Args:
        scores: what a ``Scorer`` returned.
        rows: (height,) limits.
        columns: (≤ width,) limits; those of the rows alone when None.

    Returns:
        Row, column and score of each, row by row from left to right.

    Cost: one pass over ``scores``, and 64 numbers for each group with an entry.
    """
    groups = scores.view(len(scores), -1, _GROUP)
    limits = rows[:, None]
    if columns is not None:
        missing = scores.shape[1] - len(columns)
        columns = torch.nn.functional.pad(columns, (0, missing), value=math.inf).view(-1, _GROUP)
        limits = torch.minimum(limits, columns.amin(1))
    row, group = (groups.amax(2) > limits).nonzero(as_tuple=True)
    values = groups[row, group]
    limits = rows[row, None]
    if columns is not None:
        limits = torch.minimum(limits, columns[group])
    entry, place = (values > limits).nonzero(as_tuple=True)
    return row[entry], group[entry] * _GROUP + place, values[entry, place]


class Best:
    """The ``k`` best entries of each row among all that were added.

    Of entries with the same score the first ones added are kept. Entries are collected and cut
    back now and then, so memory is O(rows · k), or O(most) if that is less.

    Args:
        rows: how many.
        k: the most entries a row keeps.
        like: a tensor of the dtype and device of the scores.
        most: the most entries kept of all rows together; any number when None.

    Attributes:
        limits: (rows,); an entry that is not above is of no use.
    """

    def __init__(self, rows: int, k: int, like: Tensor, most: int | None = None) -> None:
        self._k = k
        self._most = most
        self._rows = rows
        self.limits = like.new_full((rows,), -math.inf)
        whole = torch.empty(0, dtype=torch.int32, device=like.device)
        self._kept = (whole, whole, like.new_empty(0))
        self._added: list[tuple[Tensor, Tensor, Tensor]] = []
        self._waiting = 0

    def start(self, rows: slice, scores: Tensor) -> None:
        """Raise the limits of ``rows`` that have none, given scores that will be added."""
        limits = self.limits[rows]
        if self._k < scores.shape[1] and bool((limits == -math.inf).any()):
            least = scores.topk(self._k, dim=1, sorted=True).values[:, -1]
            lower = torch.nextafter(least, torch.full_like(least, -math.inf))
            self.limits[rows] = torch.maximum(limits, lower)

    def add(self, rows: Tensor, ids: Tensor, scores: Tensor) -> None:
        """Add entries; those that are not above their row's limit are left out."""
        useful = scores > self.limits[rows]
        if not bool(useful.all()):
            rows, ids, scores = rows[useful], ids[useful], scores[useful]
        self._added.append((rows.int(), ids.int(), scores))
        self._waiting += len(rows)
        if self._waiting > max(_WAITING, len(self._kept[0])):
            self._cut()

    def entries(self) -> tuple[Tensor, Tensor, Tensor]:
        """Rows, ids and scores of all that is kept, in no particular order."""
        self._cut()
        return self._kept

    def ranked(self) -> list[tuple[Tensor, Tensor]]:
        """For each row its ids and scores, the best first."""
        rows, ids, scores = self.entries()
        order = by_row(rows, scores)
        sizes = torch.bincount(rows, minlength=self._rows).tolist()
        return list(
            zip(torch.split(ids[order], sizes), torch.split(scores[order], sizes), strict=True)
        )

    def _cut(self) -> None:
        parts = zip(self._kept, *self._added, strict=True)
        rows, ids, scores = (torch.cat(part) for part in parts)
        self._added, self._waiting = [], 0
        if self._most is not None and len(scores) > self._most:
            floor = self._floor(rows, scores, self._most)
            self.limits.clamp_(min=floor)
            keep = scores >= floor
            rows, ids, scores = rows[keep], ids[keep], scores[keep]
        sizes = torch.bincount(rows, minlength=self._rows)
        full = (sizes >= self._k)[rows].nonzero()[:, 0]
        if len(full):
            order = full[by_row(rows[full], scores[full])]
            sizes = sizes.where(sizes >= self._k, 0)
            starts = sizes.cumsum(0) - sizes
            rank = torch.arange(len(order), device=order.device) - starts[rows[order]]
            last = order[rank == self._k - 1]
            self.limits[rows[last].long()] = scores[last]
            keep = torch.ones(len(rows), dtype=torch.bool, device=rows.device)
            keep[order[rank >= self._k]] = False
            rows, ids, scores = rows[keep], ids[keep], scores[keep]
        self._kept = (rows, ids, scores)

    def _floor(self, rows: Tensor, scores: Tensor, most: int) -> float:
        """A score that ``most`` entries reach, of a row no more than ``k`` counted.

        As many will reach it whatever is added, so what is below is of no use. Counting is a
        fraction of the cost of sorting, and leaves few entries to sort.
        """
        wanted = most
        while wanted < len(scores):
            floor = scores.kthvalue(len(scores) - wanted + 1).values
            reaching = torch.bincount(rows[scores >= floor], minlength=self._rows)
            missing = most - int(reaching.clamp_(max=self._k).sum())
            if missing <= 0:
                return float(floor)
            wanted += 2 * missing
        return -math.inf


def by_row(rows: Tensor, scores: Tensor) -> Tensor:
    """Order by (row, −score), entries that are equal in both as they stand."""
    order = scores.argsort(descending=True, stable=True)
    return order[rows[order].argsort(stable=True)]
