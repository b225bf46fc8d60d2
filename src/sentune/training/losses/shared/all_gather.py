"""Rows of all processes of a distributed run, with their gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

__all__ = ["gather_rows", "processes"]


def processes() -> int:
    """Processes of the distributed run; 1 if there is none."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def gather_rows(rows: Tensor) -> tuple[Tensor, int]:
    """The rows of every process, those of rank 0 first, and the index of this process's first.

    ``rows`` are (n, …), with any n but equal other dimensions in all processes. The gradient of a
    row is the sum of its gradients in all processes. Every process must call this, and run
    backward, equally often. Cost: two exchanges forward, of the sizes and of processes · longest ·
    dim numbers, and one backward, of all rows.
    """
    if processes() == 1:
        return rows, 0
    here = torch.tensor([len(rows)], device=rows.device)
    found = [torch.empty_like(here) for _ in range(processes())]
    dist.all_gather(found, here)
    sizes = [int(size) for size in found]
    start = sum(sizes[: dist.get_rank()])
    gathered: Tensor = _Gather.apply(rows, sizes, start)  # type: ignore[no-untyped-call]
    return gathered, start


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor, sizes: Sequence[int], start: int) -> Tensor:
        ctx.start, ctx.stop = start, start + len(rows)
        padded = rows.new_zeros(max(sizes), *rows.shape[1:])
        padded[: len(rows)] = rows
        parts = [torch.empty_like(padded) for _ in sizes]
        dist.all_gather(parts, padded)
        return torch.cat([part[:size] for part, size in zip(parts, sizes, strict=True)])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        total = gradient.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total[ctx.start : ctx.stop], None, None
