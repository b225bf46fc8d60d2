"""Modules under the reference's names hold what it has under them, and the one implementation."""

from __future__ import annotations

import importlib
import warnings
from typing import Any

import pytest

from sentune.errors import ArgumentError
from sentune.left_out import LeftOut

DOORS = (
    "backend",
    "data_collator",
    "datasets",
    "losses",
    "model_card",
    "models",
    "quantization",
    "readers",
    "sampler",
    "similarity_functions",
    "sparse_encoder",
    "trainer",
    "training_args",
    "util",
)
OURS_ALONE = {"EmbeddingLoss", "SupervisedContrastiveLoss"}


@pytest.mark.parametrize("name", DOORS)
def test_every_name_is_one_of_the_reference(name: str) -> None:
    door = importlib.import_module(f"sentune.{name}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reference = importlib.import_module(f"sentence_transformers.{name}")
        ours = getattr(door, "__all__", [])
        for each in ours:
            assert getattr(door, each) is not None
            assert each in OURS_ALONE or hasattr(reference, each), each
    assert ours == sorted(ours)


LISTED = (
    *("", ".backend", ".cross_encoder", ".cross_encoder.evaluation", ".cross_encoder.losses"),
    *(".data_collator", ".datasets", ".evaluation", ".losses", ".models", ".quantization"),
    *(".readers", ".sparse_encoder", ".training_args", ".util"),
)


@pytest.mark.parametrize("name", LISTED)
def test_every_public_name_of_the_reference_is_there_or_says_why_not(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reference = importlib.import_module(f"sentence_transformers{name}")
    door = importlib.import_module(f"sentune{name}")
    public = getattr(reference, "__all__", None) or [
        each
        for each, value in vars(reference).items()
        if getattr(value, "__module__", "").startswith("sentence_transformers") and each[0] != "_"
    ]
    assert len(public) > 1
    for each in public:
        found = getattr(door, each)
        if isinstance(found, type) and issubclass(found, LeftOut):
            refused: Any = found
            with pytest.raises(ArgumentError, match=f"^{each}, which sentune does not have"):
                refused("anything")


def test_deriving_from_what_is_left_out_says_so() -> None:
    models: Any = importlib.import_module("sentune.models")
    sparse: Any = importlib.import_module("sentune.sparse_encoder.losses")
    with pytest.raises(ArgumentError, match=r"^InputModule, which .* a pooling and modules"):
        type("Mine", (models.InputModule,), {"__module__": "mine"})
    with pytest.raises(ArgumentError, match="SpladeLoss"):
        sparse.SpladeLoss(1)
    for absent in ("Absent", "__wrapped__"):
        with pytest.raises(AttributeError, match=absent):
            getattr(models, absent)


def test_a_door_opens_on_the_public_names() -> None:
    import sentune
    from sentune.training_args import SentenceTransformerTrainingArguments
    from sentune.util import semantic_search

    assert semantic_search is sentune.semantic_search
    assert SentenceTransformerTrainingArguments is sentune.SentenceTransformerTrainingArguments
    assert sentune.losses is importlib.import_module("sentune.losses")
