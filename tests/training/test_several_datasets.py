"""Several data sets in one run: their turns, losses, labels, prompts and held-out losses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import datasets
import pytest
import torch
from torch import Tensor

from sentune import SentenceTransformer, losses
from sentune.data import Pairs
from sentune.errors import ArgumentError
from sentune.training.arguments import SentenceTransformerTrainingArguments
from sentune.training.trainer import SentenceTransformerTrainer

RANKED: dict[str, Any] = {
    "anchor": [f"question {i}" for i in range(10)],
    "positive": [f"passage number {i}" for i in range(10)],
}
SCORED: dict[str, Any] = {
    "sentence1": [f"text {i}" for i in range(6)],
    "sentence2": [f"another text {i * i}" for i in range(6)],
    "score": [0.1 * i for i in range(6)],
}
LABELLED: dict[str, Any] = {
    "one": [f"first {i}" for i in range(8)],
    "two": [f"second {i}" for i in range(8)],
    "label": [i % 2 for i in range(8)],
}
SEVERAL: dict[str, Any] = {"ranked": RANKED, "scored": SCORED, "labelled": LABELLED}


class _Log:
    """What reached the losses, in order."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, int, list[float] | None]] = []

    def wrap(self, name: str, loss: Any) -> Any:
        """The same loss, which writes here first."""
        compute = loss.forward

        def forward(columns: Sequence[Tensor], labels: Tensor | None = None) -> Tensor:
            if torch.is_grad_enabled():
                found = None if labels is None else labels.tolist()
                self.calls.append((name, len(columns[0]), found))
            value: Tensor = compute(columns, labels)
            return value

        loss.forward = forward
        return loss

    @property
    def names(self) -> list[str]:
        return [name for name, _, _ in self.calls]


def make(
    out: Path,
    folder: Path,
    train: Any = None,
    eval_dataset: Any = None,
    loss: Any = None,
    **changes: Any,
) -> tuple[Any, _Log]:
    values: dict[str, Any] = {
        "output_dir": str(out),
        "per_device_train_batch_size": 2,
        "batch_sampler": "batch_sampler",
        "num_train_epochs": 1,
        "prompts": "",
        "dropout": 0.0,
        "disable_tqdm": True,
        "save_strategy": "no",
        "multi_dataset_batch_sampler": "round_robin",
        **changes,
    }
    log = _Log()
    each = {
        "ranked": log.wrap("ranked", losses.MultipleNegativesRankingLoss()),
        "scored": log.wrap("scored", losses.CoSENTLoss()),
        "labelled": log.wrap("labelled", losses.ContrastiveLoss()),
    }
    trainer = SentenceTransformerTrainer(
        SentenceTransformer(folder, device="cpu", compute_dtype="float32"),
        SentenceTransformerTrainingArguments(**values),
        SEVERAL if train is None else train,
        eval_dataset,
        loss=each if loss is None else loss,
    )
    return trainer, log


def test_round_robin_takes_turns_until_the_shortest_ends(tmp_path: Path, tiny_folder: Path) -> None:
    trainer, log = make(tmp_path, tiny_folder)
    trainer.train()
    assert log.names == 3 * ["ranked", "scored", "labelled"]  # 6 rows in batches of 2
    assert trainer.state.global_step == 9


def test_proportional_takes_every_row(tmp_path: Path, tiny_folder: Path) -> None:
    trainer, log = make(tmp_path, tiny_folder, multi_dataset_batch_sampler="proportional")
    trainer.train()
    assert Counter(log.names) == {"ranked": 5, "scored": 3, "labelled": 4}
    assert log.names != sorted(log.names)
    scores = [score for name, _, found in log.calls if name == "scored" for score in found or ()]
    assert sorted(scores) == pytest.approx(SCORED["score"])


def test_labels_reach_the_loss_of_their_data_set(tmp_path: Path, tiny_folder: Path) -> None:
    trainer, log = make(tmp_path, tiny_folder)
    trainer.train()
    for name, rows, labels in log.calls:
        assert rows == 2
        assert (labels is None) == (name == "ranked")
    texts: list[float] = [
        s for name, _, found in log.calls if name == "scored" for s in found or ()
    ]
    assert sorted(texts) == pytest.approx(SCORED["score"])
    kinds = {label for name, _, found in log.calls if name == "labelled" for label in found or ()}
    assert kinds == {0.0, 1.0}


def test_the_loss_of_scored_pairs_is_that_of_the_formula(tmp_path: Path, tiny_folder: Path) -> None:
    trainer, _ = make(
        tmp_path, tiny_folder, SCORED, SCORED, losses.CoSENTLoss(), per_device_eval_batch_size=6
    )
    model = trainer.model
    first, second = (
        torch.as_tensor(model.encode(SCORED[name])).double() for name in ("sentence1", "sentence2")
    )
    cosines = (first * second).sum(dim=1)
    wrong = [
        torch.exp(20 * (cosines[j] - cosines[i]))
        for i in range(6)
        for j in range(6)
        if SCORED["score"][i] > SCORED["score"][j]
    ]
    expected = torch.log(1 + torch.stack(wrong).sum()).item()
    assert trainer.evaluate()["eval_loss"] == pytest.approx(expected, abs=1e-4)


