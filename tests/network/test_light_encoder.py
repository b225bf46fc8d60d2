"""The light encoder equals transformers in float64, or leaves a model to the other one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor

from sentune.model_folder.folder import ModelFolder
from sentune.network.light_encoder import LightEncoder

Weights = dict[str, Tensor]
EditJson = Callable[[Path, Callable[[Any], Any]], None]
EditWeights = Callable[[Path, Callable[[Weights], Weights]], None]
Oracle = Callable[[Path, Sequence[Sequence[int]]], list[Tensor]]

LEFT_TO_TORCH = ("mpnet", "modernbert", "electra", "albert", "nomic_bert", "gte")
QUERY = "encoder.layer.1.attention.self.query.weight"


def opened(folder: Path) -> LightEncoder | None:
    found = ModelFolder.read(folder)
    return LightEncoder.open(found.weights, found.config, bfloat16=False)


def encoder_of(folder: Path) -> Callable[[Sequence[Sequence[int]]], list[Any]]:
    encoder = opened(folder)
    assert encoder is not None

    def encode(texts: Sequence[Sequence[int]]) -> list[Any]:
        found = encoder(texts)
        assert found is not None
        return found

    return encode


def assert_equal_tokens(found: Sequence[Any], expected: Sequence[Tensor]) -> None:
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.dtype == np.float32
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=0, atol=2e-5)


def test_every_architecture_that_is_computed(
    architecture: str, architecture_folder: Path, oracle: Oracle, real_texts: list[str]
) -> None:
    encoder = opened(architecture_folder)
    assert (encoder is None) == (architecture in LEFT_TO_TORCH)
    if encoder is not None:
        token_ids, _ = ModelFolder.read(architecture_folder).tokenizer(real_texts[:40])
        found = encoder_of(architecture_folder)(token_ids)
        assert_equal_tokens(found, oracle(architecture_folder, token_ids))


def test_electra_as_wide_as_its_tables(
    make_architecture: Any, oracle: Oracle, real_texts: list[str]
) -> None:
    folder = make_architecture("electra", embedding_size=32)
    token_ids, _ = ModelFolder.read(folder).tokenizer(real_texts[100:120])
    assert_equal_tokens(encoder_of(folder)(token_ids), oracle(folder, token_ids))


def test_the_published_model(base_folder: Path, oracle: Oracle, real_texts: list[str]) -> None:
    token_ids, _ = ModelFolder.read(base_folder).tokenizer(real_texts[:12])
    assert_equal_tokens(encoder_of(base_folder)(token_ids), oracle(base_folder, token_ids))


@pytest.mark.parametrize("activation", ["gelu", "gelu_new", "gelu_pytorch_tanh", "relu"])
def test_activations(activation: str, make_folder: Any, oracle: Oracle) -> None:
    folder = make_folder(hidden_act=activation)
    assert_equal_tokens(encoder_of(folder)([[2, 9, 80, 3]]), oracle(folder, [[2, 9, 80, 3]]))


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(texts=st.lists(st.lists(st.integers(0, 90), min_size=1, max_size=20), max_size=6))
def test_any_company_gives_the_same_bits(texts: list[list[int]], tiny_folder: Path) -> None:
    encoder = encoder_of(tiny_folder)
    for alone, together in zip(texts, encoder(texts), strict=True):
        np.testing.assert_array_equal(encoder([alone])[0], together)


@pytest.mark.parametrize("name", ["roberta", "xlm-roberta", "camembert"])
def test_a_text_that_spells_the_padding_token(
    name: str, make_architecture: Any, oracle: Oracle
) -> None:
    folder = make_architecture(name)
    padding = ModelFolder.read(folder).config.padding_id
    assert padding is not None
    texts = [[0, padding, 9, 11, padding, padding, 12, 2], [padding], [5, 6]]
    found = encoder_of(folder)(texts)
    for ours, text in zip(found, texts, strict=True):  # each alone: others would pad it
        assert_equal_tokens([ours], oracle(folder, [text]))


def test_a_model_with_a_head_and_old_names(
    tiny_folder: Path, tmp_path: Path, edit_weights: EditWeights
) -> None:
    folder = Path(shutil.copytree(tiny_folder, tmp_path / "copy"))
    ending = {".weight": ".gamma", ".bias": ".beta"}

    def old(name: str) -> str:
        stem, dot, kind = name.rpartition(".")
        return "bert." + stem + (ending[dot + kind] if "LayerNorm" in stem else dot + kind)

    extra = {"cls.bias": torch.zeros(3), "embeddings.position_ids": torch.arange(64)}
    edit_weights(folder, lambda weights: {**{old(n): w for n, w in weights.items()}, **extra})
    texts = [[2, 8, 70, 71, 3]]
    np.testing.assert_array_equal(encoder_of(folder)(texts), encoder_of(tiny_folder)(texts))
    found = opened(folder)
    assert found is not None
    assert found.left_out == ["cls.bias"]


@pytest.mark.parametrize(
    "change",
    [
        lambda weights: {n: w for n, w in weights.items() if n != QUERY},
        lambda weights: {**weights, QUERY: weights[QUERY][:16].clone()},
        lambda weights: {**weights, QUERY: weights[QUERY].half()},
        lambda weights: {**weights, QUERY: weights[QUERY].bfloat16()},
        lambda weights: {n: w.double() for n, w in weights.items()},
        lambda weights: {**weights, f"{QUERY[:-7]}.lora_A.weight": torch.zeros(2)},
        lambda weights: {**weights, f"bert.{QUERY}": weights[QUERY].clone()},
        lambda weights: {},
    ],
    ids=["missing", "shape", "half", "bfloat16", "double", "adapter", "twice", "empty"],
)
def test_weights_that_are_left_to_the_other(
    change: Callable[[Weights], Weights],
    tiny_folder: Path,
    tmp_path: Path,
    edit_weights: EditWeights,
) -> None:
    folder = Path(shutil.copytree(tiny_folder, tmp_path / "copy"))
    edit_weights(folder, change)
    assert opened(folder) is None


@pytest.mark.parametrize("content", [b"", b"torn", b"\xff" * 100])
def test_a_file_that_is_damaged(content: bytes, tiny_folder: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_folder, tmp_path / "copy"))
    (folder / "model.safetensors").write_bytes(content)
    assert opened(folder) is None


def test_sizes_that_no_file_has(tiny_folder: Path, tmp_path: Path, edit_json: EditJson) -> None:
    folder = Path(shutil.copytree(tiny_folder, tmp_path / "copy"))
    edit_json(folder / "config.json", lambda config: config.update(num_hidden_layers=10**8))
    assert opened(folder) is None


def test_an_activation_that_is_left_to_the_other(
    tiny_folder: Path, tmp_path: Path, edit_json: EditJson
) -> None:
    folder = Path(shutil.copytree(tiny_folder, tmp_path / "copy"))
    edit_json(folder / "config.json", lambda config: config.update(hidden_act="silu"))
    assert opened(folder) is None


def test_a_model_that_is_replaced_while_it_is_read_is_left_to_torch(folder: Path) -> None:
    encoder = opened(folder)
    assert encoder is not None
    assert encoder([[2, 7, 3]]) is not None
    weights = folder / "model.safetensors"
    copy = weights.read_bytes()
    weights.unlink()
    weights.write_bytes(copy)
    os.utime(weights, ns=(0, 0))
    assert encoder([[2, 7, 3]]) is None
    weights.unlink()
    assert encoder([[2, 7, 3]]) is None
