"""Every key of a folder's files is used, or known not to matter, or refused, or said."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sentune.encoding.few.few_texts import encode_few
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import UnsupportedModelError
from sentune.model_folder.resolve import resolve

EditJson = Callable[[Path, Callable[[Any], Any]], None]
Refusal = Callable[..., str]

TEXTS = ["a file is read", "sockets", ""]
CONFIG, POOLING = "config.json", "1_Pooling/config.json"
SETTINGS = "config_sentence_transformers.json"


def load(folder: Path) -> SentenceTransformer:
    return SentenceTransformer(folder, device="cpu", compute_dtype="float32")


def reference(folder: Path) -> Any:
    from sentence_transformers import SentenceTransformer as Reference

    return Reference(str(folder), device="cpu")


def said(caplog: pytest.LogCaptureFixture) -> list[Any]:
    return [record.args for record in caplog.records if record.name == "sentune.network.config"]


@pytest.mark.parametrize(
    "activation",
    [
        *("gelu", "gelu_python", "gelu_new", "gelu_pytorch_tanh", "gelu_fast", "gelu_accurate"),
        *("gelu_python_tanh", "relu", "silu", "swish", "quick_gelu"),
    ],
)
def test_activations_by_every_name(activation: str, folder: Path, edit_json: EditJson) -> None:
    edit_json(folder / CONFIG, lambda config: {**config, "hidden_act": activation})
    model = load(folder)
    expected = reference(folder).encode(TEXTS)
    np.testing.assert_allclose(model.encode(TEXTS), expected, rtol=0, atol=1e-5)
    few = encode_few(resolve(folder), TEXTS, bfloat16=False)
    if few is not None:
        np.testing.assert_allclose(few.vectors, expected, rtol=0, atol=1e-5)
    model.save_pretrained(folder.parent / "saved")
    found = reference(folder.parent / "saved").encode(TEXTS)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


HARMLESS: dict[str, dict[str, Any]] = {
    CONFIG: {
        "chunk_size_feed_forward": 3,
        "initializer_range": 0.5,
        "use_cache": False,
        "pad_token_id": 0,
        "bos_token_id": None,
        "id2label": {"0": "A"},
        "label2id": {"A": 0},
        "problem_type": "regression",
        "output_attentions": False,
        "classifier_dropout": 0.7,
        "torch_dtype": "float32",
        "gradient_checkpointing": True,
        "transformers_version": "4.8.2",
        "auto_map": {"AutoModel": "somewhere--code.Model"},
        "attn_implementation": "sdpa",
        "tie_word_embeddings": False,
        "position_embedding_type": "absolute",
        "is_decoder": False,
        "add_cross_attention": False,
        "pruned_heads": {},
        "quantization_config": None,
    },
    POOLING: {"word_embedding_dimension": 32, "include_prompt": True},
    SETTINGS: {
        "__version__": {"sentence_transformers": "9.0"},
        "model_type": "SentenceTransformer",
    },
}


def test_keys_that_do_not_matter(
    folder: Path, tiny: SentenceTransformer, edit_json: EditJson, caplog: Any
) -> None:
    for name in HARMLESS:
        edit_json(folder / name, lambda content: {**content, **HARMLESS[name]})  # noqa: B023
    edit_json(folder / "modules.json", lambda m: [{**m[0], "kwargs": ["task"]}, *m[1:]])
    np.testing.assert_array_equal(load(folder).encode(TEXTS), tiny.encode(TEXTS))
    assert said(caplog) == []


@pytest.mark.parametrize("name", [CONFIG, POOLING, SETTINGS])
def test_a_key_that_no_one_knows_is_said_once(
    name: str, folder: Path, tiny: SentenceTransformer, edit_json: EditJson, caplog: Any
) -> None:
    edit_json(folder / name, lambda content: {**content, "odd_b": True, "odd_a": {"x": 1}})
    for _ in range(2):
        np.testing.assert_array_equal(load(folder).encode(TEXTS), tiny.encode(TEXTS))
    encode_few(resolve(folder), TEXTS, bfloat16=False)
    assert said(caplog) == [(str(folder / name), "odd_a, odd_b")]


def test_a_key_of_an_entry_that_no_one_knows(
    folder: Path, edit_json: EditJson, caplog: Any
) -> None:
    edit_json(folder / "modules.json", lambda m: [m[0], {**m[1], "weight": 2}, *m[2:]])
    load(folder)
    assert said(caplog) == [(str(folder / "modules.json"), "weight")]


def test_the_folders_of_transformers_are_known(
    architecture_folder: Path, architecture: str, tmp_path: Path, caplog: Any
) -> None:
    """All that transformers writes today is classed."""
    # A copy: what is said of a file is said once in a process.
    folder = Path(shutil.copytree(architecture_folder, tmp_path / "copy"))
    load(folder)
    # The fixture gives DistilBERT this size under a name that its class does not use.
    odd = [(str(folder / CONFIG), "intermediate_size")] if architecture == "distilbert" else []
    assert said(caplog) == odd


def test_the_published_folder_is_known(base_folder: Path, tmp_path: Path, caplog: Any) -> None:
    load(Path(shutil.copytree(base_folder, tmp_path / "copy")))
    assert said(caplog) == []


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({"is_decoder": True}, "is_decoder is True"),
        ({"is_encoder_decoder": True}, "is_encoder_decoder is True"),
        ({"add_cross_attention": True}, "add_cross_attention is True"),
        ({"pruned_heads": {"0": [1]}}, "pruned_heads"),
        ({"quantization_config": {"quant_method": "gptq"}}, "gptq"),
        ({"position_embedding_type": "relative_key_query"}, "relative_key_query"),
        ({"position_embedding_type": "alibi"}, "alibi"),
    ],
)
def test_what_changes_the_computation_is_refused(
    change: dict[str, Any], shown: str, folder: Path, edit_json: EditJson, refusal: Refusal
) -> None:
    edit_json(folder / CONFIG, lambda config: {**config, **change})
    message = refusal(folder, UnsupportedModelError)
    assert shown in message
    assert "again" not in message, "the file is as it should be"


def test_prompts_that_are_null_are_empty(folder: Path, edit_json: EditJson) -> None:
    change = {"prompts": {"query": None, "passage": "text: "}, "default_prompt_name": "query"}
    edit_json(folder / SETTINGS, lambda settings: {**settings, **change})
    ours, theirs = load(folder), reference(folder)
    assert ours.prompts["query"] == theirs.prompts["query"] == ""
    for name in (None, "query", "passage"):
        expected = theirs.encode(TEXTS, prompt_name=name)
        np.testing.assert_allclose(ours.encode(TEXTS, prompt_name=name), expected, atol=1e-5)
    np.testing.assert_allclose(ours.encode_query(TEXTS), theirs.encode_query(TEXTS), atol=1e-5)
    edit_json(folder / SETTINGS, lambda settings: {**settings, "default_prompt_name": None})
    edit_json(folder / SETTINGS, lambda settings: {**settings, "prompts": None})
    assert load(folder).prompts == {"query": "", "document": ""}


@pytest.mark.parametrize("name", ["query", "document"])
def test_default_prompt_may_be_one_that_every_model_has(
    name: str, folder: Path, edit_json: EditJson
) -> None:
    change = {"prompts": {}, "default_prompt_name": name}
    edit_json(folder / SETTINGS, lambda settings: {**settings, **change})
    ours, theirs = load(folder), reference(folder)
    assert ours.default_prompt_name == theirs.default_prompt_name == name
    np.testing.assert_allclose(ours.encode(TEXTS), theirs.encode(TEXTS), atol=1e-5)
