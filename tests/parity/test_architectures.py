"""Every architecture gives sentence-transformers' vectors, and its folders cross over and back."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sentune.encoding.sentence_transformer import SentenceTransformer

MakeFolder = Callable[..., Path]


def close(ours: Any, theirs: Any, tolerance: float = 1e-5) -> None:
    np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), rtol=0, atol=tolerance)


def scaled(values: Any) -> float:
    """1e-5 of the largest number: vectors that are not normalized can be long."""
    return 1e-5 * max(1.0, float(np.abs(np.asarray(values)).max()))


def load(folder: Path, **options: Any) -> SentenceTransformer:
    return SentenceTransformer(folder, device="cpu", compute_dtype="float32", **options)


def load_reference(folder: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from sentence_transformers import SentenceTransformer as Reference

        return Reference(str(folder), device="cpu")


@pytest.fixture(scope="module")
def ours(architecture_folder: Path) -> SentenceTransformer:
    return load(architecture_folder)


@pytest.fixture(scope="module")
def theirs(architecture_folder: Path, ours: SentenceTransformer) -> Any:
    reference = load_reference(architecture_folder)
    # Left to itself it takes the whole table of positions, and fails on a text that long.
    reference.max_seq_length = ours.max_seq_length
    return reference


@pytest.fixture(scope="module")
def texts(real_texts: list[str]) -> list[str]:
    """Of every length, some beyond the limit, and some that spell special tokens."""
    odd = ["a <pad> in <mask> a text </s> <s>", "[PAD] and [SEP] [MASK]", "<pad>", "x <pad>"]
    return [*real_texts[:6], *odd, *real_texts[100:160]]


def test_vectors(ours: SentenceTransformer, theirs: Any, texts: list[str]) -> None:
    expected = theirs.encode(texts, normalize_embeddings=True)
    found = ours.encode(texts, normalize_embeddings=True)
    close(found, expected)
    # The comparison has power: real texts are far apart.
    assert np.abs(expected[11:] - expected[10:-1]).max(axis=1).min() > 0.01
    alone = [ours.encode(text, normalize_embeddings=True) for text in texts[:12]]
    close(np.stack(alone), expected[:12])


def test_token_ids(ours: SentenceTransformer, theirs: Any, texts: list[str]) -> None:
    found, _ = ours.tokenizer(texts)
    expected = theirs.tokenizer(texts, truncation=True, max_length=64, padding=False)
    assert found == expected["input_ids"]
    assert ours.max_seq_length == 64
    assert {len(ids) for ids in found} >= {2, 3, 64}


def test_token_embeddings(ours: SentenceTransformer, theirs: Any, texts: list[str]) -> None:
    found = ours.encode(texts, output_value="token_embeddings")
    expected = theirs.encode(texts, output_value="token_embeddings")
    assert [tokens.shape for tokens in found] == [tokens.shape for tokens in expected]
    for a, b in zip(found, expected, strict=True):
        close(a, b, scaled(b))


def test_a_folder_that_we_save_loads_there(
    ours: SentenceTransformer, texts: list[str], tmp_path: Path
) -> None:
    ours.save_pretrained(tmp_path / "saved")
    again, theirs = load(tmp_path / "saved"), load_reference(tmp_path / "saved")
    expected = ours.encode(texts)
    close(theirs.encode(texts), expected, scaled(expected))
    np.testing.assert_array_equal(again.encode(texts), expected)
    assert theirs.max_seq_length == again.max_seq_length == ours.max_seq_length
    assert repr(again) == repr(ours)
    assert f"model: {type(theirs[0].auto_model).__name__}\n" in repr(ours)


def test_a_folder_that_they_save_loads_here(
    theirs: Any, ours: SentenceTransformer, texts: list[str], tmp_path: Path
) -> None:
    theirs.save_pretrained(str(tmp_path / "theirs"))
    loaded = load(tmp_path / "theirs")
    np.testing.assert_array_equal(loaded.encode(texts), ours.encode(texts))
    assert loaded.max_seq_length == ours.max_seq_length
    loaded.save_pretrained(tmp_path / "ours")
    close(
        load_reference(tmp_path / "ours").encode(texts),
        theirs.encode(texts),
        scaled(ours.encode(texts)),
    )


def test_a_folder_without_tokenizer_settings_loads_there(
    ours: SentenceTransformer, architecture_folder: Path, texts: list[str], tmp_path: Path
) -> None:
    bare = Path(shutil.copytree(architecture_folder, tmp_path / "bare"))
    (bare / "tokenizer_config.json").unlink()
    load(bare).save_pretrained(tmp_path / "saved")
    expected = ours.encode(texts)
    close(load_reference(tmp_path / "saved").encode(texts), expected, scaled(expected))


# Texts that reach beyond the last bucket of distances, and beyond many windows.
LONG = {"max_position_embeddings": 514}
KINDS = ["sliding_attention", "full_attention", "sliding_attention"]
THETAS = {
    "full_attention": {"rope_type": "default", "rope_theta": 500.0},
    "sliding_attention": {"rope_type": "default", "rope_theta": 30},
}
THETA = {"rope_type": "default", "rope_theta": 50.0}
VARIANTS: list[tuple[str, dict[str, Any]]] = [
    ("roberta", {**LONG, "hidden_act": "gelu_new", "layer_norm_eps": 1e-3}),
    ("roberta", {"pad_token_id": 5, "max_position_embeddings": 80}),
    ("mpnet", LONG),
    ("mpnet", {"num_attention_heads": 2, "num_hidden_layers": 1, "hidden_act": "relu"}),
    ("distilbert", {"sinusoidal_pos_embds": True, "n_heads": 2}),
    ("modernbert", LONG),
    ("modernbert", {**LONG, "local_attention": 7, "rope_parameters": THETAS}),
    ("modernbert", {"layer_types": KINDS, "rope_parameters": THETAS}),
    ("modernbert", {"attention_bias": True, "mlp_bias": True, "norm_bias": True}),
    ("electra", {"embedding_size": 32, "hidden_act": "gelu_new"}),
    ("electra", {"embedding_size": 64, "type_vocab_size": 1}),
    ("albert", {"num_hidden_groups": 2, "hidden_act": "relu", "layer_norm_eps": 1e-3}),
    ("albert", {"embedding_size": 32, "num_hidden_groups": 3}),
    ("nomic_bert", {**LONG, "hidden_act": "gelu", "rope_parameters": THETA}),
    (
        "gte",
        {"type_vocab_size": 0, "rope_parameters": {**THETA, "rope_type": "linear", "factor": 3}},
    ),
    ("gte", LONG),
    ("modernbert", {"hidden_activation": "silu", "norm_eps": 1e-2, "local_attention": 1}),
]


@pytest.mark.parametrize(("name", "changes"), VARIANTS, ids=str)
def test_options(
    name: str, changes: dict[str, Any], make_architecture: MakeFolder, texts: list[str]
) -> None:
    folder = make_architecture(name, **changes)
    ours, theirs = load(folder), load_reference(folder)
    theirs.max_seq_length = ours.max_seq_length
    if changes.get("max_position_embeddings") == 514:
        assert ours.max_seq_length == (512 if name in ("roberta", "mpnet") else 514)
        assert max(len(ids) for ids in ours.tokenizer(texts)[0]) > 300
    for found, expected in zip(
        ours.encode(texts, output_value="token_embeddings"),
        theirs.encode(texts, output_value="token_embeddings"),
        strict=True,
    ):
        close(found, expected, scaled(expected))
