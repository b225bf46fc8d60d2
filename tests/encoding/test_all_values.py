"""``output_value=None``: what the reference's model passes on, without its padding."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pytest
import torch

from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import ArgumentError

TEXTS = ["the words of a text", "find", "the file and the other file"]


@pytest.fixture
def theirs(tiny_folder: Any) -> Any:
    from sentence_transformers import SentenceTransformer as Reference

    return Reference(str(tiny_folder), device="cpu")


@pytest.mark.parametrize("options", [{}, {"prompt": "the "}, {"truncate_dim": 8}])
def test_the_values_are_those_of_the_reference(
    options: dict[str, Any], tiny_folder: Any, theirs: Any
) -> None:
    model = SentenceTransformer(tiny_folder, device="cpu", compute_dtype="float32")
    found = model.encode(TEXTS, output_value=None, **options)
    expected = theirs.encode(TEXTS, output_value=None, **options)
    for ours, reference in zip(found, expected, strict=True):
        there = reference["attention_mask"].bool()
        assert set(ours) == set(reference) - {"modality", "prompt_length"}
        for name in ("input_ids", "attention_mask", "token_type_ids"):
            assert ours[name].tolist() == reference[name][there].tolist()
        torch.testing.assert_close(
            ours["token_embeddings"], reference["token_embeddings"][there], rtol=0, atol=1e-5
        )
        torch.testing.assert_close(
            ours["sentence_embedding"], reference["sentence_embedding"], rtol=0, atol=1e-5
        )


def test_one_text_gives_one_mapping(tiny: SentenceTransformer) -> None:
    one = tiny.encode(TEXTS[0], output_value=None, normalize_embeddings=True)
    np.testing.assert_allclose(
        one["sentence_embedding"], tiny.encode(TEXTS[0], normalize_embeddings=True), atol=1e-6
    )
    assert tiny.encode([], output_value=None) == []


def test_what_the_limit_cuts_is_told(
    tiny: SentenceTransformer, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        tiny.encode(iter(["the file " * 100]), output_value=None)
    assert "1 cut at" in caplog.text


@pytest.mark.parametrize("options", [{"precision": "int8"}, {"long_text": "chunk"}])
def test_what_cannot_be_is_named(options: dict[str, Any], tiny: SentenceTransformer) -> None:
    with pytest.raises(ArgumentError, match=f"{next(iter(options))} is .* output_value is None"):
        tiny.encode(TEXTS, output_value=None, **options)
