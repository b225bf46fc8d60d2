"""Small models that score pairs, with random weights, made and saved by transformers."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from sentune.cross_encoder import CrossEncoder

MakePairFolder = Callable[..., Path]
Pairs = list[tuple[str, str]]


@pytest.fixture(scope="session")
def make_pair_folder(
    tiny_folder: Path, make_architecture: Callable[..., Path], tmp_path_factory: Any
) -> MakePairFolder:
    """Write a model of an architecture with its head; ``segmented`` is BERT with two segments."""

    def _make(model_type: str, num_labels: int = 1, **changes: Any) -> Path:
        source = tiny_folder if model_type == "segmented" else make_architecture(model_type)
        folder: Path = tmp_path_factory.mktemp(model_type)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            from transformers import AutoConfig, AutoModelForSequenceClassification

            config = AutoConfig.from_pretrained(source, num_labels=num_labels, **changes)
            torch.manual_seed(1)
            model = AutoModelForSequenceClassification.from_config(config)
        with torch.no_grad():
            for parameter in model.parameters():  # biases begin as 0: one for another would pass
                parameter.add_(torch.randn_like(parameter) * 0.1)
        model.save_pretrained(folder)
        for file in ("tokenizer.json", "tokenizer_config.json", "vocab.txt"):
            if (source / file).exists():
                shutil.copy(source / file, folder / file)
        return folder

    return _make


@pytest.fixture(scope="session")
def pair_folder(make_pair_folder: MakePairFolder) -> Path:
    """BERT with two segments and one label, for all tests that do not change it."""
    return make_pair_folder("segmented")


@pytest.fixture
def cross_encoder(pair_folder: Path) -> CrossEncoder:
    """Its model in float32, a new one for each test."""
    return load(pair_folder)


@pytest.fixture(scope="session")
def pairs(real_texts: list[str]) -> Pairs:
    """Pairs of real texts of very different lengths; some are over the limit, on either side."""
    return list(zip(real_texts[:40], real_texts[60:100], strict=True))


def load(folder: Path | str, **options: Any) -> CrossEncoder:
    """Our model in float32 on the processor."""
    return CrossEncoder(folder, device="cpu", **{"compute_dtype": "float32", **options})


@pytest.fixture(scope="session")
def reference_of() -> Callable[..., Any]:
    """The reference's model of a folder."""

    def _load(folder: Path | str, **options: Any) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            warnings.simplefilter("ignore", FutureWarning)
            import sentence_transformers

            return sentence_transformers.CrossEncoder(str(folder), device="cpu", **options)

    return _load
