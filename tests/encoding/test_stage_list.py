"""Adding stages to a model and taking them out, beside the reference's model."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from sentune import models
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import ArgumentError

TEXTS = ["the words of a text", "find", "the file and the other file"]


def load(folder: Path) -> SentenceTransformer:
    return SentenceTransformer(folder, device="cpu", compute_dtype="float32")


def reference(folder: Path) -> Any:
    from sentence_transformers import SentenceTransformer as Reference

    return Reference(str(folder), device="cpu")


def dense(library: Any) -> Any:
    torch.manual_seed(0)
    return library.Dense(32, 8, activation_function=nn.Tanh())


CHANGES: list[Callable[[Any, Any], object]] = [
    lambda model, library: model.append(dense(library)),
    lambda model, library: model.add_module("3", dense(library)),
    lambda model, library: model.insert(2, library.LayerNorm(32)),
    lambda model, library: model.extend([dense(library), library.Normalize()]),
    lambda model, _: model.pop(len(model) - 1),
    lambda model, _: model.__delitem__(2),
    lambda model, library: model.__setitem__(2, library.LayerNorm(32)),
    lambda model, library: model.__setitem__(1, library.Pooling(32, "max")),
]


@pytest.mark.parametrize("change", CHANGES)
def test_stages_change_as_in_the_reference(change: Any, tiny_folder: Path, tmp_path: Path) -> None:
    from sentence_transformers import models as theirs

    ours, other = load(tiny_folder), reference(tiny_folder)
    change(ours, models)
    change(other, theirs)
    assert [type(stage).__name__ for stage in ours] == [type(stage).__name__ for stage in other]
    assert ours.get_embedding_dimension() == other.get_embedding_dimension()
    expected = other.encode(TEXTS)
    np.testing.assert_allclose(ours.encode(TEXTS), expected, rtol=0, atol=1e-5)
    ours.save(tmp_path / "saved")
    np.testing.assert_allclose(load(tmp_path / "saved").encode(TEXTS), expected, atol=1e-5)


def test_a_slice_is_the_stages(tiny: SentenceTransformer) -> None:
    assert [type(stage).__name__ for stage in tiny[:2]] == ["Transformer", "Pooling"]
    taken = load(tiny.base.folder)
    assert isinstance(taken.pop(), models.Normalize)


def test_what_makes_no_model_is_refused_and_changes_nothing(tiny_folder: Path) -> None:
    model = load(tiny_folder)
    before = model.encode(TEXTS)
    for change in (
        lambda: model.pop(0),
        lambda: model.append(nn.Linear(32, 8)),
        lambda: model.insert(0, models.Normalize()),
        lambda: model.append(models.Dense(16, 8)),
        lambda: model.__setitem__(0, models.Transformer(tiny_folder)),
        lambda: setattr(model[0], "auto_model", nn.Linear(2, 2)),
    ):
        with pytest.raises(ArgumentError):
            change()
    np.testing.assert_array_equal(model.encode(TEXTS), before)


@pytest.mark.parametrize("of_stage", [False, True])
def test_a_tokenizer_of_transformers_takes_its_place(tiny_folder: Path, of_stage: bool) -> None:
    from transformers import AutoTokenizer

    model = load(tiny_folder)
    theirs = AutoTokenizer.from_pretrained(tiny_folder, model_max_length=12)
    holder: Any = model[0] if of_stage else model
    holder.tokenizer = theirs
    assert model.max_seq_length == holder.max_seq_length == 12
    ids = theirs("the file " * 20, truncation=True)["input_ids"]
    assert model.tokenizer(["the file " * 20])[0] == [ids]
    model.encode(TEXTS)
    model.tokenizer = model.tokenizer
    assert copy.deepcopy(model).max_seq_length == 12


def test_a_tokenizer_of_another_model_is_refused(
    tiny_folder: Path, model: SentenceTransformer
) -> None:
    small = load(tiny_folder)
    for given, said in ((model.tokenizer, "at most"), (7, "tokenizer is an int")):
        with pytest.raises(ArgumentError, match=said):
            small.tokenizer = given
