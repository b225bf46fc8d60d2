"""The models of the hub that bring code of their own: gte v1.5 (``new``) and nomic-embed-text.

Their code is not run here either. What it computes is written out below, in float64.
"""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor

from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import UnsupportedModelError
from sentune.model_folder.weights import export_weights
from sentune.network.pack import pack

MakeFolder = Callable[..., Path]
EditWeights = Callable[[Path, Callable[[dict[str, Tensor]], dict[str, Tensor]]], None]

HEADS, SIZE = 4, 8
NEW: dict[str, Any] = {
    "architectures": ["NewModel"],
    "attention_probs_dropout_prob": 0.0,
    "auto_map": {"AutoModel": "Alibaba-NLP/new-impl--modeling.NewModel"},
    "classifier_dropout": None,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1,
    "hidden_size": 32,
    "initializer_range": 0.02,
    "intermediate_size": 64,
    "layer_norm_eps": 1e-12,
    "layer_norm_type": "layer_norm",
    "logn_attention_clip1": False,
    "logn_attention_scale": False,
    "max_position_embeddings": 8192,
    "model_type": "new",
    "num_attention_heads": HEADS,
    "num_hidden_layers": 3,
    "pack_qkv": True,
    "pad_token_id": 1,
    "position_embedding_type": "rope",
    "rope_scaling": {"factor": 8.0, "type": "ntk"},
    "rope_theta": 20000,
    "torch_dtype": "float16",
    "transformers_version": "4.39.1",
    "type_vocab_size": 1,
    "unpad_inputs": False,
    "use_memory_efficient_attention": False,
}
NOMIC: dict[str, Any] = {
    "activation_function": "swiglu",
    "architectures": ["NomicBertModel"],
    "attn_pdrop": 0.0,
    "auto_map": {"AutoModel": "nomic-ai/nomic-bert-2048--modeling_hf_nomic_bert.NomicBertModel"},
    "bos_token_id": None,
    "causal": False,
    "dense_seq_output": True,
    "embd_pdrop": 0.0,
    "eos_token_id": None,
    "fused_bias_fc": True,
    "fused_dropout_add_ln": True,
    "initializer_range": 0.02,
    "layer_norm_epsilon": 1e-12,
    "max_trained_positions": 2048,
    "mlp_fc1_bias": False,
    "mlp_fc2_bias": False,
    "model_type": "nomic_bert",
    "n_embd": 32,
    "n_head": HEADS,
    "n_inner": 64,
    "n_layer": 3,
    "n_positions": 8192,
    "parallel_block": False,
    "parallel_block_tied_norm": False,
    "prenorm": False,
    "qkv_proj_bias": False,
    "reorder_and_upcast_attn": False,
    "resid_pdrop": 0.0,
    "rotary_emb_base": 1000,
    "rotary_emb_fraction": 1.0,
    "rotary_emb_interleaved": False,
    "rotary_emb_scale_base": None,
    "rotary_scaling_factor": None,
    "scale_attn_by_inverse_layer_idx": False,
    "scale_attn_weights": True,
    "summary_activation": None,
    "summary_first_dropout": 0.0,
    "summary_proj_to_labels": True,
    "summary_type": "cls_index",
    "summary_use_proj": True,
    "torch_dtype": "float32",
    "transformers_version": "4.34.0",
    "type_vocab_size": 2,
    "use_cache": True,
    "use_flash_attn": True,
    "use_rms_norm": False,
    "use_xentropy": True,
}


@pytest.fixture
def folder_of(make_architecture: MakeFolder, tmp_path: Path) -> Callable[..., Path]:
    """A folder with the ``config.json`` of the hub; keywords change it."""

    def _folder(model_type: str, **changes: Any) -> Path:
        folder = tmp_path / model_type
        made = make_architecture("gte" if model_type == "new" else model_type)
        shutil.copytree(made, folder)
        rows = json.loads((folder / "config.json").read_text())["vocab_size"]
        config = {**(NEW if model_type == "new" else NOMIC), "vocab_size": rows, **changes}
        (folder / "config.json").write_text(json.dumps(config))
        return folder

    return _folder


def load(folder: Path, **options: Any) -> SentenceTransformer:
    return SentenceTransformer(folder, device="cpu", compute_dtype="float32", **options)


# ── the computation, written out ──────────────────────────────────────────────────────────────


