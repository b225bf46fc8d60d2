"""A model that both libraries' evaluators take, and the comparison of what they find."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch


@pytest.fixture(scope="session")
def reference() -> Any:
    """The reference library's evaluators; loading them takes seconds."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from sentence_transformers.sentence_transformer import evaluation

        return evaluation


class Card:
    """Keeps what evaluators hand to a model's card."""

    def __init__(self) -> None:
        self.found: list[tuple[str, dict[str, float], int, int]] = []

    def set_evaluation_metrics(
        self, evaluator: Any, metrics: dict[str, float], epoch: int, step: int
    ) -> None:
        self.found.append((type(evaluator).__name__, metrics, epoch, step))


class TableModel(torch.nn.Module):
    """Vectors from a table behind every method that evaluators of either library call."""

    def __init__(self, vectors: Mapping[str, Sequence[float]], function: str = "cosine") -> None:
        super().__init__()
        self.vectors, self.similarity_fn_name = dict(vectors), function
        self.model_card_data, self.truncate_dim = Card(), None
        self.device = torch.device("cpu")
        self.options: list[dict[str, Any]] = []

    def encode(self, inputs: Any, **options: Any) -> Any:
        self.options.append(options)
        texts = [inputs] if isinstance(inputs, str) else list(inputs)
        rows = [self.vectors[text][: options.get("truncate_dim")] for text in texts]
        table = np.array(rows, dtype=np.float32)
        if options.get("normalize_embeddings"):
            table /= np.linalg.norm(table, axis=1, keepdims=True)
        if options.get("precision") not in (None, "float32"):
            from sentence_transformers.util import quantize_embeddings

            return quantize_embeddings(table, options["precision"])
        if options.get("convert_to_tensor"):
            return torch.from_numpy(table)
        return table if options.get("convert_to_numpy", True) else list(torch.from_numpy(table))

    encode_query = encode_document = encode

    def similarity(self, a: Any, b: Any) -> torch.Tensor:
        from sentune.encoding.similarity import similarity

        return similarity(a, b, self.similarity_fn_name)

    def similarity_pairwise(self, a: Any, b: Any) -> torch.Tensor:
        from sentune.encoding.similarity import similarity_pairwise

        return similarity_pairwise(a, b, self.similarity_fn_name)


Compare = Callable[..., dict[str, float]]


@pytest.fixture
def compare(tmp_path: Path) -> Compare:
    """Evaluate twice with both; keys, values, files, and what the card gets must be equal."""

    def _compare(ours: Any, theirs: Any, model: TableModel, near: float = 1e-6) -> dict[str, float]:
        found: list[list[dict[str, float]]] = []
        for evaluator, name in ((ours, "ours"), (theirs, "theirs")):
            folder = tmp_path / name
            calls = [evaluator(model, str(folder), epoch, 10 * epoch) for epoch in (1, 2)]
            found.append([{k: float(v) for k, v in one.items()} for one in calls])
        for mine, wanted in zip(*found, strict=True):
            assert list(mine) == list(wanted)
            assert mine == pytest.approx(wanted, abs=near, nan_ok=True)
        assert ours.primary_metric == theirs.primary_metric
        assert ours.description == theirs.description
        assert ours.greater_is_better == theirs.greater_is_better
        assert ours.get_config_dict() == theirs.get_config_dict()
        entries = model.model_card_data.found
        half = len(entries) // 2
        for one, other in zip(entries[:half], entries[half:], strict=True):
            assert one[0] == other[0]
            assert one[1] == pytest.approx(other[1], abs=near, nan_ok=True)
            assert one[2:] == other[2:]
        _same_files(tmp_path / "ours", tmp_path / "theirs", near)
        return found[0][0]

    return _compare


def _same_files(ours: Path, theirs: Path, near: float) -> None:
    names = sorted(path.name for path in theirs.glob("*.csv"))
    assert sorted(path.name for path in ours.glob("*.csv")) == names
    for name in names:
        tables = []
        for folder in (ours, theirs):
            text = (folder / name).read_bytes().decode()
            tables.append((list(csv.reader(text.splitlines())), "\r\n" in text))
        (mine, ends), (wanted, wanted_ends) = tables
        assert ends == wanted_ends
        assert mine[0] == wanted[0]
        assert len(mine) == len(wanted) > 1
        for one, other in zip(mine[1:], wanted[1:], strict=True):
            assert one[:2] == other[:2]
            numbers = [[float(cell) for cell in row] for row in (one, other)]
            assert numbers[0] == pytest.approx(numbers[1], abs=near, nan_ok=True)


MakeTable = Callable[..., TableModel]


@pytest.fixture
def make_table() -> MakeTable:
    """A model of random vectors on a grid, so that with few levels there are ties."""

    def _make(
        *columns: Sequence[str],
        levels: int = 0,
        seed: int = 0,
        function: str = "cosine",
        dim: int = 8,
    ) -> TableModel:
        rng = np.random.default_rng(seed)
        texts = sorted({text for column in columns for text in column})
        table: Any = rng.standard_normal((len(texts), dim))
        if levels:
            table = rng.integers(0, levels, table.shape) + 1.0
        return TableModel(dict(zip(texts, table.tolist(), strict=True)), function)

    return _make


@pytest.fixture
def texts() -> Callable[[str, int], list[str]]:
    return lambda letter, count: [f"{letter}{number}" for number in range(count)]
