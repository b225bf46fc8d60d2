"""A library that is not there, and numbers that are none."""

from __future__ import annotations

import importlib
import sys

import pytest
import torch

from sentune.adapters.vectors import document_vectors, missing, query_vector
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import MissingExtraError, ModelError


@pytest.mark.parametrize(
    ("name", "library", "package", "extra"),
    [
        ("langchain", "langchain_core", "langchain-core", "langchain"),
        ("llama_index", "llama_index", "llama-index-core", "llama-index"),
        ("haystack", "haystack", "haystack-ai", "haystack"),
    ],
)
def test_the_command_that_installs_it(
    name: str, library: str, package: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in [each for each in sys.modules if each.split(".")[0] == library]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.delitem(sys.modules, f"sentune.adapters.{name}", raising=False)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingExtraError) as caught:
        importlib.import_module(f"sentune.adapters.{name}")
    assert f"'{package}' is not installed" in str(caught.value)
    assert f"pip install 'sentune[{extra}]'" in str(caught.value)


def test_a_damaged_library_keeps_its_error() -> None:
    error = ModuleNotFoundError("No module named 'numpy'", name="numpy")
    assert missing(error, "haystack", "haystack-ai", "haystack") is error


def test_vectors_that_are_not_finite(tiny_folder: object) -> None:
    damaged = SentenceTransformer(str(tiny_folder), device="cpu", compute_dtype="float32")
    with torch.no_grad():
        next(iter(damaged.parameters())).fill_(torch.nan)
    with pytest.raises(ModelError, match="are not finite"):
        query_vector(damaged, "a", normalize_embeddings=False)
    with pytest.raises(ModelError, match="are not finite"):
        document_vectors(damaged, ["a"], normalize_embeddings=False)
