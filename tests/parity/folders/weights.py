"""Names, files and number formats of weights, and options of ``config.json``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tests.parity.folders.change import ALL, CONFIG, Apply, Change, both, named, put, remove
from torch import Tensor

_FILE = "model.safetensors"


def _weights(change: Callable[[dict[str, Tensor]], dict[str, Tensor]]) -> Apply:
    def _apply(folder: Path) -> None:
        found = {name: weight.clone() for name, weight in load_file(folder / _FILE).items()}
        save_file(change(found), folder / _FILE, metadata={"format": "pt"})

    return _apply


def _stored_as(dtype: torch.dtype) -> Apply:
    return _weights(lambda ws: {name: weight.to(dtype) for name, weight in ws.items()})


def _prefixed(folder: Path) -> None:
    """The names of a model with a head."""
    kind = json.loads((folder / CONFIG).read_text(encoding="utf-8"))["model_type"]
    prefix = {"xlm-roberta": "roberta", "modernbert": "model"}.get(kind, kind)
    _weights(lambda ws: {f"{prefix}.{name}": w for name, w in ws.items()})(folder)


def _old(name: str) -> str:
    if "LayerNorm" not in name:
        return name
    return name.replace(".weight", ".gamma").replace(".bias", ".beta")


def _sharded(folder: Path) -> None:
    found = load_file(folder / _FILE)
    names = sorted(found)
    places: dict[str, str] = {}
    for number in range(2):
        file = f"model-{number + 1:05}-of-00002.safetensors"
        part = {name: found[name].clone() for name in names[number::2]}
        save_file(part, folder / file, metadata={"format": "pt"})
        places |= dict.fromkeys(part, file)
    (folder / _FILE).unlink()
    index = {"metadata": {"total_size": 1}, "weight_map": places}
    (folder / f"{_FILE}.index.json").write_text(json.dumps(index), encoding="utf-8")


def _adapter(folder: Path) -> None:
    """A low-rank adapter, which only a library that is not here merges."""
    values = {"peft_type": "LORA", "r": 2, "lora_alpha": 4, "target_modules": ["query"]}
    (folder / "adapter_config.json").write_text(json.dumps(values), encoding="utf-8")
    name = "base_model.model.encoder.layer.0.attention.self.query.lora_{}.weight"
    torch.manual_seed(3)
    weights = {name.format("A"): torch.randn(2, 32), name.format("B"): torch.randn(32, 2)}
    save_file(weights, folder / "adapter_model.safetensors")


_DTYPES = (torch.float16, torch.bfloat16, torch.float64)
_HEAD = {"classifier.weight": torch.ones(2, 32), "classifier.bias": torch.ones(2)}
_STEPS = [
    ("prefix", _prefixed),
    (
        "old names of norms",
        _weights(lambda ws: {_old(name): w for name, w in ws.items()}),
    ),
    (
        "position ids",
        _weights(lambda ws: {**ws, "embeddings.position_ids": torch.arange(64)[None]}),
    ),
    (
        "no pooler",
        _weights(lambda ws: {n: w for n, w in ws.items() if not n.startswith("pooler")}),
    ),
    ("a head", both(_prefixed, _weights(lambda ws: {**ws, **_HEAD}))),
    ("shards", _sharded),
    *(
        (
            f"{dtype}",
            _stored_as(dtype),
        )
        for dtype in _DTYPES
    ),
    ("dtype in config.json", put(CONFIG, dtype="bfloat16")),
    ("torch_dtype in config.json", put(CONFIG, torch_dtype="float16")),
    ("no weights", remove(_FILE)),
]
_ACTIVATIONS = (
    *("relu", "silu", "gelu_new", "gelu_fast", "gelu_python"),
    *("swish", "quick_gelu", "tanh"),
)
_OPTIONS = [
    *((f"activation {name}", put(CONFIG, hidden_act=name)) for name in _ACTIVATIONS),
    ("layer_norm_eps", put(CONFIG, layer_norm_eps=1e-3)),
    ("relative positions", put(CONFIG, position_embedding_type="relative_key")),
    ("decoder", put(CONFIG, is_decoder=True)),
]

WEIGHTS: list[Change] = [
    *named("weights", _STEPS, ALL),
    *named("config", _OPTIONS, ("bert", "roberta")),
    Change("weights: adapter", _adapter, ("bert",)),
]
