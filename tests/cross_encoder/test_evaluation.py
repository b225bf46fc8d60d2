"""Evaluators beside the reference's: figures, keys, files."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentune import InputExample
from sentune.cross_encoder import evaluation
from sentune.errors import ArgumentError, DataError

PAIRS = [["a", "b"], ["c", "d"], ["e", "f"], ["g", "h"], ["i", "j"], ["k", "l"]]
HALVES: Any = [0.5] * 6
WITHIN: dict[str, Any] = {"rel": 1e-6, "abs": 1e-6}


class Fixed:
    """A model whose scores are given by the texts of a pair."""

    def __init__(self, scores: Any, labels: int = 1) -> None:
        self.scores, self.num_labels = scores, labels
        self.model_card_data: Any = None

    def predict(self, pairs: Any, **options: Any) -> Any:
        if callable(self.scores):
            return np.array([self.scores(*pair) for pair in pairs], dtype=np.float32)
        return np.asarray(self.scores, dtype=np.float32)


@pytest.fixture(scope="module")
def theirs() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", FutureWarning)
        import sentence_transformers.cross_encoder.evaluation as reference
    return reference


def both(
    theirs: Any, kind: str, model: Any, /, *args: Any, folder: Path | None = None, **options: Any
) -> dict[str, float]:
    """Compare figures, the primary metric and files; return the figures."""
    found = []
    for side, module in (("ours", evaluation), ("theirs", theirs)):
        path = None if folder is None else folder / side
        if path is not None:
            path.mkdir(exist_ok=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of old names, and of scikit-learn
            evaluator = getattr(module, kind)(*args, **options)
            metrics = evaluator(_Carded(model), None if path is None else str(path), 1, 20)
        found.append((metrics, evaluator.primary_metric))
    (ours, primary), (expected, wanted) = found
    assert list(ours) == list(expected)
    assert primary == wanted
    assert ours == pytest.approx(expected, **WITHIN, nan_ok=True)
    if folder is not None:
        files = {path.name: path.read_text() for path in (folder / "ours").iterdir()}
        assert sorted(files) == sorted(path.name for path in (folder / "theirs").iterdir())
        for name_, text in files.items():
            wanted_text = (folder / "theirs" / name_).read_text()
            assert text.splitlines()[0] == wanted_text.splitlines()[0]
            lines = zip(text.splitlines()[1:], wanted_text.splitlines()[1:], strict=True)
            for line, other in lines:
                ours_, others = ([float(cell) for cell in one.split(",")] for one in (line, other))
                assert ours_ == pytest.approx(others, **WITHIN)
    figures: dict[str, float] = ours
    return figures


class _Carded:
    """The model with the card's data that the reference's evaluators write to."""

    def __init__(self, model: Fixed) -> None:
        self.num_labels, self.predict = model.num_labels, model.predict
        self.model_card_data = self

    def set_evaluation_metrics(self, *_: Any, **__: Any) -> None:
        pass


def test_correlation(theirs: Any, tmp_path: Path) -> None:
    model = Fixed([0.1, 0.9, 0.3, 0.3, 0.2, 0.7])
    name = "CrossEncoderCorrelationEvaluator"
    both(theirs, name, model, PAIRS, [1, 5, 2, 2, 3, 4], folder=tmp_path)
    both(theirs, name, model, PAIRS, [1, 5, 2, 2, 3, 4], name="sts", folder=tmp_path)
    both(theirs, "CECorrelationEvaluator", model, PAIRS, [1, 5, 2, 2, 3, 4])


def test_classification(theirs: Any, tmp_path: Path) -> None:
    model = Fixed([0.1, 0.9, 0.35, 0.3, 0.2, 0.7])
    name = "CrossEncoderClassificationEvaluator"
    both(theirs, name, model, PAIRS, [0, 1, 0, 1, 0, 1], folder=tmp_path)
    both(theirs, name, model, PAIRS, [1, 0, 0, 1, 1, 1], name="x", folder=tmp_path)
    rows = np.random.default_rng(0).normal(size=(6, 4))
    both(theirs, name, Fixed(rows, 4), PAIRS, [2, 1, 0, 1, 2, 0], name="y", folder=tmp_path)
    examples = [InputExample(texts=pair, label=n % 2) for n, pair in enumerate(PAIRS)]
    older = evaluation.CEBinaryClassificationEvaluator.from_input_examples(examples, name="z")
    assert older(model)["z_accuracy"] == pytest.approx(5 / 6)


@given(st.data())
@settings(max_examples=25)
def test_any_scores(theirs: Any, data: Any) -> None:
    count = data.draw(st.integers(2, 12))
    numbers = st.lists(st.integers(0, 1000), min_size=count, max_size=count, unique=True)
    scores = np.array(data.draw(numbers)) / 1000
    labels = data.draw(st.lists(st.integers(0, 1), min_size=count, max_size=count))
    if len(set(labels)) == 2:
        pairs = [["a", str(number)] for number in range(count)]
        both(theirs, "CrossEncoderClassificationEvaluator", Fixed(scores), pairs, labels)


SAMPLES = [
    {"query": "q1", "positive": ["a", "bb"], "negative": ["c", "dd", "eee"]},
    {"query": "q2", "positive": ["a"], "negative": ["bbbb", "cc"]},
    {"query": "q3", "positive": [], "negative": ["c"]},
]
DOCUMENTS = [
    {"query": "q1", "positive": ["a", "bb"], "documents": ["ccc", "bb", "dd", "eeeee"]},
    {"query": "q2", "positive": ["ffff"], "documents": ["b", "c"]},
    {"query": "q3", "positive": ["gg", "h"], "documents": ["gg", "ii", "h", "jjj"]},
]


def score(query: str, text: str) -> float:
    """Different for every text, so that no order depends on ties."""
    return 0.5 + (len(text) * 7 % 5) / 10 + (ord(text[0]) - 96) / 1000


@pytest.mark.parametrize("k", [1, 3, 10])
def test_reranking(theirs: Any, k: int, tmp_path: Path) -> None:
    name, model = "CrossEncoderRerankingEvaluator", Fixed(score)
    both(theirs, name, model, SAMPLES, at_k=k, folder=tmp_path)
    both(theirs, name, model, SAMPLES, at_k=k, name="x", folder=tmp_path)
    for always in (True, False):
        options = {"at_k": k, "always_rerank_positives": always, "name": f"d{always}"}
        both(theirs, name, model, DOCUMENTS, **options, folder=tmp_path)
    both(theirs, "CERerankingEvaluator", model, {1: SAMPLES[0]}, at_k=k)


@pytest.mark.parametrize(
    ("make", "part"),
    [
        (lambda: evaluation.CrossEncoderCorrelationEvaluator(PAIRS, [1.0]), "6 pairs and 1 value"),
        (lambda: evaluation.CrossEncoderCorrelationEvaluator(PAIRS, [1.0] * 6), "scores"),
        (lambda: evaluation.CrossEncoderClassificationEvaluator(PAIRS, HALVES), "whole numbers"),
        (lambda: evaluation.CrossEncoderClassificationEvaluator(PAIRS, [-1] * 6), "whole numbers"),
        (lambda: evaluation.CrossEncoderClassificationEvaluator([], []), "0 pairs"),
        (lambda: evaluation.CrossEncoderRerankingEvaluator([]), "no sample"),
        (
            lambda: evaluation.CrossEncoderRerankingEvaluator([{"query": "a", "positive": ["b"]}]),
            "sample 0 with query, positive",
        ),
    ],
)
def test_refusals(make: Callable[[], Any], part: str) -> None:
    with pytest.raises(DataError, match=part):
        make()
    with pytest.raises(ArgumentError):
        evaluation.CrossEncoderRerankingEvaluator(SAMPLES, at_k=0)


def test_labels_that_a_model_cannot_give() -> None:
    evaluator = evaluation.CrossEncoderClassificationEvaluator(PAIRS, [0, 1, 2, 0, 1, 2])
    with pytest.raises(DataError, match="the label 2"):
        evaluator(Fixed(np.arange(6.0)))
