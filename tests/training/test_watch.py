"""A run that goes wrong is stopped at the step where it does, by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from sentune import SentenceTransformer
from sentune.errors import TrainingError
from sentune.training.arguments import SentenceTransformerTrainingArguments
from sentune.training.batches.collator import Batch
from sentune.training.losses import MultipleNegativesRankingLoss
from sentune.training.losses.base import EmbeddingLoss, Encode
from sentune.training.trainer import SentenceTransformerTrainer
from sentune.training.watch import Watch, mean_cosine, telling_lost_processes

COLUMNS = {
    "anchor": [f"question {i} of {i * 7}" for i in range(12)],
    "positive": [f"{i * 3} passages on number {i}" for i in range(12)],
}


class Together(EmbeddingLoss):
    """Rewards what no loss should: every text in the same place."""

    def compute_loss_from_embeddings(self, columns: Any, labels: Tensor | None = None) -> Tensor:
        del labels
        return torch.cat(tuple(columns)).var(dim=0).sum()

    def describe(self) -> dict[str, Any]:
        return {}


class Broken(MultipleNegativesRankingLoss):
    """Not finite from one call on."""

    def __init__(self, call: int, value: float) -> None:
        super().__init__()
        self.call, self.value, self.calls = call, value, 0

    def compute(self, encode: Encode, batch: Batch) -> Tensor:
        self.calls += 1
        loss = super().compute(encode, batch)
        return loss * self.value if self.calls == self.call else loss


def trainer(out: Path, folder: Path, loss: EmbeddingLoss, **changes: Any) -> Any:
    values: dict[str, Any] = {
        "output_dir": str(out),
        "per_device_train_batch_size": 6,
        "num_train_epochs": 40,
        "lr_scheduler_type": "constant",
        "dropout": 0.0,
        "logging_steps": 1,
        "disable_tqdm": True,
        "save_strategy": "no",
        **changes,
    }
    return SentenceTransformerTrainer(
        SentenceTransformer(folder, device="cpu", compute_dtype="float32"),
        SentenceTransformerTrainingArguments(**values),
        COLUMNS,
        loss=loss,
    )


def test_a_collapse_is_named_at_its_step(tmp_path: Path, tiny_folder: Path) -> None:
    run = trainer(tmp_path, tiny_folder, Together(), learning_rate=1e-2)
    with pytest.raises(TrainingError, match=r"the vectors have collapsed at step (\d+)") as caught:
        run.train()
    assert f"at step {run.state.global_step + 1} (" in str(caught.value)
    assert 1 <= run.state.global_step < 80
    texts = COLUMNS["anchor"] + COLUMNS["positive"]
    assert mean_cosine(torch.as_tensor(run.model.encode(texts))) > 0.98
    assert not run.model.training


def test_a_run_that_is_well_is_left_alone(tmp_path: Path, tiny_folder: Path) -> None:
    run = trainer(tmp_path, tiny_folder, MultipleNegativesRankingLoss(), max_steps=10)
    run.train()
    assert run.state.global_step == 10


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("accumulate", [1, 2])
def test_a_loss_that_is_not_finite_is_named_at_its_step(
    tmp_path: Path, tiny_folder: Path, value: float, accumulate: int
) -> None:
    loss = Broken(5, value)
    run = trainer(tmp_path, tiny_folder, loss, gradient_accumulation_steps=accumulate)
    step = 5 if accumulate == 1 else 3
    with pytest.raises(TrainingError, match=rf"the loss is (nan|inf|-inf) at step {step}:"):
        run.train()
    assert loss.calls == 5
    assert run.state.global_step == step - 1
    assert all(torch.isfinite(weight).all() for weight in run.model.parameters())


def test_vectors_that_are_not_finite_are_named_by_their_loss(
    tmp_path: Path, tiny_folder: Path
) -> None:
    run = trainer(tmp_path, tiny_folder, MultipleNegativesRankingLoss())
    with torch.no_grad():
        run.model.encoder.layers[0].up.weight[0, 0] = float("nan")
    with pytest.raises(TrainingError, match="the loss is nan at step 1"):
        run.train()


def test_mean_cosine_is_that_over_all_pairs() -> None:
    vectors = torch.randn(9, 5, generator=torch.Generator().manual_seed(0))
    unit = vectors.double() / vectors.double().norm(dim=1, keepdim=True)
    cosines = [float(unit[i] @ unit[j]) for i in range(9) for j in range(9) if i != j]
    assert mean_cosine(vectors) == pytest.approx(sum(cosines) / len(cosines), abs=1e-6)


def test_texts_alike_from_the_start_are_not_blamed_on_the_run() -> None:
    alike = torch.ones(10, 4) + torch.randn(10, 4, generator=torch.Generator().manual_seed(0)) / 50
    apart = torch.randn(10, 4, generator=torch.Generator().manual_seed(1))
    watch = Watch()
    watch.vectors(alike, 1)
    watch.vectors(alike, 2)
    watch = Watch()
    watch.vectors(alike[:7], 1)  # too few to say anything
    watch.vectors(apart, 2)
    watch.vectors(alike[:7], 3)
    with pytest.raises(TrainingError, match=r"step 4.*is 1\.000, and was"):
        watch.vectors(alike, 4)


class BrokenGradient(MultipleNegativesRankingLoss):
    """A finite value whose gradient is none: the square root of zero."""

    def compute(self, encode: Encode, batch: Batch) -> Tensor:
        loss = super().compute(encode, batch)
        return loss + (loss - loss).sqrt()


@pytest.mark.parametrize("max_grad_norm", [0.0, 1.0])
def test_a_gradient_that_is_not_finite_is_named_before_it_does_harm(
    tmp_path: Path, tiny_folder: Path, max_grad_norm: float
) -> None:
    made = trainer(tmp_path, tiny_folder, BrokenGradient(), max_grad_norm=max_grad_norm)
    with pytest.raises(TrainingError, match="the gradient is nan at step 1"):
        made.train()
    assert all(bool(torch.isfinite(weight).all()) for weight in made.model.parameters())


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("[gloo/transport/tcp/pair.cc:547] Connection closed by peer [10.0.0.2]:3"),
        RuntimeError("[gloo/transport/tcp/pair.cc:537] Read error [10.0.0.2]:3: No route to host"),
        RuntimeError("[gloo/transport/tcp/unbound_buffer.cc] Timed out waiting 10000ms for recv"),
        torch.distributed.DistNetworkError("the client socket has failed"),
    ],
)
def test_a_process_that_is_gone_is_one_line(error: RuntimeError) -> None:
    with pytest.raises(TrainingError) as caught, telling_lost_processes(lambda: 7):
        raise error
    assert str(caught.value) == (
        "another process of this run was lost after step 7: expected all processes that torchrun "
        "started. Start all of them again, with resume_from_checkpoint=True to go on from the "
        "newest checkpoint."
    )


def test_other_errors_stay_what_they_are() -> None:
    with pytest.raises(RuntimeError, match="out of memory"), telling_lost_processes(lambda: 7):
        raise RuntimeError("out of memory")
