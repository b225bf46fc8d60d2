"""A folder for other runtimes: what ONNX Runtime computes from it is what the model computes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import tokenizers
import torch
from tests.long import ARCHITECTURES, LONG

from sentune import SentenceTransformer
from sentune.errors import MissingExtraError, ModelError, OutputError, UnsupportedModelError
from sentune.export import export_onnx
from sentune.export import onnx as exporting
from sentune.export.padded import PaddedEncoder
from sentune.network.names import POOLING_MODES
from sentune.network.pack import pack
from sentune.network.pooling import Pooling

EditJson = Callable[[Path, Callable[[Any], Any]], None]

TEXTS = ["how are files read", "sockets", "", "a longer text about threads and locks " * 3]


def load(folder: Path) -> SentenceTransformer:
    return SentenceTransformer(folder, device="cpu", compute_dtype="float32")


def padded(token_ids: list[list[int]]) -> dict[str, Any]:
    longest = max(map(len, token_ids))
    return {
        "input_ids": np.array([ids + [7] * (longest - len(ids)) for ids in token_ids]),
        "attention_mask": np.array([[1] * len(i) + [0] * (longest - len(i)) for i in token_ids]),
    }


# RoBERTa's family has other first positions than BERT, and DistilBERT has one table less.
NEARLY_BERT = () if LONG else ("roberta", "xlm-roberta", "camembert", "distilbert")


@pytest.mark.parametrize(
    "architecture", [name for name in ARCHITECTURES if name not in NEARLY_BERT], indirect=True
)
def test_every_architecture(architecture_folder: Path, tmp_path: Path) -> None:
    model = load(architecture_folder)
    written = export_onnx(model, tmp_path / "out")
    assert written.difference < 1e-5
    session = onnxruntime.InferenceSession(written.graph, providers=["CPUExecutionProvider"])
    assert {given.name for given in session.get_inputs()} == {"input_ids", "attention_mask"}
    tokens, vectors = session.run(None, padded(model.tokenizer(TEXTS)[0]))
    np.testing.assert_allclose(vectors, model.encode(TEXTS), atol=2e-5)
    expected = model.encode(TEXTS, output_value="token_embeddings")
    for row, exact in zip(tokens, expected, strict=True):
        np.testing.assert_allclose(row[: len(exact)], exact, atol=1e-4)


def test_the_folder_is_the_model(tiny_folder: Path, tmp_path: Path) -> None:
    model = load(tiny_folder)
    written = export_onnx(model, tmp_path / "out")
    assert written.graph == tmp_path / "out" / "onnx" / "model.onnx"
    onnx.checker.check_model(onnx.load(written.graph), full_check=True)
    again = load(written.folder)
    np.testing.assert_array_equal(again.encode(TEXTS), model.encode(TEXTS))


def test_a_model_in_bfloat16_is_exported_in_float32(tiny_folder: Path, tmp_path: Path) -> None:
    model = SentenceTransformer(tiny_folder, device="cpu", compute_dtype="bfloat16")
    assert export_onnx(model, tmp_path / "out").difference < 1e-5


@pytest.mark.parametrize("mode", POOLING_MODES)
@pytest.mark.parametrize("unit", [True, False])
def test_every_pooling(tiny_folder: Path, mode: str, unit: bool) -> None:
    model = load(tiny_folder)
    model.pooling, model.normalize = Pooling(32, (mode, "mean")), unit
    model.truncate_dim = 40
    token_ids = model.tokenizer(TEXTS)[0]
    given = [torch.from_numpy(value) for value in padded(token_ids).values()]
    with torch.no_grad():
        torch.testing.assert_close(
            PaddedEncoder(model).eval()(*given)[1],
            model(pack(token_ids))[:, :40],
            atol=1e-6,
            rtol=1e-5,
        )


def test_a_graph_that_computes_something_else_is_not_written(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "_run", lambda session, ids: np.zeros((len(ids), 32)))
    with pytest.raises(ModelError, match="differ from the model's"):
        export_onnx(load(tiny_folder), tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_exported(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load(tiny_folder)
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "file").touch()
    with pytest.raises(OutputError, match="used"):
        export_onnx(model, tmp_path / "used")
    model.pooling = Pooling(32, include_prompt=False)
    with pytest.raises(UnsupportedModelError, match="prompts out of its pooling"):
        export_onnx(model, tmp_path / "out")
    monkeypatch.setattr(exporting, "_LARGEST", 1000)
    with pytest.raises(ModelError, match="less than 2 GiB"):
        export_onnx(model, tmp_path / "out")
    monkeypatch.setattr(exporting, "find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r"sentune\[export\]"):
        export_onnx(model, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_exported_tokenizer_is_enough(
    side: str, folder: Path, edit_json: EditJson, tmp_path: Path
) -> None:
    """Case, limit and side of truncation are in it, also where other files say them."""
    settings = {"do_lower_case": False, "truncation_side": side}
    edit_json(folder / "tokenizer_config.json", lambda c: {**c, **settings})
    edit_json(folder / "sentence_bert_config.json", lambda c: {**c, "do_lower_case": True})
    model = load(folder)
    written = export_onnx(model, tmp_path / "out")
    tokens = tokenizers.Tokenizer.from_file(str(tmp_path / "out" / "tokenizer.json"))
    texts = ["The LIST of Words " * 20 + "END", "Short"]
    session = onnxruntime.InferenceSession(written.graph, providers=["CPUExecutionProvider"])
    given = padded([tokens.encode(text).ids for text in texts])
    (vectors,) = session.run(["sentence_embedding"], given)
    np.testing.assert_allclose(vectors, model.encode(texts), atol=2e-5)
    np.testing.assert_allclose(model.encode("short"), model.encode("SHORT"), atol=0)
