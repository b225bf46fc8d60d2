"""One process of the runs of test_processes.py: model folder, output folder, plain or all."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from transformers import TrainerCallback

from sentune import SentenceTransformer
from sentune.training.arguments import SentenceTransformerTrainingArguments
from sentune.training.losses import MultipleNegativesRankingLoss
from sentune.training.trainer import SentenceTransformerTrainer

TOPICS = "files threads dates sockets locks paths bytes sets queues heaps trees maps rows"
COLUMNS = {
    "anchor": [f"how does {topic} work" for topic in TOPICS.split()],
    "positive": [f"{topic} number {i} is described here" for i, topic in enumerate(TOPICS.split())],
}


class Stop(TrainerCallback):  # type: ignore[misc]
    """Stands for a kill: nothing after the step is done."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step == self.step:
            raise InterruptedError


class DrawApart(TrainerCallback):  # type: ignore[misc]
    """Draws in one process what it does not in the other, so that their generators differ."""

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        torch.rand(args.process_index)


def trainer(
    model: str,
    out: Path,
    batch_size: int,
    stop: int | None = None,
    loss: Any = None,
    **changes: Any,
) -> SentenceTransformerTrainer:
    """Of one run; ``batch_size`` is that of one process."""
    settings: dict[str, Any] = {
        "output_dir": str(out),
        "batch_sampler": "batch_sampler",
        "per_device_train_batch_size": batch_size,
        "num_train_epochs": 3,
        "learning_rate": 1e-3,
        "adam_epsilon": 1e-3,
        "dropout": 0.0,
        "logging_steps": 1,
        "disable_tqdm": True,
        "use_cpu": True,
        "save_strategy": "no",
        **changes,
    }
    return SentenceTransformerTrainer(
        SentenceTransformer(model, device="cpu", compute_dtype="float32"),
        SentenceTransformerTrainingArguments(**settings),
        COLUMNS,
        COLUMNS if "eval_strategy" in changes else None,
        loss=loss or MultipleNegativesRankingLoss(gather_across_devices=True),
        callbacks=[DrawApart(), *([] if stop is None else [Stop(stop)])],
    )


class Apart(torch.nn.Module):
    """A loss as people write their own: one less the cosine of each pair, in the mean."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, sentence_features: Any, labels: Any) -> torch.Tensor:
        """As in sentence-transformers."""
        a, b = (self.model(one)["sentence_embedding"] for one in sentence_features)
        return 1 - torch.nn.functional.cosine_similarity(a, b).mean()


def own(model: str, out: Path, batch_size: int) -> SentenceTransformerTrainer:
    """With a loss of one's own, over batches that all processes fill."""
    return trainer(model, out, batch_size, loss=Apart, dataloader_drop_last=True)


def record(done: SentenceTransformerTrainer, path: Path) -> None:
    """The weights and the log of this process."""
    weights = {name: value.detach().clone() for name, value in done.model.named_parameters()}
    save_file(weights, path.with_suffix(".safetensors"))
    path.with_suffix(".json").write_text(json.dumps(done.state.log_history), encoding="utf-8")


def main(model: str, out: Path, runs: str) -> None:
    """A plain run, and one with dropout and checkpoints: whole, and stopped and gone on with."""
    plain = trainer(model, out / "plain", 4)
    plain.train()
    rank = plain.args.process_index
    record(plain, out / f"plain-{rank}")
    if runs == "all":
        mine = own(model, out / "own", 4)
        mine.train()
        record(mine, out / f"own-{rank}")
        go_on(model, out, rank)
    torch.distributed.barrier()  # neither leaves while the other still listens
    torch.distributed.destroy_process_group()


def go_on(model: str, out: Path, rank: int) -> None:
    """The runs with checkpoints."""
    saving: dict[str, Any] = {
        "dropout": 0.1,
        "save_strategy": "steps",
        "save_steps": 2,
        "eval_strategy": "steps",
        "eval_steps": 2,
        "load_best_model_at_end": True,
        "greater_is_better": True,  # so that the best one is not the last
        "save_total_limit": 3,
    }
    whole = trainer(model, out / "whole", 4, **saving)
    whole.train()
    record(whole, out / f"whole-{rank}")
    try:
        trainer(model, out / "cut", 4, stop=3, **saving).train()
    except InterruptedError:
        torch.manual_seed(99)
    resumed = trainer(model, out / "cut", 4, **saving)
    resumed.train(resume_from_checkpoint=True)
    record(resumed, out / f"resumed-{rank}")
    resumed.save_model(str(out / "saved"))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
    os._exit(0)  # threads of gloo sometimes abort the interpreter while it shuts down
