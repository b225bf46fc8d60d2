"""Losses called with tokens, as training loops of people's own call them."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch

from sentune import losses as door
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import ArgumentError
from sentune.training.arguments import SentenceTransformerTrainingArguments
from sentune.training.losses import (
    CosineSimilarityLoss,
    EmbeddingLoss,
    MatryoshkaLoss,
    MultipleNegativesRankingLoss,
    left_out,
)
from sentune.training.trainer import SentenceTransformerTrainer

COLUMNS = (
    ["a file is copied", "wait", "the sum of x"],
    ["copy a file", "sleep for a while", "add"],
)


@pytest.fixture
def theirs(tiny_folder: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import sentence_transformers

        model = sentence_transformers.SentenceTransformer(str(tiny_folder), device="cpu")
        model.eval()
        return model


def test_tokens_give_value_and_gradient_of_the_reference(tiny_folder: Path, theirs: Any) -> None:
    from sentence_transformers.sentence_transformer import losses as plain

    ours = SentenceTransformer(tiny_folder, device="cpu", compute_dtype="float32")
    features = [theirs.preprocess(column) for column in COLUMNS]
    found = MultipleNegativesRankingLoss(ours)(features, None)
    wanted = plain.MultipleNegativesRankingLoss(theirs)(features, None)
    assert found.item() == pytest.approx(wanted.item(), abs=1e-5)
    found.backward()
    wanted.backward()
    table = theirs[0].auto_model.embeddings.word_embeddings.weight.grad
    own = ours.encoder.embeddings.word.weight.grad
    assert own is not None
    assert torch.allclose(own, table, atol=1e-5)


def test_tokens_go_through_a_model_of_another_library(theirs: Any, tiny: Any) -> None:
    features = [theirs.preprocess(column) for column in COLUMNS]
    own = MatryoshkaLoss(tiny, MultipleNegativesRankingLoss(), [32, 8])
    other = MatryoshkaLoss(theirs, MultipleNegativesRankingLoss(), [32, 8])
    assert other(features).item() == pytest.approx(own(features).item(), abs=1e-5)
    ready = [{"sentence_embedding": theirs(column)["sentence_embedding"]} for column in features]
    assert own(ready).item() == pytest.approx(own(features).item(), abs=1e-5)


def test_tokens_without_a_model_are_refused() -> None:
    with pytest.raises(ArgumentError, match=r"without a model.*first argument of the loss"):
        MultipleNegativesRankingLoss()([{"input_ids": torch.ones(2, 3)}] * 2)


def test_a_loss_of_ones_own_says_what_it_lacks() -> None:
    with pytest.raises(NotImplementedError, match="compute_loss_from_embeddings"):
        EmbeddingLoss()([torch.ones(2, 3)])


@pytest.mark.parametrize("name", left_out.__all__)
def test_losses_left_out_say_so_when_they_are_used(name: str, tiny: SentenceTransformer) -> None:
    assert name in door.__all__
    with pytest.raises(ArgumentError, match=f"{name}, which sentune does not have, because"):
        getattr(door, name)(tiny)


def test_a_changed_loss_trains_as_it_was_written(tiny_folder: Path, tmp_path: Path) -> None:
    seen: list[Any] = []

    class Doubled(CosineSimilarityLoss):
        def forward(self, sentence_features: Any, labels: Any = None, **_: Any) -> Any:
            model: Any = self.model
            seen.append([model(one)["sentence_embedding"].shape for one in sentence_features])
            return 2 * super().forward(sentence_features, labels)

    model = SentenceTransformer(tiny_folder, device="cpu", compute_dtype="float32")
    data: Any = {"a": ["x", "y z"], "b": ["y", "z"], "score": [0.5, 1.0]}
    settings = SentenceTransformerTrainingArguments(
        str(tmp_path),
        num_train_epochs=1,
        disable_tqdm=True,
        dropout=0.0,
        use_cpu=True,
        save_strategy="no",
    )
    trainer = SentenceTransformerTrainer(model, settings, data, data, loss=Doubled(model))
    found = trainer.evaluate()["eval_loss"]
    plain = SentenceTransformerTrainer(model, settings, data, data, loss=CosineSimilarityLoss)
    assert found == pytest.approx(2 * plain.evaluate()["eval_loss"], rel=1e-4)
    trainer.train()
    assert seen[0] == [(2, 32), (2, 32)]
    assert not CosineSimilarityLoss(model).encodes_itself
