"""Modules under the reference's names hold what it has under them, and the one implementation."""

from __future__ import annotations

import importlib
import warnings

import pytest

DOORS = ("datasets", "losses", "quantization", "readers", "trainer", "training_args", "util")
OURS_ALONE = {"EmbeddingLoss", "SupervisedContrastiveLoss"}


@pytest.mark.parametrize("name", DOORS)
def test_every_name_is_one_of_the_reference(name: str) -> None:
    door = importlib.import_module(f"sentune.{name}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reference = importlib.import_module(f"sentence_transformers.{name}")
        for each in door.__all__:
            assert getattr(door, each) is not None
            assert each in OURS_ALONE or hasattr(reference, each), each
    assert door.__all__ == sorted(door.__all__)


def test_a_door_opens_on_the_public_names() -> None:
    import sentune
    from sentune.training_args import SentenceTransformerTrainingArguments
    from sentune.util import semantic_search

    assert semantic_search is sentune.semantic_search
    assert SentenceTransformerTrainingArguments is sentune.SentenceTransformerTrainingArguments
    assert sentune.losses is importlib.import_module("sentune.losses")
