"""Scores and folders beside the reference's CrossEncoder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from sentune.cross_encoder import CrossEncoder

MakePairFolder = Callable[..., Path]
Reference = Callable[..., Any]
Pairs = list[tuple[str, str]]
KINDS = (
    *("segmented", "bert", "roberta", "xlm-roberta", "camembert"),
    *("mpnet", "modernbert", "distilbert", "electra", "albert", "nomic_bert", "gte"),
)
WITHIN: dict[str, Any] = {"rtol": 1e-5, "atol": 1e-5}


def load(folder: Path | str, **options: Any) -> CrossEncoder:
    return CrossEncoder(folder, device="cpu", **{"compute_dtype": "float32", **options})


@pytest.mark.parametrize("kind", KINDS)
def test_scores_and_folders(
    kind: str,
    make_pair_folder: MakePairFolder,
    reference_of: Reference,
    pairs: Pairs,
    tmp_path: Path,
) -> None:
    folder = make_pair_folder(kind, num_labels=3)
    ours, theirs = load(folder), reference_of(folder)
    assert ours.max_length == theirs.max_seq_length or theirs.max_seq_length > 64
    theirs.max_seq_length = ours.max_length
    expected = theirs.predict(pairs)
    assert np.ptp(expected, axis=0).min() > 0.05  # the scores depend on the texts
    np.testing.assert_allclose(ours.predict(pairs), expected, **WITHIN)
    ours.save_pretrained(tmp_path / "ours")
    again = reference_of(tmp_path / "ours")
    assert again.max_seq_length == ours.max_length
    assert type(again.activation_fn) is nn.Identity
    np.testing.assert_allclose(again.predict(pairs), expected, **WITHIN)
    theirs.save_pretrained(str(tmp_path / "theirs"))
    np.testing.assert_allclose(load(tmp_path / "theirs").predict(pairs), expected, **WITHIN)
    np.testing.assert_array_equal(load(tmp_path / "ours").predict(pairs), ours.predict(pairs))


def test_scores_do_not_depend_on_the_batch(cross_encoder: CrossEncoder, pairs: Pairs) -> None:
    whole = cross_encoder.predict(pairs)
    for size in (1, 3):
        np.testing.assert_allclose(cross_encoder.predict(pairs, batch_size=size), whole, **WITHIN)
    alone = [cross_encoder.predict(pair) for pair in pairs]
    np.testing.assert_allclose(alone, whole, **WITHIN)


def test_the_two_texts_are_different_segments(cross_encoder: CrossEncoder, pairs: Pairs) -> None:
    before = cross_encoder.predict(pairs)
    cross_encoder.segmented = False
    assert np.abs(cross_encoder.predict(pairs) - before).max() > 1e-3


@pytest.mark.parametrize("kind", ["cls", "mean"])
def test_modernbert_pools_as_its_configuration_says(
    kind: str, make_pair_folder: MakePairFolder, reference_of: Reference, pairs: Pairs
) -> None:
    options = {"classifier_bias": True, "classifier_activation": "silu", "norm_bias": True}
    folder = make_pair_folder("modernbert", classifier_pooling=kind, **options)
    theirs = reference_of(folder, max_length=64)
    ours = load(folder, max_length=64)
    np.testing.assert_allclose(ours.predict(pairs), theirs.predict(pairs), **WITHIN)


def change(folder: Path, file: str, **values: Any) -> None:
    path = folder / file
    content = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps({**content, **values}))


_IDENTITY, _TANH = "torch.nn.modules.linear.Identity", "torch.nn.modules.activation.Tanh"


@pytest.mark.parametrize(
    "values",
    [
        {"sentence_transformers": {"activation_fn": _IDENTITY, "version": "4.1.0"}},
        {"sbert_ce_default_activation_function": _TANH},
        {
            "sentence_transformers": {"activation_fn": _TANH},
            "sbert_ce_default_activation_function": _IDENTITY,
        },
        {"sentence_transformers": {"version": "4.1.0"}},
        {"sentence_transformers.activation_fn": _IDENTITY},
    ],
)
def test_activations_of_folders(
    values: Any, make_pair_folder: MakePairFolder, reference_of: Reference, pairs: Pairs
) -> None:
    folder = make_pair_folder("segmented")
    change(folder, "config.json", **values)
    ours, theirs = load(folder), reference_of(folder)
    assert type(ours.activation_fn) is type(theirs.activation_fn)
    np.testing.assert_allclose(ours.predict(pairs), theirs.predict(pairs), **WITHIN)


@pytest.mark.parametrize(
    "changes",
    [
        {"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "[PAD]"},
        {"tokenizer_class": "BertTokenizer", "model_input_names": ["input_ids", "attention_mask"]},
        {"tokenizer_class": None},
        {"model_max_length": 20},
        {"model_max_length": 10**30},
    ],
)
def test_tokenizer_settings(
    changes: Any,
    make_pair_folder: MakePairFolder,
    reference_of: Reference,
    pairs: Pairs,
    tmp_path: Path,
) -> None:
    folder = make_pair_folder("segmented")
    change(folder, "tokenizer_config.json", **changes)
    ours, theirs = load(folder), reference_of(folder)
    expected = theirs.predict(pairs)
    np.testing.assert_allclose(ours.predict(pairs), expected, **WITHIN)
    ours.save_pretrained(tmp_path / "saved")
    np.testing.assert_allclose(reference_of(tmp_path / "saved").predict(pairs), expected, **WITHIN)


def test_prompts(
    make_pair_folder: MakePairFolder, reference_of: Reference, pairs: Pairs, tmp_path: Path
) -> None:
    folder = make_pair_folder("segmented")
    options = {"prompts": {"find": "what is ", "other": "so "}, "default_prompt_name": "find"}
    ours, theirs = load(folder, **options), reference_of(folder, **options)
    expected = theirs.predict(pairs)
    several: list[dict[str, Any]] = [{}, {"prompt": "how do "}, {"prompt_name": "other"}]
    for given in several:
        np.testing.assert_allclose(
            ours.predict(pairs, **given), theirs.predict(pairs, **given), **WITHIN
        )
    theirs.save_pretrained(str(tmp_path / "theirs"))
    ours.save_pretrained(tmp_path / "ours")
    for saved in ("ours", "theirs"):
        np.testing.assert_allclose(load(tmp_path / saved).predict(pairs), expected, **WITHIN)
    again = reference_of(tmp_path / "ours")
    np.testing.assert_allclose(again.predict(pairs), expected, **WITHIN)
    assert again.default_prompt_name == "find"


def as_array(scores: Any) -> Any:
    return (
        np.stack([np.asarray(score) for score in scores]) if getattr(scores, "ndim", 1) else scores
    )


def test_calls(make_pair_folder: MakePairFolder, reference_of: Reference, pairs: Pairs) -> None:
    for labels in (1, 3):
        folder = make_pair_folder("segmented", num_labels=labels)
        ours, theirs = load(folder), reference_of(folder)
        for options in (
            {},
            {"apply_softmax": True},
            {"activation_fn": nn.Tanh()},
            {"convert_to_tensor": True},
            {"convert_to_numpy": False},
            {"convert_to_tensor": True, "convert_to_numpy": True},
        ):
            for inputs in (pairs[:5], pairs[0], [list(pair) for pair in pairs[:2]]):
                found, expected = (m.predict(inputs, **options) for m in (ours, theirs))
                assert type(found) is type(expected)
                np.testing.assert_allclose(as_array(found), as_array(expected), **WITHIN)
            assert len(ours.predict([], **options)) == len(theirs.predict([], **options)) == 0
    assert ours.activation_fn.__class__ is nn.Identity


def test_rank(cross_encoder: CrossEncoder, pair_folder: Path, reference_of: Reference) -> None:
    theirs = reference_of(pair_folder)
    documents = ["a thread", "the file", "copy a file", "the file", "", "wait for the thread"]
    for options in ({}, {"top_k": 3}, {"return_documents": True}, {"top_k": 0}):
        found = cross_encoder.rank("how do I copy a file", documents, **options)
        expected = theirs.rank("how do I copy a file", documents, **options)
        assert [hit["corpus_id"] for hit in found] == [hit["corpus_id"] for hit in expected]
        assert [sorted(hit) for hit in found] == [sorted(hit) for hit in expected]
        for ours, reference in zip(found, expected, strict=True):
            assert ours["score"] == pytest.approx(reference["score"], abs=1e-5)
            assert ours.get("text") == reference.get("text")
    assert cross_encoder.rank("a", []) == []


def test_a_model_without_a_head_gets_one(
    make_architecture: Callable[..., Path], reference_of: Reference, pairs: Pairs, tmp_path: Path
) -> None:
    for kind, labels in (("roberta", None), ("distilbert", 2), ("mpnet", 1), ("bert", 2)):
        torch.manual_seed(0)
        ours = load(make_architecture(kind), num_labels=labels)
        assert ours.num_labels == (labels or 1)
        assert ours.model_card == ""
        ours.save_pretrained(tmp_path / kind)
        theirs = reference_of(tmp_path / kind)
        assert theirs.num_labels == ours.num_labels
        theirs.max_seq_length = ours.max_length
        np.testing.assert_allclose(ours.predict(pairs), theirs.predict(pairs), **WITHIN)


def test_a_model_of_vectors_gets_a_head(
    base_folder: Path, reference_of: Reference, tiny_folder: Path
) -> None:
    assert load(tiny_folder).max_length == reference_of(tiny_folder).max_seq_length == 64
    ours = load(base_folder)
    assert (ours.num_labels, ours.max_length) == (1, 512)
