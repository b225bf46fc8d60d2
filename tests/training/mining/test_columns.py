"""``mine_hard_negatives`` of data sets: real pairs, beside a plain computation in float64.

``tests/parity/test_mining_columns.py`` compares every layout with the reference.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import datasets
import numpy as np
import pytest
import torch

from sentune import SentenceTransformer, mine_hard_negatives
from sentune.data import python_docs
from sentune.errors import ArgumentError, DataError

Rows = dict[str, list[str]]


@pytest.fixture(scope="module")
def rows() -> Rows:
    """Thirty questions of Python's documentation; six of them have a second passage."""
    pairs = list(python_docs().pairs.rows())[:30]
    questions = [" ".join(row[0].split()[:16]) for row in pairs]
    passages = [" ".join(row[1].split()[:30]) for row in pairs]
    return {
        "q": questions + questions[:6],
        "p": passages + [f"{text} That is all." for text in passages[:6]],
    }


@pytest.fixture(scope="module")
def cosines(rows: Rows, model: SentenceTransformer) -> dict[str, dict[str, float]]:
    """Question → passage → cosine, in float64."""
    questions, passages = (list(dict.fromkeys(rows[name])) for name in ("q", "p"))
    first, second = (np.asarray(model.encode(texts), np.float64) for texts in (questions, passages))
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    second /= np.linalg.norm(second, axis=1, keepdims=True)
    table = first @ second.T
    return {
        question: dict(zip(passages, row.tolist(), strict=True))
        for question, row in zip(questions, table, strict=True)
    }


def expected(
    rows: Rows,
    cosines: dict[str, dict[str, float]],
    count: int = 3,
    *,
    range_min: int = 0,
    range_max: int | None = None,
    keeps: Any = lambda _score, _right: True,
) -> Iterator[tuple[str, list[str], list[str]]]:
    """Each question, its passages and its negatives, by the definition alone."""
    for question, scores in cosines.items():
        right = [p for q, p in zip(rows["q"], rows["p"], strict=True) if q == question]
        lowest = min(scores[passage] for passage in right)
        ranked = sorted(scores, key=scores.__getitem__, reverse=True)
        window = len(ranked) if range_max is None else range_max + 2  # two right ones at most
        left = [p for p in ranked[:window] if p not in right and keeps(scores[p], lowest)]
        yield question, right, left[range_min : range_min + count]


@pytest.mark.parametrize(
    ("given", "definition"),
    [
        ({}, {}),
        ({"range_min": 2, "num_negatives": 4}, {"range_min": 2, "count": 4}),
        (
            {"range_max": 3, "relative_margin": 0.3},
            {"range_max": 3, "keeps": lambda score, right: score <= right - abs(right) * 0.3},
        ),
        ({"absolute_margin": 0.2}, {"keeps": lambda score, right: score + 0.2 <= right}),
        (
            {"max_score": 0.3, "min_score": 0.15},
            {"keeps": lambda score, _: 0.15 <= score <= 0.3},
        ),
    ],
    ids=["defaults", "ranks", "relative margin", "absolute margin", "limits"],
)
def test_rows_are_those_of_the_definition(
    given: dict[str, Any],
    definition: dict[str, Any],
    rows: Rows,
    cosines: dict[str, dict[str, float]],
    model: SentenceTransformer,
) -> None:
    found = mine_hard_negatives(rows, model, output_scores=True, **{"range_max": 36, **given})
    triplets = [
        (question, right, wrong)
        for question, rights, wrongs in expected(rows, cosines, **definition)
        for right in rights
        for wrong in wrongs
    ]
    assert list(found) == ["q", "p", "negative", "scores"]
    assert [*zip(found["q"], found["p"], found["negative"], strict=True)] == triplets
    scores = [[cosines[q][right], cosines[q][wrong]] for q, right, wrong in triplets]
    np.testing.assert_allclose(found["scores"], scores, rtol=0, atol=1e-5)
    assert len(triplets) > 20


