"""Layers taken out, tokens added and layers looked into by scripts, beside the reference."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import ArgumentError, ModelError

TEXTS = ["the words of a text", "find", "the file and the other file"]


def load(folder: Path) -> SentenceTransformer:
    return SentenceTransformer(str(folder), device="cpu", compute_dtype="float32")


def reference(folder: Path) -> Any:
    from sentence_transformers import SentenceTransformer as Reference

    return Reference(str(folder), device="cpu")


def test_new_tokens_get_embeddings_and_are_saved(tiny_folder: Path, tmp_path: Path) -> None:
    models = load(tiny_folder), reference(tiny_folder)
    for number, model in enumerate(models):
        added = model.tokenizer.add_tokens(["<new>", "<other>"], special_tokens=True)
        named = {"additional_special_tokens": ["[E1]"], "pad_token": "[PAD]"}
        assert (added, model.tokenizer.add_special_tokens(named)) == (2, 1)
        if number == 0:
            with pytest.raises(ModelError, match="token '<new>' with the id"):
                model.encode("a <new> file")
        model[0].auto_model.resize_token_embeddings(len(model.tokenizer))
        model.save_pretrained(str(tmp_path / str(number)))
    ours, theirs = (model.encode(["a <new> file", "[E1]<other>"]) for model in models)
    assert np.allclose(ours, theirs, atol=2e-3)  # theirs begin near the mean, not at it
    again = reference(tmp_path / "0").encode(["a <new> file", "[E1]<other>"])
    assert np.allclose(again, ours, atol=1e-5)
    assert models[0][0].auto_model.config.vocab_size == len(models[0].tokenizer)
    with pytest.raises(ArgumentError, match=r"resize_token_embeddings\(9\)"):
        models[0][0].auto_model.resize_token_embeddings(9)
    with pytest.raises(ArgumentError, match="token 1 is"):
        models[0].tokenizer.add_tokens(["<more>", 3])
    with pytest.raises(ArgumentError, match="the role of a token is 'cls_token'"):
        models[0].tokenizer.add_special_tokens({"cls_token": "<c>"})


def test_layers_that_a_script_takes_out_are_not_computed(tiny_folder: Path, tmp_path: Path) -> None:
    def first(model: Any) -> None:
        layers = model[0].auto_model.encoder.layer
        model[0].auto_model.encoder.layer = nn.ModuleList(list(layers)[1:])

    def last(model: Any) -> None:
        del model[0].auto_model.encoder.layer[1:]

    for number, prune in enumerate((first, last)):
        ours, theirs = load(tiny_folder), reference(tiny_folder)
        whole = ours.encode(TEXTS)
        prune(ours)
        prune(theirs)
        vectors = ours.encode(TEXTS)
        assert not np.allclose(vectors, whole, atol=1e-2)
        assert np.allclose(vectors, theirs.encode(TEXTS), atol=1e-5)
        ours.save_pretrained(tmp_path / str(number))
        again = reference(tmp_path / str(number))
        assert np.allclose(again.encode(TEXTS), vectors, atol=1e-5)
        assert ours[0].auto_model.config.num_hidden_layers == 1
        with pytest.raises(ArgumentError, match="some of its own layers, each once"):
            ours[0].auto_model.encoder.layer = load(tiny_folder)[0].auto_model.encoder.layer
        with pytest.raises(ArgumentError, match="a list with 0 layers for the encoder"):
            ours[0].auto_model.encoder.layer = [*ours[0].auto_model.encoder.layer]


def test_the_vectors_of_every_layer(tiny_folder: Path) -> None:
    tiny, theirs = load(tiny_folder), reference(tiny_folder)
    given = theirs.tokenizer(TEXTS, padding=True, return_tensors="pt")
    kept = given["attention_mask"].bool()
    with torch.no_grad():
        ours = tiny[0].auto_model(**given, output_hidden_states=True).hidden_states
        those = theirs[0].auto_model(**given, output_hidden_states=True).hidden_states
    assert len(ours) == len(those)
    for mine, other in zip(ours, those, strict=True):
        assert torch.allclose(mine[kept], other[kept], atol=1e-5)
    with pytest.raises(ArgumentError, match="the argument output_attentions of auto_model"):
        tiny[0].auto_model(**given, output_attentions=True)
