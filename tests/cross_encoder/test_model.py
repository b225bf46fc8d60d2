"""The constructor, inputs and refusals of CrossEncoder, and its folder."""

from __future__ import annotations

import json
import pickle
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

import sentune
from sentune.cross_encoder import CrossEncoder
from sentune.errors import (
    ArgumentError,
    ModelError,
    ModelNotFoundError,
    OutputError,
    SentuneError,
    UnsupportedModelError,
)
from sentune.tokens.truncation import count_truncation

MakePairFolder = Callable[..., Path]
PAIR = ("copy a file", "the file")


def load(folder: Path | str, **options: Any) -> CrossEncoder:
    return CrossEncoder(folder, **{"device": "cpu", "compute_dtype": "float32", **options})


def test_names() -> None:
    assert sentune.CrossEncoder is CrossEncoder
    from sentune.cross_encoder.evaluation import CERerankingEvaluator  # noqa: F401
    from sentune.cross_encoder.losses import BinaryCrossEntropyLoss
    from sentune.cross_encoder.trainer import CrossEncoderTrainer  # noqa: F401
    from sentune.cross_encoder.training_args import CrossEncoderTrainingArguments  # noqa: F401

    assert sentune.cross_encoder.losses.BinaryCrossEntropyLoss is BinaryCrossEntropyLoss


def test_old_names_and_usual_arguments(pair_folder: Path) -> None:
    expected = load(pair_folder).predict(PAIR, activation_fn=nn.Tanh())
    for options in (
        {"default_activation_function": nn.Tanh()},
        {"activation_fn": nn.Tanh(), "trust_remote_code": False, "backend": "torch"},
        {"activation_fn": nn.Tanh(), "model_kwargs": {"dtype": torch.float32}},
        {"activation_fn": nn.Tanh(), "automodel_args": {"torch_dtype": "float32"}},
        {
            "activation_fn": nn.Tanh(),
            "cache_folder": None,
            "local_files_only": False,
            "token": None,
        },
        {"activation_fn": nn.Tanh(), "model_kwargs": {"attn_implementation": "eager"}},
    ):
        assert load(pair_folder, **options).predict(PAIR) == pytest.approx(expected)
    model = CrossEncoder(str(pair_folder), 1, 20, device="cpu")
    assert (model.num_labels, model.max_length, model.config.num_labels) == (1, 20, 1)
    assert load(pair_folder, tokenizer_kwargs={"model_max_length": 16}).max_length == 16
    changed = load(pair_folder, classifier_dropout=0.3, config_kwargs={"hidden_dropout_prob": 0.2})
    assert changed.head.dropout == 0.3
    assert changed.encoder.config.dropout["output"] == 0.2
    model = load(pair_folder)
    assert model.predict(sentences=[PAIR], activation_fct=nn.Tanh(), num_workers=0)[0] == expected


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"trust_remote_code": True}, "trust_remote_code is True"),
        ({"backend": "onnx"}, "backend is 'onnx'"),
        ({"modules": [nn.Linear(1, 1)]}, "modules is"),
        ({"safe_serialization": True}, "the argument 'safe_serialization'"),
        ({"nonsense": 1}, "the argument 'nonsense'"),
        ({"model_kwargs": {"device_map": "auto"}}, "model_kwargs with 'device_map'"),
        ({"model_kwargs": {"dtype": "float16"}}, "compute_dtype is 'float16'"),
        ({"model_kwargs": {"attn_implementation": "flash_attention_2"}}, "flash_attention_2"),
        ({"processor_kwargs": {"padding_side": "left"}}, "processor_kwargs with"),
        ({"num_labels": 3}, "num_labels is 3 for a model of 1"),
        ({"num_labels": 0}, "num_labels is 0"),
        ({"max_length": 65}, "max_length is 65"),
        ({"max_length": 3}, "max_length is 3"),
        ({"activation_fn": "sigmoid"}, "activation_fn is 'sigmoid'"),
        ({"activation_fn": nn.Sigmoid}, "activation_fn is"),
        ({"default_prompt_name": "no"}, "prompt_name is 'no'"),
    ],
)
def test_refused_arguments(options: dict[str, Any], part: str, pair_folder: Path) -> None:
    with pytest.raises(ArgumentError, match=re.escape(part)) as caught:
        load(pair_folder, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("inputs", "part"),
    [
        ("a text", "the input is a str"),
        (None, "the input is a NoneType"),
        (["a", "b", "c"], "the input is a list of 3"),
        ([PAIR, ("a",)], "inputs[1] is a tuple of 1"),
        ([PAIR, "ab"], "inputs[1] is a str"),
        ([PAIR, ("a", None)], "inputs[1][1] is None"),
        ([PAIR, (3, "a")], "inputs[1][0] is int"),
        ({"a": "b"}, "the input is a dict"),
    ],
)
def test_refused_inputs(inputs: Any, part: str, cross_encoder: CrossEncoder) -> None:
    with pytest.raises(ArgumentError) as caught:
        cross_encoder.predict(inputs)
    assert part in str(caught.value)
    with pytest.raises(ArgumentError) as caught:
        cross_encoder.preprocess(inputs)
    assert part in str(caught.value)