def test_training_on_scores_orders_the_pairs(tmp_path: Path, tiny_folder: Path) -> None:
    trainer, _ = make(
        tmp_path,
        tiny_folder,
        SCORED,
        SCORED,
        losses.CoSENTLoss(),
        num_train_epochs=30,
        per_device_train_batch_size=6,
        learning_rate=3e-3,
    )
    before = trainer.evaluate()["eval_loss"]
    trainer.train()
    assert trainer.evaluate()["eval_loss"] < before / 2


def test_each_held_out_set_has_its_loss(tmp_path: Path, tiny_folder: Path) -> None:
    trainer, _ = make(
        tmp_path,
        tiny_folder,
        eval_dataset=SEVERAL,
        eval_strategy="epoch",
        save_strategy="epoch",
        load_best_model_at_end=True,
        metric_for_best_model="scored_loss",
        per_device_eval_batch_size=4,
    )
    found = trainer.evaluate()
    expected = {"eval_ranked_loss", "eval_scored_loss", "eval_labelled_loss"}
    assert {name for name in found if name.endswith("loss")} == expected
    for name, columns in SEVERAL.items():
        alone, _ = make(
            tmp_path,
            tiny_folder,
            columns,
            columns,
            trainer.loss[name],
            per_device_eval_batch_size=4,
        )
        assert found[f"eval_{name}_loss"] == pytest.approx(alone.evaluate()["eval_loss"], abs=1e-6)
    trainer.train()
    logged = [entry for entry in trainer.state.log_history if "eval_scored_loss" in entry]
    assert len(logged) == 1
    assert trainer.state.best_metric == logged[0]["eval_scored_loss"]


def test_the_data_may_be_of_any_kind(tmp_path: Path, tiny_folder: Path) -> None:
    pairs = Pairs({"q": "a", "r": "c"}, {"p": "b", "s": "d"}, {"q": ("p",), "r": ("s",)})
    train = {
        "ranked": pairs,
        "scored": datasets.Dataset.from_dict(SCORED),
        "labelled": LABELLED,
    }
    trainer, log = make(tmp_path, tiny_folder, train)
    trainer.train()
    assert log.names == ["ranked", "scored", "labelled"]


def test_a_dataset_dict_is_several_data_sets(tmp_path: Path, tiny_folder: Path) -> None:
    several = datasets.DatasetDict(
        {name: datasets.Dataset.from_dict(columns) for name, columns in SEVERAL.items()}
    )
    trainer, log = make(tmp_path, tiny_folder, several)
    trainer.train()
    assert set(log.names) == {*SEVERAL}


def test_one_loss_serves_all(tmp_path: Path, tiny_folder: Path) -> None:
    log = _Log()
    loss = log.wrap("one", losses.MultipleNegativesRankingLoss())
    trainer, _ = make(tmp_path, tiny_folder, loss=loss)
    trainer.train()
    assert log.names == ["one"] * 9


def test_prompts_of_each_data_set(tmp_path: Path, tiny_folder: Path) -> None:
    trainer, _ = make(
        tmp_path,
        tiny_folder,
        prompts={"ranked": {"anchor": "ask: "}, "scored": "read: ", "labelled": ""},
    )
    wanted = {"ranked": ("ask: ", ""), "scored": ("read: ", "read: "), "labelled": ("", "")}
    tokenizer, seen = trainer.model.tokenizer, set()
    for given in trainer.get_train_dataloader():
        batch = given["batch"]
        seen.add(batch.dataset)
        first, second = wanted[batch.dataset]
        prompted = [
            (first if place < batch.rows else second) + text
            for place, text in enumerate(batch.texts)
        ]
        expected, _ = tokenizer(prompted)
        assert [list(ids) for ids in batch.token_ids] == [list(ids) for ids in expected]
    assert seen == {*wanted}


def test_a_data_set_without_a_loss_is_named(tmp_path: Path, tiny_folder: Path) -> None:
    only = {"ranked": losses.MultipleNegativesRankingLoss()}
    with pytest.raises(ArgumentError, match="no loss for the data set 'scored'"):
        make(tmp_path, tiny_folder, loss=only)
    with pytest.raises(ArgumentError, match="no loss for the data set 'held'"):
        make(tmp_path, tiny_folder, {"ranked": RANKED}, {"held": RANKED}, only)


def test_a_loss_without_its_labels_says_so(tmp_path: Path, tiny_folder: Path) -> None:
    trainer, _ = make(tmp_path, tiny_folder, RANKED, loss=losses.CoSENTLoss())
    with pytest.raises(ArgumentError, match="without labels"):
        trainer.train()
