"""One process of the distributed run of test_all_gather.py: rank, model folder, output folder."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from safetensors.torch import save_file
from torch import nn

from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.training.batches.collator import Collator
from sentune.training.batches.examples import Row
from sentune.training.losses import CachedMultipleNegativesRankingLoss, MultipleNegativesRankingLoss
from sentune.training.losses.matryoshka import MatryoshkaLoss

DIRECTIONS: dict[str, dict[str, Any]] = {
    "one": {},
    "symmetric": {
        "directions": ("query_to_doc", "doc_to_query"),
        "partition_mode": "per_direction",
    },
    "doc_to_doc": {"directions": ("query_to_doc", "doc_to_doc")},
    "all": {"directions": ("query_to_doc", "query_to_query", "doc_to_query", "doc_to_doc")},
}
ROWS = {"same": (2, 2), "different": (3, 2)}
PAIRS = [
    ("what is a lock", "a lock lets one thread in"),
    ("queue", "a queue keeps the order of what is put into it"),
    ("open a file", "open returns a file object"),
    ("how to sort", "sorted returns a new list"),
    ("socket", "sockets connect two processes"),
]


def vectors(rows: str) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    size = sum(ROWS[rows])
    return [torch.randn(size, 6, generator=generator, dtype=torch.float64) for _ in range(3)]


def main(rank: int, model_folder: Path, out: Path) -> None:
    dist.init_process_group("gloo", f"file://{out}/rendezvous", rank=rank, world_size=2)
    for rows, sizes in ROWS.items():
        start = sum(sizes[:rank])
        for name, options in DIRECTIONS.items():
            own = [
                column[start : start + sizes[rank]].clone().requires_grad_()
                for column in vectors(rows)
            ]
            loss = MultipleNegativesRankingLoss(scale=3.0, gather_across_devices=True, **options)
            value = loss(own)
            value.backward()
            with torch.no_grad():
                alone = loss(own)
            np.savez(
                out / f"{rows}-{name}-{rank}.npz",
                value=value.item(),
                alone=alone.item(),
                gradient=np.stack([column.grad.numpy() for column in own]),  # type: ignore[union-attr]
            )
    _train(rank, model_folder, out)
    _draw(rank, out)
    dist.barrier()  # neither leaves while the other still listens
    dist.destroy_process_group()


def _train(rank: int, model_folder: Path, out: Path) -> None:
    """A backward through DistributedDataParallel, with 3 mini-batches here and 2 there."""
    model = SentenceTransformer(model_folder, device="cpu", compute_dtype="float32").double()
    pairs = PAIRS[:3] if rank == 0 else PAIRS[3:]
    batch = Collator(model.tokenizer)([Row(pair) for pair in pairs])["batch"]
    loss = CachedMultipleNegativesRankingLoss(mini_batch_size=2, gather_across_devices=True)
    loss.compute(nn.parallel.DistributedDataParallel(model), batch).backward()
    gradient = {n: p.grad for n, p in model.named_parameters() if p.grad is not None}
    save_file(gradient, out / f"model-{rank}.safetensors")


def _draw(rank: int, out: Path) -> None:
    """Processes whose generators differ draw the same dimensions."""
    torch.manual_seed(rank)
    inner = MultipleNegativesRankingLoss(gather_across_devices=True)
    loss = MatryoshkaLoss(None, inner, [6, 5, 4, 3, 2, 1], n_dims_per_step=2)
    drawn = [loss._drawn(torch.device("cpu")) for _ in range(8)]
    np.savez(out / f"drawn-{rank}.npz", drawn=drawn)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
    os._exit(0)  # threads of gloo sometimes abort the interpreter while it shuts down