def turned(x: Tensor, frequencies: Tensor) -> Tensor:
    """(tokens, heads, size): the first half of a head and the second are the pairs."""
    angles = torch.arange(len(x)).double()[:, None, None] * frequencies
    left, right = x[..., : SIZE // 2], x[..., SIZE // 2 :]
    cosine, sine = angles.cos(), angles.sin()
    return torch.cat([left * cosine - right * sine, right * cosine + left * sine], dim=-1)


def attention(qkv: Tensor, frequencies: Tensor) -> Tensor:
    query, key, value = (part.unflatten(1, (HEADS, SIZE)) for part in qkv.chunk(3, dim=1))
    query, key = turned(query, frequencies), turned(key, frequencies)
    scores = torch.einsum("ihd,jhd->hij", query, key) / SIZE**0.5
    return torch.einsum("hij,jhd->ihd", scores.softmax(-1), value).flatten(1)


def normed(x: Tensor, w: dict[str, Tensor], name: str) -> Tensor:
    return F.layer_norm(x, (32,), w[f"{name}.weight"], w[f"{name}.bias"], 1e-12)


def new_states(w: dict[str, Tensor], ids: list[int], frequencies: Tensor) -> Tensor:
    x = w["embeddings.word_embeddings.weight"][ids]
    if "embeddings.token_type_embeddings.weight" in w:
        x = x + w["embeddings.token_type_embeddings.weight"][0]
    x = normed(x, w, "embeddings.LayerNorm")
    for number in range(3):
        at = f"encoder.layer.{number}"
        qkv = F.linear(x, w[f"{at}.attention.qkv_proj.weight"], w[f"{at}.attention.qkv_proj.bias"])
        mixed = attention(qkv, frequencies)
        mixed = F.linear(
            mixed, w[f"{at}.attention.o_proj.weight"], w[f"{at}.attention.o_proj.bias"]
        )
        x = normed(x + mixed, w, f"{at}.attn_ln")
        up, gate = F.linear(x, w[f"{at}.mlp.up_gate_proj.weight"]).chunk(2, dim=1)
        inner = F.gelu(gate) * up
        down = F.linear(inner, w[f"{at}.mlp.down_proj.weight"], w[f"{at}.mlp.down_proj.bias"])
        x = normed(x + down, w, f"{at}.mlp_ln")
    return x


def nomic_states(w: dict[str, Tensor], ids: list[int], frequencies: Tensor) -> Tensor:
    x = (
        w["embeddings.word_embeddings.weight"][ids]
        + w["embeddings.token_type_embeddings.weight"][0]
    )
    x = normed(x, w, "emb_ln")
    for number in range(3):
        at = f"encoder.layers.{number}"
        mixed = attention(F.linear(x, w[f"{at}.attn.Wqkv.weight"]), frequencies)
        x = normed(x + F.linear(mixed, w[f"{at}.attn.out_proj.weight"]), w, f"{at}.norm1")
        value, gate = (F.linear(x, w[f"{at}.mlp.fc1{part}.weight"]) for part in (1, 2))
        inner = value * F.silu(gate)
        x = normed(x + F.linear(inner, w[f"{at}.mlp.fc2.weight"]), w, f"{at}.norm2")
    return x


def assert_states(folder: Path, states: Any, frequencies: Tensor, texts: list[str]) -> None:
    model = load(folder)
    model.max_seq_length = 64
    stored = load_file(folder / "model.safetensors")
    weights = {name.removeprefix("new."): w.double() for name, w in stored.items()}
    token_ids = model.tokenizer(texts)[0]
    packed = pack(token_ids)
    with torch.no_grad():
        found = packed.split(model.encoder.double()(packed))
    for ours, ids in zip(found, token_ids, strict=True):
        expected = states(weights, ids, frequencies)
        torch.testing.assert_close(ours, expected, rtol=0, atol=1e-4)  # angles are in float32


POWERS = torch.arange(0, SIZE, 2).double() / SIZE
# factor 8 over 20,000: the base is 160,000, and every angle is divided by the fourth root of 8
NTK = 1 / 160_000.0**POWERS / 8 ** (2 / SIZE)


@pytest.mark.parametrize(
    ("changes", "frequencies"),
    [
        ({}, NTK),
        ({"rope_scaling": None}, 1 / 20_000.0**POWERS),
        ({"rope_scaling": None, "rope_theta": 500_000}, 1 / 500_000.0**POWERS),
        ({"rope_scaling": {"factor": 1.0, "type": "ntk"}}, 1 / 20_000.0**POWERS),
    ],
    ids=["ntk", "none", "another base", "a factor of 1"],
)
def test_new_is_what_its_code_computes(
    changes: Any, frequencies: Tensor, folder_of: Any, real_texts: list[str]
) -> None:
    folder = folder_of("new", **changes)
    assert_states(folder, new_states, frequencies, real_texts[100:116])


def test_new_without_segments_and_with_a_prefix(
    folder_of: Any, edit_weights: EditWeights, real_texts: list[str]
) -> None:
    folder = folder_of("new", type_vocab_size=0)
    edit_weights(folder, lambda ws: {f"new.{n}": w for n, w in ws.items() if "token_type" not in n})
    assert_states(folder, new_states, NTK, real_texts[100:110])


@pytest.mark.parametrize(
    ("changes", "theta"),
    [({}, 1000.0), ({"rotary_emb_base": 50.0}, 50.0), ({"rotary_scaling_factor": 2}, 1000.0)],
    ids=str,
)
def test_nomic_bert_is_what_its_code_computes(
    changes: Any, theta: float, folder_of: Any, real_texts: list[str]
) -> None:
    folder = folder_of("nomic_bert", **changes)
    assert_states(folder, nomic_states, 1 / theta**POWERS, real_texts[100:116])


# ── folders ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("new", {}),
        ("new", {"rope_scaling": None}),
        ("nomic_bert", {}),
        ("nomic_bert", {"rotary_emb_base": 50.0}),
    ],
    ids=str,
)
def test_what_is_saved_loads_without_code_of_the_hub(
    name: str, changes: Any, folder_of: Any, tmp_path: Path, real_texts: list[str]
) -> None:
    model, texts = load(folder_of(name, **changes)), real_texts[100:130]
    model.max_seq_length = 64
    model.save_pretrained(tmp_path / "saved")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from sentence_transformers import SentenceTransformer as Reference

        reference = Reference(str(tmp_path / "saved"), device="cpu", trust_remote_code=False)
    expected = model.encode(texts)
    found = reference.encode(texts)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())
    again = load(tmp_path / "saved")
    np.testing.assert_array_equal(again.encode(texts), expected)
    assert again.encoder.config == model.encoder.config
    again.save_pretrained(tmp_path / "again")
    files = [tmp_path / folder / "config.json" for folder in ("saved", "again")]
    assert files[0].read_text() == files[1].read_text()


