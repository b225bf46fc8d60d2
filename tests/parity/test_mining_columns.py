"""``mine_hard_negatives`` for data sets beside the reference's: every layout and guard."""

from __future__ import annotations

import random
import zlib
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest

from sentune import SentenceTransformer, mine_hard_negatives
from sentune.errors import ArgumentError, DataError


@pytest.fixture(scope="module")
def rows(real_texts: list[str]) -> dict[str, list[str]]:
    """Forty questions, some asked twice and some passages shared."""
    texts = [text for text in dict.fromkeys(real_texts) if 8 < len(text.split()) < 60][:40]
    return {
        "query": [" ".join(text.split()[:6]) for text in texts] + [" ".join(texts[0].split()[:6])],
        "answer": [" ".join(text.split()[6:30]) for text in texts] + ["another right answer"],
    }


class Scorer:
    """A stand-in for a cross-encoder: a number from the texts, without ties."""

    def predict(self, pairs: Any, **_: Any) -> Any:
        import torch

        scores = [zlib.crc32(f"{a}|{b}".encode()) / 2**32 for a, b in pairs]
        return torch.tensor(scores)

    def __repr__(self) -> str:
        return "Scorer()"  # the same in every process of the suite


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "given",
    [
        {},
        {"output_format": "n-tuple", "num_negatives": 2},
        {"output_format": "labeled-pair", "relative_margin": 0.02},
        {"output_format": "labeled-list", "max_score": 0.9, "min_score": 0.2},
        {"output_scores": True, "absolute_margin": 0.01},
        {"output_scores": True, "output_format": "n-tuple", "range_min": 3},
        {"output_scores": True, "output_format": "labeled-pair"},
        {"output_scores": True, "output_format": "labeled-list", "range_max": 8},
        {"sampling_strategy": "random", "range_max": 20, "num_negatives": 4},
        {"include_positives": True, "num_negatives": 5},
        {"anchor_column_name": "answer", "positive_column_name": "query"},
        {"corpus": ["one more text", "and another one"], "faiss_batch_size": 7},
        {"query_prompt": "ask: ", "corpus_prompt_name": "query", "as_triplets": False},
        {"margin": 0.05, "cross_encoder": Scorer(), "verbose": False},
        {"num_negatives": 30, "range_max": 60},
        {"range_max": 60, "absolute_margin": 0.01, "relative_margin": 0.02, "min_score": 0.2},
    ],
    ids=str,
)
def test_columns_are_those_of_the_reference(
    given: dict[str, Any],
    rows: dict[str, list[str]],
    tiny_folder: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from sentence_transformers import SentenceTransformer as Reference
    from sentence_transformers.util import mine_hard_negatives as theirs

    data = datasets.Dataset.from_dict(rows)
    random.seed(1)
    expected = theirs(data, Reference(str(tiny_folder), device="cpu"), **given)
    printed = capsys.readouterr().out
    random.seed(1)
    model = SentenceTransformer(tiny_folder, device="cpu", compute_dtype="float32")
    found = mine_hard_negatives(data, model, **given)
    assert capsys.readouterr().out == printed
    assert isinstance(found, datasets.Dataset)
    assert found.column_names == expected.column_names
    for name in expected.column_names:
        if name in ("score", "scores"):
            for ours, other in zip(found[name], expected[name], strict=True):
                assert np.allclose(ours, other, atol=1e-5)
        else:
            assert list(found[name]) == list(expected[name]), name


def test_columns_in_a_mapping(rows: dict[str, list[str]], tiny: SentenceTransformer) -> None:
    data = datasets.Dataset.from_dict(rows)
    assert mine_hard_negatives(rows, tiny) == mine_hard_negatives(data, tiny).to_dict()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"output_format": "pairs"}, "output_format is 'pairs'"),
        ({"cache_folder": "vectors"}, "cache_folder='vectors'"),
        ({"num_negatives": 0}, "num_negatives is 0"),
        ({"range_min": 5, "range_max": 6}, "range_max is 6"),
    ],
)
def test_arguments_out_of_range(
    given: dict[str, Any], said: str, rows: dict[str, list[str]], tiny: SentenceTransformer
) -> None:
    with pytest.raises(ArgumentError, match=said):
        mine_hard_negatives(rows, tiny, **given)


def test_nothing_to_mine_for(tiny: SentenceTransformer) -> None:
    several: list[dict[str, list[str]]] = [{"a": ["x"]}, {"a": [], "b": []}]
    for empty in several:
        with pytest.raises(DataError, match="pairs to mine negatives for"):
            mine_hard_negatives(empty, tiny)
