"""Weights in the files and under the names that people have."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
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
from sentune.errors import ModelError, UnsupportedModelError
from sentune.model_folder.resolve import resolve

Weights = dict[str, Tensor]
Change = Callable[[Weights], Weights]
EditWeights = Callable[[Path, Change], None]
EditJson = Callable[[Path, Callable[[Any], Any]], None]
Refusal = Callable[..., str]

TEXTS = ["a file is read", "sockets", ""]
INDEX = "model.safetensors.index.json"


def load(folder: Path) -> SentenceTransformer:
    return SentenceTransformer(folder, device="cpu", compute_dtype="float32")


def split(folder: Path, parts: int = 3) -> list[Path]:
    """Write the weights in parts, as transformers writes large models."""
    weights = load_file(folder / "model.safetensors")
    names = [f"model-{part + 1:05}-of-{parts:05}.safetensors" for part in range(parts)]
    where = {name: names[number % parts] for number, name in enumerate(weights)}
    for file in names:
        some = {name: weights[name].clone() for name in weights if where[name] == file}
        save_file(some, folder / file, metadata={"format": "pt"})
    (folder / "model.safetensors").unlink()
    content = {"metadata": {"total_size": 1}, "weight_map": where}
    (folder / INDEX).write_text(json.dumps(content), encoding="utf-8")
    return [folder / name for name in names]


def test_weights_in_parts(folder: Path, tiny: SentenceTransformer, tmp_path: Path) -> None:
    split(folder)
    model = load(folder)
    np.testing.assert_array_equal(model.encode(TEXTS), tiny.encode(TEXTS))
    assert encode_few(resolve(folder), TEXTS, bfloat16=False) is None
    model.save_pretrained(tmp_path / "saved")
    assert (tmp_path / "saved" / "model.safetensors").is_file()
    np.testing.assert_array_equal(load(tmp_path / "saved").encode(TEXTS), tiny.encode(TEXTS))


def test_a_part_that_is_missing(folder: Path, refusal: Refusal) -> None:
    files = split(folder)
    files[1].unlink()
    assert str(files[1]) in refusal(folder, ModelError)


@pytest.mark.parametrize("value", [None, [], {}, {"a": 3}, {"a": "../other.safetensors"}])
def test_an_index_that_makes_no_sense(value: Any, folder: Path, refusal: Refusal) -> None:
    split(folder)
    (folder / INDEX).write_text(json.dumps({"weight_map": value}), encoding="utf-8")
    message = refusal(folder, ModelError)
    assert str(folder / INDEX) in message
    assert "weight_map" in message


def test_an_index_that_names_the_wrong_part(
    folder: Path, edit_json: EditJson, refusal: Refusal
) -> None:
    files = split(folder)

    def change(index: dict[str, Any]) -> None:
        index["weight_map"]["embeddings.LayerNorm.bias"] = files[0].name
        index["weight_map"]["embeddings.LayerNorm.weight"] = files[0].name

    edit_json(folder / INDEX, change)
    assert str(folder / INDEX) in refusal(folder, ModelError)


def under(prefix: str, **more: Tensor) -> Change:
    return lambda weights: {**{f"{prefix}{name}": w for name, w in weights.items()}, **more}


HEAD = {"classifier.weight": torch.zeros(2, 32), "classifier.bias": torch.zeros(2)}
OTHERS: list[tuple[Change, list[str]]] = [
    (under("", **HEAD), ["classifier.bias", "classifier.weight"]),
    (under("bert.", **HEAD), ["classifier.bias", "classifier.weight"]),
    (under("0.auto_model."), []),
    (under("module.bert."), []),
    (under("model.encoder.", counter=torch.zeros(1).int()), ["counter"]),
    (under("", **{"cls.predictions.bias": torch.zeros(4)}), ["cls.predictions.bias"]),
]


@pytest.mark.parametrize(("change", "left_out"), OTHERS)
def test_names_of_other_models(
    change: Change,
    left_out: list[str],
    folder: Path,
    tiny: SentenceTransformer,
    edit_weights: EditWeights,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
) -> None:
    edit_weights(folder, change)
    model = load(folder)
    np.testing.assert_array_equal(model.encode(TEXTS), tiny.encode(TEXTS))
    said = [record.args for record in caplog.records if "left out what" in record.msg]
    expected = [(str(folder / "model.safetensors"), ", ".join(left_out))] if left_out else []
    assert [tuple(map(str, args or ())) for args in said] == expected
    model.save_pretrained(tmp_path / "saved")
    tiny.save_pretrained(tmp_path / "before")
    both = [load_file(tmp_path / name / "model.safetensors") for name in ("before", "saved")]
    assert both[0].keys() == both[1].keys()
    few = encode_few(resolve(folder), TEXTS, bfloat16=False)
    if few is not None:
        np.testing.assert_allclose(few.vectors, tiny.encode(TEXTS), rtol=0, atol=1e-6)


def test_two_encoders_in_a_file(folder: Path, edit_weights: EditWeights, refusal: Refusal) -> None:
    edit_weights(
        folder, lambda ws: {f"{p}.{n}": w.clone() for n, w in ws.items() for p in ("a", "b")}
    )
    assert "2 encoders, under a., b." in refusal(folder, UnsupportedModelError)


# ── pickles ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("parts", [1, 2])
def test_the_command_that_the_refusal_of_a_pickle_names(
    parts: int, folder: Path, tiny: SentenceTransformer, refusal: Refusal
) -> None:
    weights = load_file(folder / "model.safetensors")
    # What safetensors does not write: one tensor under two names, and one stored by columns.
    weights["cls.decoder.weight"] = weights["embeddings.word_embeddings.weight"]
    turned = "encoder.layer.0.output.dense.weight"
    weights[turned] = weights[turned].T.contiguous().T
    (folder / "model.safetensors").unlink()
    odd = folder.rename(folder.parent / "it's a folder")
    for part in range(parts):
        file = "pytorch_model.bin" if parts == 1 else f"pytorch_model-{part}.bin"
        some = {n: w for i, (n, w) in enumerate(weights.items()) if i % parts == part}
        torch.save(some, odd / file)
    message = refusal(odd, ModelError)
    command = shlex.split(message.partition("run: ")[2])
    assert command[0] == "python"
    subprocess.run([sys.executable, *command[1:]], check=True)
    np.testing.assert_array_equal(load(odd).encode(TEXTS), tiny.encode(TEXTS))


@pytest.mark.parametrize("name", ["tf_model.h5", "flax_model.msgpack", "model.gguf"])
def test_other_formats_are_named(name: str, folder: Path, refusal: Refusal) -> None:
    (folder / "model.safetensors").rename(folder / name)
    message = refusal(folder, ModelError)
    assert name in message
    assert "model.safetensors" in message
