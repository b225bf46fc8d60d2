from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from sentune import SentenceTransformer
from sentune.data import ScoredPairs
from sentune.errors import DataError
from sentune.evaluation.similarity_report import evaluate_similarity, similarity_table


@pytest.fixture(scope="module")
def pairs(real_texts: list[str]) -> ScoredPairs:
    """Real texts beside a part of themselves and a part of another: the share is the score."""
    texts = [" ".join(text.split()[:24]) for text in real_texts if len(text.split()) > 23][:42]
    shares = [place % 6 / 5 for place in range(len(texts))]
    second = []
    for place, (text, share) in enumerate(zip(texts, shares, strict=True)):
        own, other = text.split(), texts[place - 1].split()
        second.append(" ".join(own[: round(share * 10)] + other[round(share * 10) : 10]))
    return ScoredPairs(tuple(texts), tuple(second), tuple(shares))


def alike(model: Any, pairs: ScoredPairs) -> Any:
    left, right = model.encode(list(pairs.first)), model.encode(list(pairs.second))
    return (left * right).sum(axis=1) / np.linalg.norm(left, axis=1) / np.linalg.norm(right, axis=1)


def test_figures_are_those_of_the_reference(
    model: SentenceTransformer, reference: Any, pairs: ScoredPairs
) -> None:
    from sentence_transformers.sentence_transformer import evaluation

    theirs = evaluation.EmbeddingSimilarityEvaluator(
        list(pairs.first), list(pairs.second), list(pairs.scores)
    )(reference)
    report = evaluate_similarity(pairs, model=model)
    found = report.spearman["model"]
    assert found.value == pytest.approx(theirs["spearman_cosine"], abs=1e-4)
    assert report.pearson["model"] == pytest.approx(theirs["pearson_cosine"], abs=1e-5)
    assert 0.5 < found.low < found.value < found.high < 1
    assert report.difference is None
    assert report.notes == []
    assert report.to_json()["differences"] == {}


class _Hasty:
    """A model that reads every third word."""

    similarity_fn_name = "cosine"

    def __init__(self, model: SentenceTransformer) -> None:
        self._model = model

    def encode(self, inputs: list[str], **_options: object) -> Any:
        return self._model.encode([" ".join(text.split()[::3]) for text in inputs])

    def similarity_pairwise(self, a: Any, b: Any, /) -> Any:
        return self._model.similarity_pairwise(a, b)


def test_a_base_is_compared_on_the_same_pairs(
    model: SentenceTransformer, pairs: ScoredPairs
) -> None:
    hasty = _Hasty(model)
    report = evaluate_similarity(pairs, model=model, base=hasty)
    values = [stats.spearmanr(pairs.scores, alike(m, pairs)).statistic for m in (model, hasty)]
    assert report.spearman["model"].value == pytest.approx(values[0], abs=1e-4)
    assert report.spearman["base"].value == pytest.approx(values[1], abs=1e-4)
    assert report.difference is not None
    assert report.difference.value == pytest.approx(values[0] - values[1], abs=2e-4)
    plain = report.to_json()
    assert plain["pairs"] == len(pairs)
    assert plain["differences"]["model_minus_base"]["spearman"].keys() == {"value", "low", "high"}
    back = evaluate_similarity(pairs, model=hasty, base=model)
    assert back.difference is not None
    assert back.difference.value == pytest.approx(-report.difference.value)
    assert [list(column.cells)[-1] for column in similarity_table(back).columns][:2] == [
        "model − base",
        f"{back.difference.value:+.4f}",
    ]


def test_few_pairs_are_told(tiny: SentenceTransformer, pairs: ScoredPairs) -> None:
    few = ScoredPairs(pairs.first[:4], pairs.second[:4], pairs.scores[:4])
    (note,) = evaluate_similarity(few, model=tiny).notes
    assert note.startswith("Only 4 pairs")


class _Constant:
    similarity_fn_name = "cosine"

    def encode(self, inputs: list[str], **_options: object) -> Any:
        return np.ones((len(inputs), 2), dtype=np.float32)

    def similarity_pairwise(self, a: Any, b: Any, /) -> Any:
        return np.ones(len(a))


def test_a_model_that_finds_all_equally_alike_is_refused(pairs: ScoredPairs) -> None:
    with pytest.raises(DataError, match="all equal"):
        evaluate_similarity(pairs, model=_Constant())
