"""The model called with padded token ids, as losses of one's own call it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from sentune import SentenceTransformer
from sentune.encoding.features import padded_features
from sentune.errors import ArgumentError


@pytest.fixture(scope="module")
def features(tiny: SentenceTransformer, real_texts: list[str]) -> dict[str, Any]:
    ids, _ = tiny.tokenizer(real_texts[:12])
    return dict(padded_features(ids, torch.device("cpu")))


@pytest.mark.filterwarnings("ignore")
def test_vectors_and_gradients_are_the_reference_ones(
    tiny_folder: Path, features: dict[str, Any]
) -> None:
    from sentence_transformers import SentenceTransformer as Reference

    reference = Reference(str(tiny_folder), device="cpu").eval()
    ours = SentenceTransformer(tiny_folder, device="cpu", compute_dtype="float32")
    expected, found = reference(dict(features)), ours(dict(features))
    assert (found["sentence_embedding"] - expected["sentence_embedding"]).abs().max() < 1e-5
    there = features["attention_mask"].bool()
    difference = found["token_embeddings"] - expected["token_embeddings"]
    assert difference[there].abs().max() < 1e-4
    assert {*features} <= {*found}
    gradients: list[Any] = []
    for model, out in ((reference[0].auto_model, expected), (ours.encoder, found)):
        (out["sentence_embedding"][:, 0].sum() + out["token_embeddings"][there].sum()).backward()
        gradients.append(next(model.parameters()).grad)  # of the words
    assert (gradients[0] - gradients[1]).abs().max() < 1e-3 * gradients[0].abs().max()


@pytest.mark.parametrize(
    "change",
    [
        {"input_ids": None},
        {"attention_mask": torch.ones(1, 1)},
        {"token_type_ids": torch.ones(12, 48)},
    ],
)
def test_features_that_cannot_be_read(
    change: dict[str, Any], tiny: SentenceTransformer, features: dict[str, Any]
) -> None:
    with pytest.raises(ArgumentError, match=r"model\.tokenize"):
        tiny({**features, **change})
