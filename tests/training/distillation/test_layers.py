"""Which layers a student has, and that nothing else of the model changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given as example
from hypothesis import strategies as st

from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import UnsupportedModelError
from sentune.network.architectures.bert import BERT
from sentune.network.config import AttentionKind, EncoderConfig
from sentune.training.distillation import chosen_layers, with_layers

TEXTS = ["a file is read", "sockets and threads", "b"]
ALL = AttentionKind()
NEAR = AttentionKind(window=4)
BERT_CONFIG = {
    "vocab_size": 9,
    "hidden_size": 8,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 8,
    "max_position_embeddings": 9,
}


def config(layers: int, kinds: tuple[AttentionKind, ...] = (ALL,)) -> EncoderConfig:
    of_one = BERT.read(dict(BERT_CONFIG), "config.json")
    return replace(of_one, num_hidden_layers=layers, attention_kinds=kinds)


def load(folder: Path) -> SentenceTransformer:
    return SentenceTransformer(folder, device="cpu", compute_dtype="float32")


def test_layers_are_spread_from_the_first_to_the_last() -> None:
    assert chosen_layers(config(6), 3) == [0, 2, 5]
    assert chosen_layers(config(6), 2) == [0, 5]
    assert chosen_layers(config(12), 4) == [0, 4, 7, 11]
    assert chosen_layers(config(6), 6) == [0, 1, 2, 3, 4, 5]
    assert chosen_layers(config(6), 1) == [0]


@example(st.data())
def test_the_kinds_of_attention_are_those_that_the_model_begins_with(data: st.DataObject) -> None:
    layers = data.draw(st.integers(1, 40))
    count = data.draw(st.integers(1, layers))
    size = data.draw(st.integers(1, min(layers, 6)))
    kinds = tuple(data.draw(st.sampled_from([ALL, NEAR])) for _ in range(size))
    listed = data.draw(st.booleans())  # as a list of all layers, or as what repeats
    whole = tuple(kinds[number % size] for number in range(layers))
    found = chosen_layers(config(layers, whole if listed else kinds), count)
    assert len(found) == count
    assert found[0] == 0
    assert found == sorted(set(found))
    assert found[-1] < layers
    assert [whole[layer] for layer in found] == list(whole[:count])


def test_a_student_is_what_its_layers_compute(
    architecture: str, architecture_folder: Path, tmp_path: Path
) -> None:
    """Of three layers two are kept. The folder is one that transformers loads."""
    teacher = load(architecture_folder)
    layers = chosen_layers(teacher.encoder.config, 2)
    student = with_layers(teacher, layers)
    assert student.encoder.config.num_hidden_layers == 2
    assert len(teacher.encoder.in_order(list(teacher.encoder.layers))) == 3
    if not teacher.encoder.config.layer_groups:
        for place, layer in enumerate(layers):
            kept = student.encoder.get_parameter(f"layers.{place}.up.weight")
            given = teacher.encoder.get_parameter(f"layers.{layer}.up.weight")
            assert kept.equal(given)
            assert kept is not given
    student.save_pretrained(tmp_path / "student")
    expected = student.encode(TEXTS)
    assert not np.allclose(expected, teacher.encode(TEXTS), atol=1e-3)
    np.testing.assert_allclose(load(tmp_path / "student").encode(TEXTS), expected, atol=1e-6)
    found = _reference(tmp_path / "student").encode(TEXTS)
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-5)


def test_layers_of_the_reference_give_the_same_vectors(
    make_folder: Callable[..., Path], tmp_path: Path
) -> None:
    from torch import nn

    folder = make_folder(tmp_path / "four", num_hidden_layers=4)
    student = with_layers(load(folder), [0, 2, 3])
    theirs = _reference(folder)
    encoder = theirs[0].auto_model.encoder
    encoder.layer = nn.ModuleList(encoder.layer[number] for number in (0, 2, 3))
    np.testing.assert_allclose(theirs.encode(TEXTS), student.encode(TEXTS), rtol=0, atol=1e-5)


def test_several_groups_of_shared_layers_are_refused(
    make_architecture: Callable[..., Path],
) -> None:
    folder = make_architecture("albert", num_hidden_layers=4, num_hidden_groups=2)
    with pytest.raises(UnsupportedModelError, match="2 groups of layers that share weights"):
        with_layers(load(folder), [0, 3])


def _reference(folder: Path) -> Any:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from sentence_transformers import SentenceTransformer as Reference

        return Reference(str(folder), device="cpu")
