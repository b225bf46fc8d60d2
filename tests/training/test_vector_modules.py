"""Training of a model with modules after pooling: their weights are trained, kept and saved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
import torch
from torch import nn
from transformers import TrainerCallback

from sentune import SentenceTransformer, fit
from sentune.network.vector_modules import Dense, Dropout, LayerNorm, Normalize
from sentune.training.arguments import SentenceTransformerTrainingArguments
from sentune.training.losses import MatryoshkaLoss, MultipleNegativesRankingLoss
from sentune.training.losses.base import EmbeddingLoss
from sentune.training.trainer import SentenceTransformerTrainer

TOPICS = ["files", "threads", "dates", "sockets", "locks", "paths", "bytes", "sets"]
COLUMNS = {
    "anchor": [f"how does {topic} work" for topic in TOPICS],
    "positive": [f"{topic} number {i} is described here" for i, topic in enumerate(TOPICS)],
}
# Plain gradient descent: a step is the gradient and the decay, in numbers that can be compared.
SETTINGS: dict[str, Any] = {
    "per_device_train_batch_size": 8,
    "max_steps": 2,
    "learning_rate": 0.3,
    "optim": "sgd",
    "weight_decay": 0.1,
    "lr_scheduler_type": "constant",
    "disable_tqdm": True,
    "save_strategy": "no",
    "report_to": "none",
    "use_cpu": True,
}


@pytest.fixture(scope="module")
def folder(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """LayerNorm, Dense, Dropout and Normalize after pooling, with random weights."""
    model = load(tiny_folder)
    model.prompts = {}  # training here puts the prompt of a query before anchors
    torch.manual_seed(7)
    modules = [LayerNorm(32), Dense(32, 24), Dropout(0.3), Normalize()]
    model.after_pooling = nn.Sequential(*modules)
    path = tmp_path_factory.mktemp("trained") / "model"
    model.save_pretrained(path)
    return path


def load(folder: Path) -> SentenceTransformer:
    return SentenceTransformer(folder, device="cpu", compute_dtype="float32")


def learned(model: SentenceTransformer) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in model.after_pooling.state_dict().items()}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("matryoshka", [False, True])
def test_steps_are_those_of_the_reference(matryoshka: bool, folder: Path, tmp_path: Path) -> None:
    import sentence_transformers as reference
    from sentence_transformers.sentence_transformer import losses

    theirs = reference.SentenceTransformer(str(folder), device="cpu")
    for module in theirs.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    for layer in theirs[0].auto_model.encoder.layer:
        layer.attention.self.attention_dropout = 0.0
    loss = losses.MultipleNegativesRankingLoss(theirs)
    reference.SentenceTransformerTrainer(
        model=theirs,
        args=reference.SentenceTransformerTrainingArguments(
            output_dir=str(tmp_path / "theirs"), **SETTINGS
        ),
        train_dataset=datasets.Dataset.from_dict(COLUMNS),
        loss=losses.MatryoshkaLoss(theirs, loss, [24, 8]) if matryoshka else loss,
    ).train()
    ours = load(folder)
    without = ours.after_pooling[2]
    assert isinstance(without, Dropout)
    without.dropout = 0.0
    before = learned(ours)
    plain: EmbeddingLoss = MultipleNegativesRankingLoss(ours)
    arguments = SentenceTransformerTrainingArguments(
        output_dir=str(tmp_path / "ours"), dropout=0.0, **SETTINGS
    )
    mine = MatryoshkaLoss(ours, plain, [24, 8]) if matryoshka else plain
    SentenceTransformerTrainer(ours, arguments, COLUMNS, loss=mine).train()
    after = {
        f"{number}.{name}": value
        for number, module in enumerate(list(theirs)[2:])
        for name, value in module.state_dict().items()
    }
    assert after.keys() == before.keys()
    for name, value in learned(ours).items():
        assert (value - before[name]).abs().max() > 1e-3, name
        torch.testing.assert_close(value, after[name], rtol=1e-4, atol=1e-5)
    ours.save_pretrained(tmp_path / "saved")
    found = reference.SentenceTransformer(str(tmp_path / "saved"), device="cpu").encode(TOPICS)
    np.testing.assert_allclose(found, ours.encode(TOPICS), rtol=0, atol=1e-5)


class _Stop(TrainerCallback):  # type: ignore[misc]
    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step == 3:
            raise InterruptedError


def trainer(folder: Path, path: Path, *callbacks: Any) -> SentenceTransformerTrainer:
    settings = {**SETTINGS, "per_device_train_batch_size": 2, "max_steps": 6}
    settings |= {"optim": "adamw_torch", "save_strategy": "steps", "save_steps": 2}
    arguments = SentenceTransformerTrainingArguments(output_dir=str(path), **settings)
    return SentenceTransformerTrainer(
        load(folder), arguments, COLUMNS, callbacks=[callback() for callback in callbacks]
    )


def test_a_resumed_run_has_the_same_bits(folder: Path, tmp_path: Path) -> None:
    whole = trainer(folder, tmp_path / "whole")
    whole.train()
    with pytest.raises(InterruptedError):
        trainer(folder, tmp_path / "cut", _Stop).train()
    resumed = trainer(folder, tmp_path / "cut")
    resumed.train(resume_from_checkpoint=True)
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, resumed.model.state_dict()[name]), name
    assert not torch.equal(learned(whole.model)["1.linear.weight"], first(folder))


def first(folder: Path) -> torch.Tensor:
    return learned(load(folder))["1.linear.weight"]


class Once:
    """An evaluator that likes the first epoch best."""

    primary_metric = "score"

    def __init__(self) -> None:
        self.seen: list[torch.Tensor] = []

    def __call__(self, model: SentenceTransformer, **_: Any) -> dict[str, float]:
        self.seen.append(learned(model)["1.linear.weight"])
        return {"score": -float(len(self.seen))}


def test_the_best_weights_are_saved_whole(folder: Path, tmp_path: Path) -> None:
    from torch.utils.data import DataLoader

    from sentune import InputExample

    examples: Any = [
        InputExample(texts=list(pair))
        for pair in zip(COLUMNS["anchor"], COLUMNS["positive"], strict=True)
    ]
    model, evaluator = load(folder), Once()
    fit(
        model,
        [(DataLoader(examples, batch_size=4, collate_fn=list), MultipleNegativesRankingLoss())],
        evaluator=evaluator,
        epochs=2,
        warmup_steps=0,
        optimizer_params={"lr": 1e-2},
        output_path=str(tmp_path / "best"),
        show_progress_bar=False,
    )
    saved = first(tmp_path / "best")
    assert torch.equal(saved, evaluator.seen[0])
    assert not torch.equal(saved, learned(model)["1.linear.weight"])


def test_dropout_is_active_in_training_only(folder: Path) -> None:
    model = load(folder)
    vectors = model.encode(TOPICS)
    np.testing.assert_array_equal(model.encode(TOPICS), vectors)
    model.train()
    module = model.after_pooling[2]
    drawn = module(torch.ones(2000, 24))
    share = float((drawn == 0).float().mean())
    assert abs(share - 0.3) < 0.02
    assert abs(float(drawn.mean()) - 1) < 0.03
    np.testing.assert_array_equal(model.encode(TOPICS), vectors)