def test_random_ones_are_of_the_range(
    rows: Rows, cosines: dict[str, dict[str, float]], model: SentenceTransformer
) -> None:
    drawn = []
    for seed in (1, 2):
        random.seed(seed)
        options = {"sampling_strategy": "random", "range_max": 8, "output_format": "labeled-list"}
        drawn.append(mine_hard_negatives(rows, model, num_negatives=2, **options)["p"])
    window = {q: some for q, _, some in expected(rows, cosines, 8)}
    for texts, question in zip(
        drawn[0], (q for q, r, _ in expected(rows, cosines) for _ in r), strict=True
    ):
        assert len(texts) == 3
        assert set(texts[1:]) <= set(window[question])
    assert drawn[0] != drawn[1]


class _Opposite:
    """A cross-encoder that scores short passages highest."""

    def predict(self, pairs: Any, **_: Any) -> Any:
        return torch.tensor([-float(len(passage)) for _, passage in pairs])

    def __repr__(self) -> str:
        return "_Opposite()"


def test_a_cross_encoder_orders_only_with_something_to_compare(
    rows: Rows, model: SentenceTransformer, caplog: pytest.LogCaptureFixture
) -> None:
    plain = mine_hard_negatives(rows, model, verbose=False)
    assert mine_hard_negatives(rows, model, cross_encoder=_Opposite(), verbose=False) == plain
    assert "cross_encoder is not used" in caplog.text
    caplog.clear()
    options = {"cross_encoder": _Opposite(), "range_max": 6, "output_format": "labeled-list"}
    by_length = mine_hard_negatives(rows, model, min_score=-1000, **options)
    assert caplog.text == ""
    assert all([*map(len, texts[1:])] == sorted(map(len, texts[1:])) for texts in by_length["p"])


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (
            datasets.DatasetDict(train=datasets.Dataset.from_dict({"q": ["a"], "p": ["b"]})),
            "a DatasetDict to mine negatives for: .* Pass one of its parts",
        ),
        (
            datasets.Dataset.from_dict({"q": ["a"], "p": ["b"]}).to_iterable_dataset(),
            "an IterableDataset to mine negatives for",
        ),
        ([{"q": "a", "p": "b"}], "a list to mine negatives for"),
        ({"q": ["a", "b"], "p": ["b", None]}, "a NoneType in row 1 of the column 'p'"),
        ({"id": [1, 2], "q": ["a", "b"]}, "an int in row 0 of the column 'id'"),
    ],
)
def test_data_that_is_not_columns_of_texts(data: Any, said: str, tiny: SentenceTransformer) -> None:
    with pytest.raises(DataError, match=said):
        mine_hard_negatives(data, tiny)


def test_a_column_that_is_not_there(rows: Rows, tiny: SentenceTransformer) -> None:
    with pytest.raises(DataError, match=r"column 'question': expected one of .*: q, p"):
        mine_hard_negatives(rows, tiny, anchor_column_name="question")


def test_limits_hold_for_cosines_alone(rows: Rows, tiny: SentenceTransformer) -> None:
    with pytest.raises(ArgumentError, match="max_score is 5"):
        mine_hard_negatives(rows, tiny, max_score=5)
    assert mine_hard_negatives(rows, tiny, max_score=5, cross_encoder=_Opposite())["q"]


def test_other_columns_stay_out_and_unused_ones_are_told(
    rows: Rows, tiny: SentenceTransformer, caplog: pytest.LogCaptureFixture
) -> None:
    data = datasets.Dataset.from_dict({"id": [*range(36)], **rows})
    names = {"anchor_column_name": "q", "positive_column_name": "p"}
    found = mine_hard_negatives(data, tiny, use_faiss=True, num_negatives=1, **names)
    assert found.column_names == ["q", "p", "negative"]
    assert "use_faiss is not used" in caplog.text
