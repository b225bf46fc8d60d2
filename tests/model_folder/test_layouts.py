"""Every folder layout that people have gives the vectors that transformers computes from it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from sentune.encoding.sentence_transformer import SentenceTransformer

Weights = dict[str, Tensor]
MakeFolder = Callable[..., Path]
EditJson = Callable[[Path, Callable[[Any], Any]], None]
EditWeights = Callable[[Path, Callable[[Weights], Weights]], None]
Oracle = Callable[[Path, list[list[int]]], list[Tensor]]
OurTokens = Callable[[SentenceTransformer, list[list[int]]], list[Tensor]]


def load(folder: Path, **options: Any) -> SentenceTransformer:
    return SentenceTransformer(folder, device="cpu", compute_dtype="float32", **options)


def ragged(model: SentenceTransformer, texts: list[str]) -> list[list[int]]:
    ids, _ = model.tokenizer(texts[100:140])
    assert len({len(text) for text in ids}) > 10
    return ids


def assert_same(ours: list[Tensor], theirs: list[Tensor], tolerance: float = 1e-10) -> None:
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=tolerance)


@pytest.mark.parametrize(
    "sizes",
    [
        *({"hidden_act": a} for a in ("gelu", "gelu_new", "gelu_pytorch_tanh", "relu", "silu")),
        {"hidden_size": 48, "num_attention_heads": 3, "intermediate_size": 40},
        {"num_hidden_layers": 1, "num_attention_heads": 1, "type_vocab_size": 1},
        {"num_hidden_layers": 4, "num_attention_heads": 32, "layer_norm_eps": 1e-3},
        {"max_position_embeddings": 50, "vocab_size": 1000},
    ],
    ids=str,
)
def test_the_encoder_equals_transformers_in_float64(
    sizes: dict[str, Any],
    make_folder: MakeFolder,
    oracle: Oracle,
    our_tokens: OurTokens,
    real_texts: list[str],
) -> None:
    folder = make_folder(**sizes)
    model = load(folder)
    ids = ragged(model, real_texts)
    theirs = oracle(folder, ids)
    assert_same(our_tokens(model, ids), theirs)
    # A power check of the comparison: the layers must have moved the vectors far.
    assert max(float(state.std()) for state in theirs) > 0.1


def with_prefix(weights: Weights) -> Weights:
    return {f"bert.{name}": w for name, w in weights.items()}


def with_old_names(weights: Weights) -> Weights:
    def old(name: str) -> str:
        if "LayerNorm" not in name:
            return name
        return name.replace(".weight", ".gamma").replace(".bias", ".beta")

    return {old(name): w for name, w in weights.items()}


def without_pooler(weights: Weights) -> Weights:
    return {name: w for name, w in weights.items() if not name.startswith("pooler.")}


def with_position_ids(weights: Weights) -> Weights:
    return {**weights, "embeddings.position_ids": torch.arange(64).unsqueeze(0)}


def with_all(weights: Weights) -> Weights:
    head = {"cls.predictions.bias": torch.zeros(3)}
    return {**with_prefix(with_position_ids(with_old_names(without_pooler(weights)))), **head}


@pytest.mark.parametrize(
    "change", [with_prefix, with_old_names, without_pooler, with_position_ids, with_all]
)
def test_names_in_weight_files(
    change: Callable[[Weights], Weights],
    folder: Path,
    tiny: SentenceTransformer,
    edit_weights: EditWeights,
    real_texts: list[str],
) -> None:
    expected = tiny.encode(real_texts[:20])
    edit_weights(folder, change)
    np.testing.assert_array_equal(load(folder).encode(real_texts[:20]), expected)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_other_number_formats_are_read_exactly(
    dtype: torch.dtype,
    folder: Path,
    edit_weights: EditWeights,
    oracle: Oracle,
    our_tokens: OurTokens,
    real_texts: list[str],
) -> None:
    edit_weights(folder, lambda ws: {name: w.float().to(dtype) for name, w in ws.items()})
    model = load(folder)
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    ids = ragged(model, real_texts)
    assert_same(our_tokens(model, ids), oracle(folder, ids))


OPTIONAL = (
    "special_tokens_map.json",
    "vocab.txt",
    "tokenizer_config.json",
    "config_sentence_transformers.json",
    "2_Normalize",
)


@pytest.mark.parametrize("missing", [*((name,) for name in OPTIONAL), OPTIONAL], ids=str)
def test_files_that_may_be_missing(
    missing: tuple[str, ...], folder: Path, tiny: SentenceTransformer, real_texts: list[str]
) -> None:
    for name in missing:
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    np.testing.assert_array_equal(
        load(folder).encode(real_texts[:20]), tiny.encode(real_texts[:20])
    )


def test_vocab_txt_alone_makes_the_tokenizer(
    folder: Path, tiny: SentenceTransformer, real_texts: list[str]
) -> None:
    (folder / "tokenizer.json").unlink()
    model = load(folder)
    assert model.tokenizer(real_texts)[0] == tiny.tokenizer(real_texts)[0]
    saved = folder.parent / "saved"
    model.save_pretrained(saved)
    assert load(saved).tokenizer(real_texts)[0] == tiny.tokenizer(real_texts)[0]


def test_vocab_txt_with_capitals(folder: Path, edit_json: EditJson) -> None:
    (folder / "tokenizer.json").unlink()
    edit_json(folder / "tokenizer_config.json", lambda c: {**c, "do_lower_case": False})
    model = load(folder)
    unknown = model.tokenizer.vocabulary().index("[UNK]")
    (lower, upper), _ = model.tokenizer(["the", "THE"])
    assert unknown not in lower
    assert unknown in upper


def test_do_lower_case_of_the_sentence_config(
    folder: Path, edit_json: EditJson, vocabulary: list[str]
) -> None:
    (folder / "tokenizer.json").unlink()
    edit_json(folder / "tokenizer_config.json", lambda c: {**c, "do_lower_case": False})
    edit_json(folder / "sentence_bert_config.json", lambda c: {**c, "do_lower_case": True})
    (lower, upper), _ = load(folder).tokenizer(["the", "THE"])
    assert lower == upper == [vocabulary.index(token) for token in ("[CLS]", "the", "[SEP]")]


@pytest.mark.parametrize(
    ("limits", "tokenizer", "positions", "expected"),
    [
        ({"max_seq_length": 20}, {"model_max_length": 40}, 64, 20),
        (None, {"model_max_length": 40}, 64, 40),
        (None, {"model_max_length": 10**30}, 64, 64),
        (None, {"model_max_length": 512}, 64, 64),
        (None, {}, 64, 64),
        (None, None, 64, 64),
        ({"max_seq_length": None}, {"model_max_length": 33.0}, 64, 33),
        ({"transformer_task": "feature-extraction"}, {"model_max_length": 40}, 64, 40),
    ],
)
def test_where_the_length_limit_is_read(
    limits: dict[str, Any] | None,
    tokenizer: dict[str, Any] | None,
    positions: int,
    expected: int,
    folder: Path,
) -> None:
    for name, content in (
        ("sentence_bert_config.json", limits),
        ("tokenizer_config.json", tokenizer),
    ):
        (folder / name).unlink()
        if content is not None:
            (folder / name).write_text(json.dumps(content), encoding="utf-8")
    model = load(folder)
    assert model.max_seq_length == expected
    (ids,), _ = model.tokenizer(["the " * 500])
    assert len(ids) == expected


@pytest.mark.parametrize("name", ["roberta", "distilbert", "xlm-roberta"])
def test_old_names_of_the_sentence_config(name: str, folder: Path) -> None:
    (folder / "sentence_bert_config.json").rename(folder / f"sentence_{name}_config.json")
    assert load(folder).max_seq_length == 48


@pytest.mark.parametrize("listed", [True, False])
def test_the_transformer_in_a_subfolder(
    listed: bool,
    folder: Path,
    edit_json: EditJson,
    tiny: SentenceTransformer,
    real_texts: list[str],
) -> None:
    below = folder / "0_Transformer"
    below.mkdir()
    for path in list(folder.iterdir()):
        kept = {"modules.json", "config_sentence_transformers.json"}
        if path.is_file() and path.name not in kept:
            path.rename(below / path.name)
    expected = tiny.encode(real_texts[:20])
    if listed:
        edit_json(folder / "modules.json", lambda m: [{**m[0], "path": "0_Transformer"}, *m[1:]])
    else:
        (folder / "modules.json").unlink()
    vectors = load(folder).encode(real_texts[:20], normalize_embeddings=not listed)
    np.testing.assert_allclose(vectors, expected, rtol=0, atol=1e-7)


def test_a_plain_transformers_folder_is_mean_pooled_and_not_normalized(
    folder: Path, tiny: SentenceTransformer, oracle: Oracle, real_texts: list[str]
) -> None:
    for name in ("modules.json", "sentence_bert_config.json", "config_sentence_transformers.json"):
        (folder / name).unlink()
    model = load(folder)
    assert not model.normalize
    assert model.max_seq_length == 64
    ids, _ = model.tokenizer(real_texts[:20])
    expected = torch.stack([states.mean(dim=0) for states in oracle(folder, ids)])
    vectors = torch.from_numpy(model.encode(real_texts[:20]))
    torch.testing.assert_close(vectors.double(), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("written", "modes"),
    [
        ({}, ("mean",)),
        ({"pooling_mode_cls_token": True}, ("cls",)),
        ({"pooling_mode_mean_tokens": True, "pooling_mode_max_tokens": True}, ("max", "mean")),
        ({"pooling_mode": "weightedmean"}, ("weightedmean",)),
        ({"pooling_mode": ["mean", "cls"]}, ("mean", "cls")),
        ({"pooling_mode": "cls", "pooling_mode_mean_tokens": True}, ("cls",)),
    ],
)
def test_pooling_configurations(
    written: dict[str, Any],
    modes: tuple[str, ...],
    folder: Path,
    oracle: Oracle,
    real_texts: list[str],
) -> None:
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(written), encoding="utf-8")
    model = load(folder)
    assert model.pooling.modes == modes
    assert model.encode(["a"]).shape == (1, 32 * len(modes))
    assert model.get_embedding_dimension() == 32 * len(modes)


def test_modules_without_normalize(
    folder: Path, edit_json: EditJson, tiny: SentenceTransformer, real_texts: list[str]
) -> None:
    edit_json(folder / "modules.json", lambda modules: modules[:2])
    vectors = torch.from_numpy(load(folder).encode(real_texts[:20]))
    assert not torch.allclose(vectors.norm(dim=1), torch.ones(20), atol=0.01)
    torch.testing.assert_close(
        F.normalize(vectors, dim=1), torch.from_numpy(tiny.encode(real_texts[:20]))
    )


def test_modules_are_found_where_the_list_says(
    folder: Path, edit_json: EditJson, tiny: SentenceTransformer, real_texts: list[str]
) -> None:
    (folder / "1_Pooling").rename(folder / "pool")
    edit_json(folder / "modules.json", lambda m: [m[0], {**m[1], "path": "pool"}, m[2]])
    np.testing.assert_array_equal(load(folder).encode(real_texts[:5]), tiny.encode(real_texts[:5]))


def test_a_saved_folder_holds_the_files_of_the_3_1_layout(
    tiny: SentenceTransformer, tmp_path: Path
) -> None:
    saved = tmp_path / "saved"
    tiny.save_pretrained(saved)
    names = {str(p.relative_to(saved)) for p in saved.rglob("*")}
    assert names == {
        *("README.md", "config.json", "model.safetensors", "modules.json", "vocab.txt"),
        *("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"),
        *("sentence_bert_config.json", "config_sentence_transformers.json"),
        *("1_Pooling", "1_Pooling/config.json", "2_Normalize"),
    }
    read = {name: json.loads((saved / name).read_text()) for name in names if name.endswith("n")}
    assert set(read["sentence_bert_config.json"]) == {"max_seq_length", "do_lower_case"}
    assert set(read["1_Pooling/config.json"]) == {
        *("word_embedding_dimension", "include_prompt"),
        *("pooling_mode_cls_token", "pooling_mode_mean_tokens", "pooling_mode_max_tokens"),
        *("pooling_mode_mean_sqrt_len_tokens", "pooling_mode_weightedmean_tokens"),
        "pooling_mode_lasttoken",
    }
    settings = read["config_sentence_transformers.json"]
    assert settings["__version__"]["sentence_transformers"] == "3.1.0"
    assert settings["similarity_fn_name"] == "cosine"
    assert settings["prompts"] == {"query": "find ", "document": ""}
    assert [m["type"] for m in read["modules.json"]] == [
        f"sentence_transformers.models.{name}" for name in ("Transformer", "Pooling", "Normalize")
    ]
    assert [m["path"] for m in read["modules.json"]] == ["", "1_Pooling", "2_Normalize"]
    assert read["config.json"]["torch_dtype"] == "float32"
    assert "dtype" not in read["config.json"]
    assert read["tokenizer.json"]["padding"] is None
    assert read["tokenizer.json"]["truncation"]["max_length"] == 48


def test_saving_loses_no_weight_and_changes_none(
    folder: Path, tiny: SentenceTransformer, tmp_path: Path
) -> None:
    from safetensors import safe_open
    from safetensors.torch import load_file

    tiny.save_pretrained(tmp_path / "saved")
    before = load_file(folder / "model.safetensors")
    after = load_file(tmp_path / "saved" / "model.safetensors")
    assert before.keys() == after.keys()
    for name, weight in before.items():
        assert torch.equal(weight, after[name]), name
    with safe_open(tmp_path / "saved" / "model.safetensors", "pt") as file:
        assert file.metadata() == {"format": "pt"}


def test_what_sentune_adds_to_a_folder_survives(folder: Path, tmp_path: Path) -> None:
    (folder / "README.md").write_text("# A card\n", encoding="utf-8")
    model = load(folder, similarity_fn_name="dot", truncate_dim=8, prompts={"passage": "p: "})
    model.extras["fusion"] = {"weight": 0.6}
    model.save_pretrained(tmp_path / "saved")
    again = load(tmp_path / "saved")
    assert again.extras == {"fusion": {"weight": 0.6}}
    assert again.model_card == "# A card\n"
    assert again.similarity_fn_name == "dot"
    assert again.truncate_dim == 8
    assert again.prompts == {"query": "find ", "document": "p: ", "passage": "p: "}