@pytest.mark.parametrize("name", ["new", "nomic_bert"])
def test_every_key_of_the_hub_is_known(
    name: str, folder_of: Any, caplog: pytest.LogCaptureFixture
) -> None:
    load(folder_of(name))
    assert not [r.message for r in caplog.records if "does not know" in r.message]


def test_a_scaling_that_is_not_used_is_told(
    folder_of: Any, caplog: pytest.LogCaptureFixture
) -> None:
    model = load(folder_of("nomic_bert", rotary_scaling_factor=2))
    assert "more than 2048 tokens" in caplog.text
    assert model.encoder.config.longest_text == 8192


def test_rows_of_padding_in_the_vocabulary(folder_of: Any, tmp_path: Path) -> None:
    folder = folder_of("nomic_bert")
    rows = json.loads((folder / "config.json").read_text())["vocab_size"]
    multiple = next(n for n in range(2, rows) if rows % n == 0)
    folder = folder.rename(tmp_path / "given")
    padded = folder_of("nomic_bert", vocab_size=rows - 1, pad_vocab_size_multiple=multiple)
    np.testing.assert_array_equal(load(padded).encode(["a text"]), load(folder).encode(["a text"]))


@pytest.mark.parametrize("name", ["qkv_proj_bias", "mlp_fc1_bias", "rotary_emb_fraction"])
def test_what_the_older_names_leave_to_other_defaults(
    name: str, folder_of: Any, refusal: Callable[..., str]
) -> None:
    folder = folder_of("nomic_bert")
    config = json.loads((folder / "config.json").read_text())
    del config[name]
    (folder / "config.json").write_text(json.dumps(config))
    assert name in refusal(folder, UnsupportedModelError)


# ── training ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["new", "nomic_bert"])
def test_gradients(name: str, folder_of: Any, real_texts: list[str]) -> None:
    """Of the computation written out, by automatic differentiation of it."""
    folder = folder_of(name)
    model = load(folder)
    encoder = model.encoder.double()
    encoder.set_dropout(0.0)
    encoder.train()
    ids = [text[:16] for text in model.tokenizer(real_texts[100:104])[0]]
    packed = pack(ids)
    torch.manual_seed(0)
    directions = [torch.randn(len(text), 32).double() for text in ids]
    states = packed.split(encoder(packed))
    sum((s * d).sum() for s, d in zip(states, directions, strict=True)).backward()  # type: ignore[union-attr]
    stored = load_file(folder / "model.safetensors")
    weights = {n: w.double().requires_grad_() for n, w in stored.items()}
    of_model, angles = (new_states, NTK) if name == "new" else (nomic_states, 1 / 1000.0**POWERS)
    for text, direction in zip(ids, directions, strict=True):
        (of_model(weights, text, angles) * direction).sum().backward()
    with torch.no_grad():
        for parameter in encoder.parameters():
            parameter.copy_(parameter.grad)  # type: ignore[arg-type]
    found = export_weights(encoder)
    assert found.keys() == weights.keys()
    for key, weight in weights.items():
        assert weight.grad is not None
        scale = float(weight.grad.abs().max())
        torch.testing.assert_close(
            found[key].double(), weight.grad, rtol=0, atol=1e-4 * scale + 1e-9
        )
