"""LoRA beside the weights of a model: merged by hand in float64, as peft documents it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from sentune.encoding.few.few_texts import encode_few
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import ModelError, ModelNotFoundError, UnsupportedModelError
from sentune.model_folder.resolve import resolve

Weights = dict[str, Tensor]
Refusal = Callable[..., str]

TEXTS = ["a file is read", "sockets", ""]
QUERY = "encoder.layer.0.attention.self.query"
KEY = "encoder.layer.1.attention.self.key"
UP = "encoder.layer.1.intermediate.dense"
WORDS = "embeddings.word_embeddings"
LORA: dict[str, Any] = {
    "peft_type": "LORA",
    "base_model_name_or_path": "somewhere/else",
    "r": 4,
    "lora_alpha": 8,
    "lora_dropout": 0.1,
    "target_modules": ["query", "key", "dense"],
    "bias": "none",
    "fan_in_fan_out": False,
    "task_type": "FEATURE_EXTRACTION",
    "inference_mode": True,
    "modules_to_save": None,
    "init_lora_weights": True,
    "use_rslora": False,
    "use_dora": False,
    "rank_pattern": {},
    "alpha_pattern": {},
    "layer_replication": None,
    "megatron_config": None,
}


def load(folder: Path) -> SentenceTransformer:
    return SentenceTransformer(folder, device="cpu", compute_dtype="float32")


def factors(module: str, inputs: int, outputs: int, rank: int = 4) -> Weights:
    draw = torch.Generator().manual_seed(len(module))
    return {
        f"base_model.model.{module}.lora_A.weight": torch.randn(rank, inputs, generator=draw),
        f"base_model.model.{module}.lora_B.weight": torch.randn(outputs, rank, generator=draw),
    }


def plain() -> Weights:
    return {**factors(QUERY, 32, 32), **factors(KEY, 32, 32), **factors(UP, 32, 64)}


def add(folder: Path, weights: Weights, **changes: Any) -> None:
    save_file(weights, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    (folder / "adapter_config.json").write_text(json.dumps({**LORA, **changes}), encoding="utf-8")


def merged(folder: Path, path: Path, scales: dict[str, float], adapter: Weights) -> Path:
    """The same folder with W + scale · B·A for each module, and without an adapter."""
    shutil.copytree(folder, path)
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        (path / name).unlink()
    weights = {n: w.clone() for n, w in load_file(path / "model.safetensors").items()}
    for module, scale in scales.items():
        a, b = (adapter[f"base_model.model.{module}.lora_{x}.weight"].double() for x in "AB")
        exact = weights[f"{module}.weight"].double() + scale * b @ a
        weights[f"{module}.weight"] = exact.float()
    save_file(weights, path / "model.safetensors", metadata={"format": "pt"})
    return path


def same(found: SentenceTransformer, expected: SentenceTransformer) -> None:
    np.testing.assert_allclose(found.encode(TEXTS), expected.encode(TEXTS), rtol=0, atol=1e-5)


SCALES = dict.fromkeys((QUERY, KEY, UP), 2.0)


@pytest.mark.parametrize(
    ("changes", "scales"),
    [
        ({}, SCALES),
        ({"fan_in_fan_out": True}, SCALES),  # peft: only for layers that are stored transposed
        ({"use_rslora": True}, dict.fromkeys(SCALES, 4.0)),
        ({"alpha_pattern": {"query": 2}}, {**SCALES, QUERY: 0.5}),
        ({"alpha_pattern": {r"encoder\.layer\.1\.(.*)": 16}}, {**SCALES, KEY: 4.0, UP: 4.0}),
        ({"use_rslora": None, "rank_pattern": None}, SCALES),
        ({"lora_alpha": 3.0, "some_later_option": False}, dict.fromkeys(SCALES, 0.75)),
    ],
    ids=str,
)
def test_weights_are_merged(
    changes: dict[str, Any], scales: dict[str, float], folder: Path, tiny: SentenceTransformer
) -> None:
    add(folder, plain(), **changes)
    model = load(folder)
    assert np.abs(model.encode(TEXTS) - tiny.encode(TEXTS)).max() > 0.01
    same(model, load(merged(folder, folder.parent / "merged", scales, plain())))
    assert encode_few(resolve(folder), TEXTS, bfloat16=False) is None, "it would miss the adapter"


def test_ranks_of_single_modules(folder: Path) -> None:
    weights = {**plain(), **factors(UP, 32, 64, rank=2)}
    add(folder, weights, rank_pattern={"intermediate.dense": 2})
    same(load(folder), load(merged(folder, folder.parent / "merged", {**SCALES, UP: 4.0}, weights)))


@pytest.mark.parametrize("place", ["", "bert.", "0.auto_model."])
def test_where_the_encoder_is_in_the_trained_model(place: str, folder: Path) -> None:
    moved = {
        name.replace("base_model.model.", f"base_model.model.{place}"): w
        for name, w in plain().items()
    }
    add(folder, moved)
    same(load(folder), load(merged(folder, folder.parent / "merged", SCALES, plain())))


def test_a_table_and_whole_tensors(
    folder: Path, vocabulary: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    draw = torch.Generator().manual_seed(1)
    a, b = torch.randn(4, len(vocabulary), generator=draw), torch.randn(32, 4, generator=draw)
    bias, norm = torch.randn(32, generator=draw), torch.rand(32, generator=draw)
    whole = {
        f"base_model.model.{WORDS}.lora_embedding_A": a,
        f"base_model.model.{WORDS}.lora_embedding_B": b,
        f"base_model.model.{QUERY}.base_layer.bias": bias,
        "base_model.model.embeddings.LayerNorm.modules_to_save.weight": norm,
        "base_model.model.classifier.weight": torch.zeros(2, 32),
        **factors("pooler.dense", 32, 32),
    }
    add(folder, whole, bias="lora_only", modules_to_save=["classifier", "LayerNorm"])
    found = load(folder)
    assert any("classifier.weight" in str(record.args) for record in caplog.records)
    weights = {n: w.clone() for n, w in load_file(folder / "model.safetensors").items()}
    weights[f"{WORDS}.weight"] += 2 * (b @ a).T
    weights[f"{QUERY}.bias"] = bias
    weights["embeddings.LayerNorm.weight"] = norm
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        (folder / name).unlink()
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    same(found, load(folder))


def test_a_pooler_that_the_file_does_not_have(
    folder: Path, edit_weights: Any, tiny: SentenceTransformer
) -> None:
    edit_weights(folder, lambda ws: {n: w for n, w in ws.items() if "pooler" not in n})
    add(folder, factors("pooler.dense", 32, 32))
    same(load(folder), tiny)


def test_an_adapter_alone_with_its_model_elsewhere(
    folder: Path, tiny_folder: Path, tmp_path: Path
) -> None:
    add(folder, plain())
    expected = load(folder)
    add(folder, plain(), base_model_name_or_path=str(tiny_folder))
    for name in ("model.safetensors", "config.json"):
        (folder / name).unlink()
    same(load(folder), expected)
    for name in ("tokenizer.json", "vocab.txt", "tokenizer_config.json"):
        (folder / name).unlink()
    assert load(folder).tokenizer(TEXTS) == expected.tokenizer(TEXTS)


def test_a_saved_folder_has_the_merged_weights_only(folder: Path, tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer as Reference

    add(folder, plain())
    model = load(folder)
    model.save_pretrained(tmp_path / "saved")
    assert not list((tmp_path / "saved").glob("adapter*"))
    same(load(tmp_path / "saved"), model)
    theirs = Reference(str(tmp_path / "saved"), device="cpu").encode(TEXTS)
    np.testing.assert_allclose(theirs, model.encode(TEXTS), rtol=0, atol=1e-5)


# ── what is refused ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"peft_type": "IA3"}, "of the kind 'IA3'"),
        ({"peft_type": None}, "of the kind None"),
        ({"use_dora": True}, "use_dora True"),
        ({"init_lora_weights": "pissa"}, "'pissa'"),
        ({"layer_replication": [[0, 1]]}, "layer_replication"),
        ({"trainable_token_indices": [3]}, "trainable_token_indices"),
        ({"lora_bias": True}, "lora_bias"),
        ({"option_of_tomorrow": "on"}, "option_of_tomorrow"),
    ],
)
def test_other_adapters(changes: dict[str, Any], said: str, folder: Path, refusal: Refusal) -> None:
    add(folder, plain(), **changes)
    message = refusal(folder, UnsupportedModelError)
    assert said in message
    assert str(folder / "adapter_config.json") in message
    assert "merge_and_unload" in message


@pytest.mark.parametrize(
    "changes",
    [
        {"r": 0},
        {"r": "4"},
        {"lora_alpha": None},
        {"lora_alpha": float("nan")},
        {"lora_alpha": 1e300},
        {"rank_pattern": [1]},
        {"rank_pattern": {"query": 0}},
        {"rank_pattern": {"(": 2}},
        {"alpha_pattern": {"query": "2"}},
        {"use_rslora": "yes"},
        {"r": 2},
    ],
    ids=str,
)
def test_values_that_make_no_sense(changes: dict[str, Any], folder: Path, refusal: Refusal) -> None:
    add(folder, plain(), **changes)
    assert str(folder / "adapter_") in refusal(folder, ModelError)


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ({n: w for n, w in plain().items() if f"{KEY}.lora_B" not in n}, KEY),
        ({**plain(), **factors(QUERY, 48, 32)}, QUERY),
        ({**plain(), **factors("encoder.layer.7.output.dense", 64, 32)}, "encoder.layer.7"),
        ({**plain(), f"base_model.model.{QUERY}.bias": torch.zeros(3)}, f"{QUERY}.bias (3,)"),
        ({n: w * float("nan") for n, w in plain().items()}, "not finite"),
        ({n: w.to(torch.int8) for n, w in plain().items()}, "int8"),
    ],
    ids=["one of two", "shape", "module", "bias", "nan", "int8"],
)
def test_weights_that_do_not_fit(
    weights: Weights, said: str, folder: Path, refusal: Refusal
) -> None:
    add(folder, weights)
    message = refusal(folder, ModelError)
    assert said in message
    assert str(folder / "adapter_model.safetensors") in message


def test_parts_of_other_adapters(folder: Path, refusal: Refusal) -> None:
    vector = {f"base_model.model.{QUERY}.lora_magnitude_vector.weight": torch.ones(32)}
    add(folder, {**plain(), **vector})
    assert "lora_magnitude_vector" in refusal(folder, UnsupportedModelError)


def test_files_that_are_missing(folder: Path, refusal: Refusal) -> None:
    add(folder, plain())
    (folder / "adapter_model.safetensors").unlink()
    assert "adapter_model.safetensors" in refusal(folder, ModelError)
    add(folder, plain())
    (folder / "model.safetensors").unlink()
    assert "'somewhere/else'" in refusal(folder, ModelNotFoundError)
    add(folder, plain(), base_model_name_or_path=None)
    assert "has no weights" in refusal(folder, ModelError)


@pytest.mark.parametrize(
    "name", [f"{QUERY}.lora_A.weight", f"{QUERY}.base_layer.weight", f"{QUERY}.hada_w1_a"]
)
def test_adapters_among_the_weights(
    name: str, folder: Path, edit_weights: Any, refusal: Refusal
) -> None:
    edit_weights(folder, lambda weights: {**weights, name: torch.zeros(4, 32)})
    message = refusal(folder, UnsupportedModelError)
    assert "adapter" in message
    assert name in message
    assert "copy the folder" not in message.lower()
