"""Which smaller vectors a model has: those that training prepared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import datasets
import pytest

from sentune import SentenceTransformer
from sentune.serving.facts import model_facts, read_tokenizer
from sentune.training.arguments import SentenceTransformerTrainingArguments
from sentune.training.losses import MatryoshkaLoss, MultipleNegativesRankingLoss
from sentune.training.trainer import SentenceTransformerTrainer


def _trained(folder: Path, out: Path, *sizes: list[int]) -> Any:
    model = SentenceTransformer(folder, device="cpu", compute_dtype="float32")
    rows = datasets.Dataset.from_dict({"anchor": ["copy", "read"], "positive": ["a", "b"]})
    inner = MultipleNegativesRankingLoss(model)
    losses: dict[str, Any] = {
        str(number): MatryoshkaLoss(model, inner, dims) if dims else inner
        for number, dims in enumerate(sizes)
    }
    arguments = SentenceTransformerTrainingArguments(
        str(out / "run"), max_steps=1, report_to="none", save_strategy="no", use_cpu=True
    )
    SentenceTransformerTrainer(
        model=model, args=arguments, train_dataset=dict.fromkeys(losses, rows), loss=losses
    ).train()
    model.save_pretrained(out / "model")
    return model_facts(SentenceTransformer(out / "model"))["smaller"]


@pytest.mark.filterwarnings("ignore")
def test_dimensions_that_training_prepared(tiny_folder: Path, tmp_path: Path) -> None:
    assert _trained(tiny_folder, tmp_path / "one", [32, 16, 8]) == [16, 8]
    assert _trained(tiny_folder, tmp_path / "both", [32, 16, 8], [32, 8]) == [8]
    assert _trained(tiny_folder, tmp_path / "none", [32, 16], []) == []


def test_dimensions_that_a_card_names(tiny: SentenceTransformer) -> None:
    before = tiny.model_card
    try:
        tiny.model_card = (
            "* Loss: MatryoshkaLoss\n```json\n{bad}\n```\n"
            '```json\n{"loss": "X", "matryoshka_dims": [32, 24, 8, "a", 64]}\n```\n'
        )
        assert model_facts(tiny)["smaller"] == [24, 8]
        tiny.model_card = "```json\n[1]\n```"
        assert model_facts(tiny)["smaller"] == []
    finally:
        tiny.model_card = before


def test_the_tokenizer_that_is_told_of(tiny: SentenceTransformer, real_texts: list[str]) -> None:
    again = read_tokenizer(model_facts(tiny)["tokenizer"])
    ids, cut = again(real_texts[:100])
    expected, expected_cut = tiny.tokenizer(real_texts[:100])
    assert (ids, cut) == (expected, expected_cut)
