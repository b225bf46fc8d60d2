from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray


class FakeCard:
    """Where the reference's evaluators leave their results."""

    def set_evaluation_metrics(self, *results: object) -> None:
        """Forget them."""


class FakeModel:
    """Vectors from a table, behind the methods of sentune's and the reference's models."""

    def __init__(
        self, vectors: dict[str, Sequence[float]], similarity_fn_name: str = "cosine"
    ) -> None:
        self.vectors = vectors
        self.model_card_data = FakeCard()
        self._function = similarity_fn_name
        self.asked: list[tuple[str, list[str]]] = []

    @property
    def similarity_fn_name(self) -> str:
        return self._function

    def _encode(self, kind: str, texts: list[str], convert_to_tensor: bool = False) -> Any:
        self.asked.append((kind, list(texts)))
        vectors = np.array([self.vectors[text] for text in texts], dtype=np.float32)
        return torch.from_numpy(vectors) if convert_to_tensor else vectors

    def encode(
        self,
        inputs: list[str],
        *,
        batch_size: int | None = None,
        show_progress_bar: bool | None = None,
        convert_to_numpy: bool = True,
        precision: str | None = None,
        normalize_embeddings: bool = False,
        truncate_dim: int | None = None,
    ) -> NDArray[Any]:
        result: NDArray[Any] = self._encode("sentence", inputs)
        return result

    def encode_query(
        self,
        inputs: list[str],
        *,
        batch_size: int | None = None,
        show_progress_bar: bool | None = None,
        convert_to_tensor: bool = False,
        prompt_name: str | None = None,
        prompt: str | None = None,
        truncate_dim: int | None = None,
    ) -> Any:
        return self._encode("query", inputs, convert_to_tensor)

    def encode_document(
        self,
        inputs: list[str],
        *,
        batch_size: int | None = None,
        show_progress_bar: bool | None = None,
        convert_to_tensor: bool = False,
        prompt_name: str | None = None,
        prompt: str | None = None,
        truncate_dim: int | None = None,
    ) -> Any:
        return self._encode("document", inputs, convert_to_tensor)

    def _sides(self, *sides: Any) -> list[torch.Tensor]:
        tensors = [torch.as_tensor(side) for side in sides]
        if self._function == "cosine":
            return [F.normalize(tensor, dim=1) for tensor in tensors]
        return tensors

    def similarity(self, embeddings1: Any, embeddings2: Any) -> torch.Tensor:
        a, b = self._sides(embeddings1, embeddings2)
        return a @ b.T

    def similarity_pairwise(self, embeddings1: Any, embeddings2: Any) -> torch.Tensor:
        a, b = self._sides(embeddings1, embeddings2)
        return (a * b).sum(dim=1)


MakeModel = Callable[..., FakeModel]


@pytest.fixture
def make_model() -> MakeModel:
    return FakeModel


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every matrix fall into many blocks."""
    monkeypatch.setattr("sentune.ranking.blocks._ELEMENTS", 16)
