"""Training with labels beside the reference's trainer: the model, and what the loss trains."""

from __future__ import annotations

import warnings
from functools import partial
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
import torch

from sentune import SentenceTransformer
from sentune.training import losses
from sentune.training.arguments import SentenceTransformerTrainingArguments
from sentune.training.trainer import SentenceTransformerTrainer

ROWS = 8
# One batch an epoch, so that the order of the rows does not matter; SGD, because the first steps
# of Adam are signs of gradients.
SETTINGS: dict[str, Any] = {
    "per_device_train_batch_size": ROWS,
    "num_train_epochs": 3,
    "optim": "sgd",
    "learning_rate": 0.05,
    "weight_decay": 0.1,
    "disable_tqdm": True,
    "save_strategy": "no",
    "report_to": "none",
    "use_cpu": True,
}
CLASSES = [0, 1, 2, 1, 0, 2, 2, 0]
VECTORS = np.random.default_rng(0).standard_normal((ROWS, 5)).astype(np.float32)


@pytest.fixture(scope="module")
def folder(make_folder: Any) -> Path:
    found: Path = make_folder(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    return found


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("name", "options", "count", "labels"),
    [
        ("SoftmaxLoss", {"embedding_dimension": 32, "num_labels": 3}, 2, CLASSES),
        ("MSELoss", {"projection_dim": 5}, 1, VECTORS.tolist()),
        ("BatchHardTripletLoss", {}, 1, CLASSES),
    ],
)
def test_weights_are_those_of_the_reference(
    tmp_path: Path,
    folder: Path,
    real_texts: list[str],
    name: str,
    options: dict[str, Any],
    count: int,
    labels: list[Any],
) -> None:
    import sentence_transformers as reference
    from sentence_transformers.sentence_transformer import losses as theirs

    short = [text for text in real_texts if 20 < len(text) < 80]
    columns: dict[str, Any] = {
        f"text{number}": short[number * ROWS : (number + 1) * ROWS] for number in range(count)
    }
    data = datasets.Dataset.from_dict({**columns, "label": labels})
    found = []
    for library, module, kind, side in (
        (reference, theirs, reference.SentenceTransformerTrainer, "theirs"),
        (None, losses, SentenceTransformerTrainer, "ours"),
    ):
        model: Any = (
            SentenceTransformer(folder, device="cpu", compute_dtype="float32")
            if library is None
            else library.SentenceTransformer(str(folder), device="cpu")
        )
        before = model.encode(short[:4])
        torch.manual_seed(1)
        loss = getattr(module, name)(model, **options)
        arguments = (
            # The folder has a prompt for questions, which the reference does not train with.
            partial(SentenceTransformerTrainingArguments, prompts="")
            if library is None
            else library.SentenceTransformerTrainingArguments
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            kind(model, arguments(str(tmp_path / side), **SETTINGS), data, loss=loss).train()
        own = [
            weight.detach().numpy()
            for key, weight in loss.named_parameters()
            if key.startswith(("classifier", "projection"))
        ]
        after = model.encode(short[:4])
        assert abs(after - before).max() > 1e-3
        found.append([after, *own])
    assert len(found[0]) == (3 if "dim" in str(options) else 1)
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, atol=2e-4)


def test_a_saved_model_leaves_the_classifier_out(tmp_path: Path, folder: Path) -> None:
    model = SentenceTransformer(folder, device="cpu", compute_dtype="float32")
    data: Any = {"a": ["x", "y"], "b": ["y", "z"], "label": [0, 1]}
    loss = losses.SoftmaxLoss(model, 32, 2)
    before = loss.classifier.weight.detach().clone()
    arguments = SentenceTransformerTrainingArguments(
        str(tmp_path / "run"), num_train_epochs=1, disable_tqdm=True, use_cpu=True
    )
    SentenceTransformerTrainer(model, arguments, data, loss=loss).train()
    assert not torch.equal(before, loss.classifier.weight)
    model.save_pretrained(tmp_path / "saved")
    again = SentenceTransformer(tmp_path / "saved", device="cpu", compute_dtype="float32")
    np.testing.assert_allclose(again.encode("x"), model.encode("x"), atol=1e-6)
