"""What search, paraphrases and communities share: products in blocks, and the best entries.

vectors ─ block ─ scores (1024 × 1024, in the cache) ─ ``above`` the limits ─ ``Best`` of each row

Of a block of scores, first the maximum of every 64 neighbours is compared with a limit, which rises
as better entries are found. Only groups above it are looked at in detail. So nearly all of the time
goes into the products, and no matrix larger than a block is held.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from sentune.checks import require_whole
from sentune.encoding.similarity import cos_sim, dot_score
from sentune.errors import ArgumentError
from sentune.tasks.vector_rows import BLOCK, VectorRows

__all__ = ["Best", "ScoreFunction", "Scorer", "above", "block_width", "by_row", "require_sizes"]

ScoreFunction = Callable[[Any, Any], Tensor]
_GROUP = 64
_WAITING = 1 << 18


def require_sizes(**sizes: object) -> None:
    """Raise ArgumentError unless each is a whole number of at least 1."""
    for name, value in sizes.items():
        require_whole(name, value)


def block_width(height: int) -> int:
    """Columns of a block with ``height`` rows: the fewer rows, the more columns."""
    return min(8 * BLOCK, max(BLOCK, BLOCK * BLOCK // height))


class Scorer:
    """Scores of blocks, written over one buffer in each thread.

    Args:
        score_function: ``cos_sim``, ``dot_score``, or any function of two blocks of rows.
        a, b: the vectors to compare; their dimensions must agree.

    Raises:
        ArgumentError: no function, or dimensions that differ.
    """

    def __init__(self, score_function: ScoreFunction, a: VectorRows, b: VectorRows) -> None:
        if not callable(score_function):
            raise ArgumentError(
                f"score_function is {score_function!r}",
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
        self.empty = torch.empty(0, dtype=self._dtype, device=self._device)
        self._own = threading.local()

    def block(self, rows: VectorRows, part: slice) -> Tensor:
        """A part of ``rows``, prepared for the function."""
        if self.is_product:
            return rows.block(part, self._dtype, unit=self._unit).to(self._device)
        return _exact(rows.raw(part)).to(self._device)

    def whole(self, rows: VectorRows) -> Tensor:
        """All of ``rows``, prepared for the function."""
        if self.is_product:
            return rows.whole(self._dtype, unit=self._unit).to(self._device)
        return _exact(rows.raw(slice(0, len(rows)))).to(self._device)

    def __call__(self, a: Tensor, b: Tensor) -> Tensor:
        """Scores (len(a), len(b) rounded up to 64), valid until this thread's next call.

        They are −inf after b.
        """
        height, width = len(a), math.ceil(len(b) / _GROUP) * _GROUP
        buffer: Tensor = getattr(self._own, "buffer", self.empty)
        if buffer.numel() < height * width:
            buffer = self._own.buffer = buffer.new_empty(height * width)
        scores = buffer[: height * width].view(height, width)
        scores[:, len(b) :] = -math.inf
        if self.is_product:
            torch.mm(a, b.T, out=scores[:, : len(b)])
        else:
            scores[:, : len(b)] = self._custom(a, b)
        return scores

    def _custom(self, a: Tensor, b: Tensor) -> Tensor:
        found = self._function(a, b)
        fits = isinstance(found, Tensor) and found.shape == (len(a), len(b))
        if not fits or bool(found.isnan().any()):
            shape = tuple(found.shape) if isinstance(found, Tensor) else repr(found)
            raise ArgumentError(
                f"score_function gave {'NaN' if fits else shape} for {len(a)} and {len(b)} vectors",
                expected=f"a tensor of {len(a)} x {len(b)} numbers",
                fix="correct the function",
            )
        return found.detach()


def _exact(rows: Tensor) -> Tensor:
    """Rows for a function that is not ours: in 16 bits it would find near scores equal."""
    return rows.float() if rows.dtype in (torch.float16, torch.bfloat16) else rows


def above(
    scores: Tensor, rows: Tensor, columns: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """The entries above the limit of their row or of their column.

    Args:
        scores: what a ``Scorer`` returned.
        rows: (height,) limits.
        columns: (≤ width,) limits; when None, only the limits of the rows count.

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
    entry, column = (values > limits).nonzero(as_tuple=True)
    return row[entry], group[entry] * _GROUP + column, values[entry, column]


class Best:
    """The ``k`` best entries of each row among all that were added.

    Of entries with the same score the first ones added are kept. Entries are collected, and the
    worst removed when there are many, so memory is O(rows · k), or O(most) if that is less.

    Args:
        k: the most entries that a row keeps.
        like: a tensor of the dtype and device of the scores.
        most: the most entries kept of all rows together; no limit when None.

    Attributes:
        limits: (rows,); entries that are not above the limit of their row are not needed.
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
        """Set the limits of ``rows`` that have none, from scores that will be added."""
        limits = self.limits[rows]
        if self._k < scores.shape[1] and bool((limits == -math.inf).any()):
            least = scores.topk(self._k, dim=1, sorted=True).values[:, -1]
            lower = torch.nextafter(least, torch.full_like(least, -math.inf))
            self.limits[rows] = torch.maximum(limits, lower)

    def add(self, rows: Tensor, ids: Tensor, scores: Tensor) -> None:
        """Add entries; those that are not above the limit of their row are ignored."""
        useful = scores > self.limits[rows]
        if not bool(useful.all()):
            rows, ids, scores = rows[useful], ids[useful], scores[useful]
        self._added.append((rows.int(), ids.int(), scores))
        self._waiting += len(rows)
        if self._waiting > max(_WAITING, len(self._kept[0])):
            self._cut()

    def entries(self) -> tuple[Tensor, Tensor, Tensor]:
        """Rows, ids and scores of all entries kept, in no particular order."""
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
        """A score that ``most`` entries reach, at most ``k`` counted of each row.

        Further entries can only raise that number, so entries below the score are not needed.
        Counting costs a fraction of sorting, and leaves few entries to sort.
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
    """The order by (row, −score); entries that are equal in both keep their order."""
    order = scores.argsort(descending=True, stable=True)
    return order[rows[order].argsort(stable=True)]