def test_refused_calls(cross_encoder: CrossEncoder, make_pair_folder: MakePairFolder) -> None:
    with pytest.raises(ArgumentError, match="batch_size"):
        cross_encoder.predict([PAIR], batch_size=0)
    with pytest.raises(ArgumentError, match="pool"):
        cross_encoder.predict([PAIR], pool={"input": 1})
    with pytest.raises(ArgumentError, match=r"documents\[1\]"):
        cross_encoder.rank("a", ["b", None])  # type: ignore[list-item]
    with pytest.raises(ArgumentError, match="documents"):
        cross_encoder.rank("a", "b")
    with pytest.raises(ArgumentError, match="rank with a model of 3 labels"):
        load(make_pair_folder("segmented", num_labels=3)).rank("a", ["b"])


def test_inputs_of_every_kind(cross_encoder: CrossEncoder) -> None:
    pairs = [PAIR, ("a", "")]
    expected = cross_encoder.predict(pairs)
    for inputs in (np.array(pairs), iter(pairs), tuple(pairs), [list(pair) for pair in pairs]):
        np.testing.assert_array_equal(cross_encoder.predict(inputs), expected)
    tensors = cross_encoder.predict(pairs, convert_to_tensor=True)
    assert not tensors.is_inference()


def test_what_the_limit_cuts_is_counted(cross_encoder: CrossEncoder) -> None:
    with count_truncation() as cut:
        cross_encoder.predict([PAIR, ("a " * 100, "the file " * 50)])
    whole = len(cross_encoder.tokenizer._bare.encode("a " * 100, "the file " * 50))
    assert (cut.texts, cut.truncated, cut.tokens_left_out) == (2, 1, whole - 64)


def test_new_labels(make_pair_folder: MakePairFolder, tmp_path: Path) -> None:
    folder = make_pair_folder("roberta", num_labels=2)
    model = load(folder, num_labels=3, model_kwargs={"ignore_mismatched_sizes": True})
    assert type(model.activation_fn) is nn.Identity
    kept = load(folder)
    assert torch.equal(model.head.dense.weight, kept.head.dense.weight)
    assert model.predict([PAIR]).shape == (1, 3)
    model.save(tmp_path / "three")
    config = json.loads((tmp_path / "three" / "config.json").read_text())
    assert len(config["id2label"]) == len(config["label2id"]) == 3
    assert load(tmp_path / "three").num_labels == 3


def test_the_folder_is_that_of_transformers(cross_encoder: CrossEncoder, tmp_path: Path) -> None:
    cross_encoder.save_pretrained(tmp_path / "model", safe_serialization=True)
    from transformers import AutoModelForSequenceClassification

    theirs, notes = AutoModelForSequenceClassification.from_pretrained(
        tmp_path / "model", output_loading_info=True
    )
    assert not any(notes.values())
    assert theirs.state_dict().keys() == load_file(tmp_path / "model" / "model.safetensors").keys()
    card = (tmp_path / "model" / "README.md").read_text(encoding="utf-8")
    assert 'pipeline_tag: "text-ranking"' in card
    code = card.split("```python\n")[1].split("```")[0]
    code = code.replace("path/to/this/folder", str(tmp_path / "model"))
    exec(compile(code, "card", "exec"), {})


