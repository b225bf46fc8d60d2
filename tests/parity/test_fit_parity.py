"""``fit`` beside the reference's, from the same weights, with dropout off."""

from __future__ import annotations

import gc
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader

from sentune import InputExample, SentenceTransformer, fit, losses
from sentune.model_folder.resolve import resolve
from sentune.model_folder.weights import export_weights

EPOCHS = 2
# An epsilon that keeps the rounding of tiny gradients from being blown up to whole steps.
SETTINGS: dict[str, Any] = {
    "epochs": EPOCHS,
    "warmup_steps": 1,
    "optimizer_params": {"lr": 2e-4, "eps": 1e-4},
    "weight_decay": 0.1,
    "max_grad_norm": 0.5,
    "show_progress_bar": False,
}


def _reference(pairs: list[tuple[str, str]]) -> tuple[dict[str, torch.Tensor], ...]:
    from sentence_transformers import InputExample as ReferenceExample
    from sentence_transformers import SentenceTransformer as Reference
    from sentence_transformers.sentence_transformer.losses import (
        CosineSimilarityLoss,
        MultipleNegativesRankingLoss,
    )

    model = Reference(str(resolve("all-MiniLM-L6-v2").folder), device="cpu")
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    bert = model[0].auto_model
    bert.config.attention_probs_dropout_prob = 0.0
    for layer in bert.encoder.layer:
        layer.attention.self.attention_dropout = 0.0
    before = {name: value.detach().clone() for name, value in bert.named_parameters()}
    # One batch each: the reference shuffles whatever the loader says.
    ranked: Any = [ReferenceExample(texts=list(pair)) for pair in pairs]
    alike: Any = [ReferenceExample(texts=list(p), label=i / 6) for i, p in enumerate(pairs)]
    model.fit(
        [
            (DataLoader(ranked, batch_size=6), MultipleNegativesRankingLoss(model)),
            (DataLoader(alike, batch_size=6), CosineSimilarityLoss(model)),
        ],
        **SETTINGS,
    )
    return before, {name: value.detach() for name, value in bert.named_parameters()}


@pytest.mark.filterwarnings("ignore")
def test_two_epochs_of_two_objectives_end_with_the_same_weights(
    real_texts: list[str], tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # the reference makes a folder
    short = [text for text in real_texts if 20 < len(text) < 80][:6]
    longer = [text for text in real_texts if 100 < len(text) < 300][:6]
    pairs = list(zip(short, longer, strict=True))
    before, after = _reference(pairs)
    gc.collect()  # its optimizers have twice the weights
    model = SentenceTransformer(device="cpu", compute_dtype="float32")
    model.encoder.set_dropout(0.0)
    ranked: Any = [InputExample(texts=pair) for pair in pairs]
    alike: Any = [InputExample(texts=pair, label=i / 6) for i, pair in enumerate(pairs)]
    fit(
        model,
        [
            (DataLoader(ranked, batch_size=6), losses.MultipleNegativesRankingLoss(model)),
            (DataLoader(alike, batch_size=6), losses.CosineSimilarityLoss(model)),
        ],
        **SETTINGS,
    )
    ours = export_weights(model.encoder)
    moved = 0.0
    for name, value in after.items():
        if name.startswith("pooler."):  # not computed with
            continue
        assert (ours[name] - value).abs().max() < 1e-5, name
        moved = max(moved, float((value - before[name]).abs().max()))
    assert moved > 2e-4
