"""Lists of modules, pooling and prompts."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from tests.parity.folders.change import (
    ALL,
    CONFIG,
    MODULES,
    POOLING,
    SENTENCE,
    Apply,
    Change,
    both,
    drop,
    named,
    put,
    remove,
)

_MODES = ("cls_token", "mean_tokens", "max_tokens", "mean_sqrt_len_tokens")
_MORE_MODES = ("weightedmean_tokens", "lasttoken")


def modules(*kinds: str, prefix: str = "sentence_transformers.models.") -> Apply:
    """The list of modules, with a folder for each but the first."""

    def _apply(folder: Path) -> None:
        entries = []
        for number, kind in enumerate(kinds):
            path = "" if kind == "Transformer" else f"{number}_{kind}"
            (folder / path).mkdir(exist_ok=True)
            entry = {"idx": number, "name": str(number), "path": path, "type": prefix + kind}
            entries.append(entry)
        (folder / MODULES).write_text(json.dumps(entries), encoding="utf-8")

    return _apply


def _pooling(*modes: str) -> Apply:
    def _apply(folder: Path) -> None:
        values: dict[str, Any] = {"word_embedding_dimension": 32}
        values |= {f"pooling_mode_{mode}": mode in modes for mode in (*_MODES, *_MORE_MODES)}
        (folder / POOLING).write_text(json.dumps(values), encoding="utf-8")

    return _apply


def dense(number: int, activation: str, *, bias: bool, width: int = 24) -> Apply:
    def _apply(folder: Path) -> None:
        path = folder / f"{number}_Dense"
        values: dict[str, Any] = {"in_features": 32, "out_features": width, "bias": bias}
        values["activation_function"] = f"torch.nn.modules.{activation}"
        (path / "config.json").write_text(json.dumps(values), encoding="utf-8")
        torch.manual_seed(1)
        weights = {"linear.weight": torch.randn(width, 32)}
        if bias:
            weights["linear.bias"] = torch.randn(width)
        save_file(weights, path / "model.safetensors")

    return _apply


def _layer_norm(folder: Path) -> None:
    path = folder / "2_LayerNorm"
    (path / "config.json").write_text(json.dumps({"dimension": 32}), encoding="utf-8")
    torch.manual_seed(2)
    weights = {"norm.weight": torch.randn(32), "norm.bias": torch.randn(32)}
    save_file(weights, path / "model.safetensors")


def _dropout(folder: Path) -> None:
    (folder / "2_Dropout" / "config.json").write_text('{"dropout": 0.3}', encoding="utf-8")


def _nested(folder: Path) -> None:
    """The transformer in a folder of its own."""
    inner = folder / "0_Transformer"
    inner.mkdir()
    stays = (MODULES, SENTENCE)
    for path in [p for p in folder.iterdir() if p.is_file() and p.name not in stays]:
        shutil.move(path, inner / path.name)
    entries = json.loads((folder / MODULES).read_text(encoding="utf-8"))
    entries[0]["path"] = inner.name
    (folder / MODULES).write_text(json.dumps(entries), encoding="utf-8")


_TANH = "activation.Tanh"
_LAYOUTS = [
    ("no modules.json", remove(MODULES)),
    ("no Normalize", modules("Transformer", "Pooling")),
    ("Normalize twice", modules("Transformer", "Pooling", "Normalize", "Normalize")),
    (
        "Dense",
        both(modules("Transformer", "Pooling", "Dense"), dense(2, _TANH, bias=True)),
    ),
    (
        "Dense and Normalize",
        both(
            modules("Transformer", "Pooling", "Dense", "Normalize"),
            dense(2, "linear.Identity", bias=False),
        ),
    ),
    (
        "Dense, ReLU",
        both(
            modules("Transformer", "Pooling", "Dense"),
            dense(2, "activation.ReLU", bias=True, width=48),
        ),
    ),
    ("LayerNorm", both(modules("Transformer", "Pooling", "LayerNorm"), _layer_norm)),
    ("Dropout", both(modules("Transformer", "Pooling", "Dropout"), _dropout)),
    ("foreign module", modules("Transformer", "Pooling", prefix="own.code.")),
    ("Pooling missing", modules("Transformer", "Normalize")),
    ("transformer in its folder", _nested),
    *((f"pooling {mode}", _pooling(mode)) for mode in (*_MODES, *_MORE_MODES)),
    ("pooling cls and mean", _pooling("cls_token", "mean_tokens")),
    ("pooling mean and max", _pooling("mean_tokens", "max_tokens")),
    ("pooling none", _pooling()),
    (
        "pooling of version 6",
        both(drop(POOLING, "pooling_mode_mean_tokens"), put(POOLING, pooling_mode="cls")),
    ),
    (
        "pooling dimension of version 6",
        both(
            drop(POOLING, "pooling_mode_mean_tokens", "word_embedding_dimension"),
            put(POOLING, pooling_mode="max", embedding_dimension=32),
        ),
    ),
    ("no prompts file", remove(SENTENCE)),
    ("default prompt", put(SENTENCE, default_prompt_name="query")),
    (
        "default prompt left out of pooling",
        both(put(SENTENCE, default_prompt_name="query"), put(POOLING, include_prompt=False)),
    ),
    ("prompts null", put(SENTENCE, prompts=None)),
    ("a prompt is null", put(SENTENCE, prompts={"query": None})),
    ("a prompt of blanks", put(SENTENCE, prompts={"q": "  "}, default_prompt_name="q")),
    ("truncate_dim", put(SENTENCE, truncate_dim=8)),
    ("similarity", put(SENTENCE, similarity_fn_name="dot")),
    ("unknown key in pooling", put(POOLING, some_option=True)),
    ("unknown key in sentence settings", put(SENTENCE, some_option=True)),
    ("unknown key in config.json", put(CONFIG, some_option=True)),
]

LAYOUT: list[Change] = named("layout", _LAYOUTS, ("bert", "mpnet")) + named(
    "layout", _LAYOUTS[:4], tuple(name for name in ALL if name not in ("bert", "mpnet"))
)