def test_a_function_without_a_name_is_said(
    pair_folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model = load(pair_folder, activation_fn=lambda scores: scores * 2)
    model.save_pretrained(tmp_path / "model")
    assert "cannot name the function" in caplog.text
    assert type(load(tmp_path / "model").activation_fn) is nn.Sigmoid


@pytest.fixture
def copied(pair_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(pair_folder, tmp_path / "copied"))


@pytest.mark.parametrize(
    ("values", "kind", "part"),
    [
        ({"sentence_transformers": {"activation_fn": "my.Code"}}, UnsupportedModelError, "my.Code"),
        ({"sentence_transformers": {"activation_fn": "torch.nn.Nope"}}, UnsupportedModelError, ""),
        (
            {"sbert_ce_default_activation_function": "torch.nn.modules.linear.Linear"},
            UnsupportedModelError,
            "Linear",
        ),
        ({"model_type": "t5"}, UnsupportedModelError, "'t5'"),
        ({"id2label": ["a"]}, ModelError, "id2label"),
        ({"id2label": {"0": "a", "1": "b"}}, ModelError, "classifier.weight"),
        ({"classifier_dropout": "x"}, ModelError, "classifier_dropout"),
    ],
)
def test_refused_configurations(
    values: Any, kind: type[SentuneError], part: str, copied: Path
) -> None:
    path = copied / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))
    with pytest.raises(kind) as caught:
        load(copied)
    assert part in str(caught.value)
    assert "\n" not in str(caught.value)


def test_refused_folders(copied: Path, edit_weights: Any) -> None:
    with pytest.raises(ModelNotFoundError):
        load(copied / "no")
    edit_weights(copied, lambda ws: {n: w for n, w in ws.items() if n != "classifier.bias"})
    with pytest.raises(ModelError, match=r"no weights for classifier\.bias"):
        load(copied)
    path = copied / "modules.json"
    entry = {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.x.LogitScore"}
    path.write_text(json.dumps([entry]))
    with pytest.raises(UnsupportedModelError, match="LogitScore"):
        load(copied)
    path.write_text(json.dumps([{**entry, "path": "..", "type": "a.Transformer"}]))
    with pytest.raises(UnsupportedModelError):
        load(copied)
    path.write_text("[]")
    with pytest.raises(ModelError, match="list of modules"):
        load(copied)


def test_copies_score_alike(cross_encoder: CrossEncoder) -> None:
    expected = cross_encoder.predict([PAIR])
    again = pickle.loads(pickle.dumps(cross_encoder))
    np.testing.assert_array_equal(again.predict([PAIR]), expected)


def test_a_cache_folder_is_looked_into(pair_folder: Path, tmp_path: Path) -> None:
    at = tmp_path / "models--owner--model"
    shutil.copytree(pair_folder, at / "snapshots" / "abc")
    (at / "refs").mkdir()
    (at / "refs" / "main").write_text("abc")
    model = load("owner/model", cache_folder=str(tmp_path), local_files_only=True, token="t")
    assert model.predict(PAIR) == load(pair_folder).predict(PAIR)


def test_saving_takes_the_arguments_of_the_reference(pair_folder: Path, tmp_path: Path) -> None:
    model, out = load(pair_folder), tmp_path / "out"
    model.save(out, "owner/name", True, ["first data", "owner/second"])
    card = (out / "README.md").read_text("utf-8")
    assert "CrossEncoder('owner/name')" in card
    assert "- **Trained on:** `first data`, `owner/second`" in card
    assert 'datasets: ["first data", "owner/second"]' in card
    model.save_pretrained(out)  # this process wrote it
    model.save_pretrained(tmp_path / "bare", create_model_card=False)
    assert not (tmp_path / "bare" / "README.md").exists()
    assert load(out).predict(PAIR) == model.predict(PAIR)
    with pytest.raises(ArgumentError, match="safe_serialization is False"):
        model.save_pretrained(tmp_path / "pickle", safe_serialization=False)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("mine")
    with pytest.raises(OutputError):
        model.save_pretrained(tmp_path / "other")


def test_what_scripts_ask_of_a_model(pair_folder: Path, tmp_path: Path) -> None:
    model = load(pair_folder)
    assert model.model.config.num_labels == 1
    assert (model.get_backend(), model.processor) == ("torch", model.tokenizer)
    assert model.get_max_seq_length() == model.max_length
    model.default_activation_function = nn.Identity()
    assert model.activation_fn is model.default_activation_function
    asked = model.evaluate(lambda *given: given, str(tmp_path / "new"))
    assert asked == (model, str(tmp_path / "new"))
    assert (tmp_path / "new").is_dir()
    model.gradient_checkpointing_enable()
    assert model.encoder.recompute_every == 1
    with pytest.raises(ArgumentError, match="one process scores with all cores"):
        model.start_multi_process_pool(["cpu"])
