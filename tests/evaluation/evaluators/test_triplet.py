from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sentune import InputExample
from sentune.encoding.similarity import SimilarityFunction
from sentune.errors import ArgumentError, DataError, ModelError
from sentune.evaluation import TripletEvaluator

Any_ = Callable[..., Any]
ALL = ["cosine", "dot", "euclidean", "manhattan"]
A, P, N = ([f"{side}{number}" for number in range(40)] for side in "apn")


@pytest.mark.parametrize("function", ["cosine", "dot"])
@pytest.mark.parametrize("levels", [0, 2])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"name": "dev", "similarity_fn_names": ALL},
        {"main_similarity_function": "manhattan", "margin": 0.2},
        {"main_similarity_function": SimilarityFunction.DOT, "similarity_fn_names": ALL[:2]},
        {"similarity_fn_names": ALL, "margin": {"cosine": 0.1, "euclidean": 0.5}},
        {"truncate_dim": 3},
    ],
)
def test_equals_the_reference(
    reference: Any, make_table: Any_, compare: Any_, function: str, levels: int, options: Any
) -> None:
    model = make_table(A, P, N, levels=levels, function=function)
    theirs = {
        key: reference.SimilarityFunction.DOT if value is SimilarityFunction.DOT else value
        for key, value in options.items()
    }
    compare(
        TripletEvaluator(A, P, N, **options), reference.TripletEvaluator(A, P, N, **theirs), model
    )


def test_arguments_by_place(reference: Any, make_table: Any_, compare: Any_) -> None:
    given = (A, P, N, "dot", 0.1, "dev", 4, False, True, 5, ["dot"])
    compare(TripletEvaluator(*given), reference.TripletEvaluator(*given), make_table(A, P, N))


def test_examples() -> None:
    examples = [InputExample(texts=list(row)) for row in zip(A, P, N, strict=True)]
    found = TripletEvaluator.from_input_examples(examples, name="dev")
    assert (found.anchors, found.positives, found.negatives) == (A, P, N)
    assert found.primary_metric == "dev_cosine_accuracy"


def test_what_cannot_be_measured_is_refused(make_table: Any_) -> None:
    with pytest.raises(DataError, match="40 anchors and 40 positives and 3 negatives"):
        TripletEvaluator(A, P, N[:3])
    with pytest.raises(ArgumentError, match="main_similarity_function is 'foo'"):
        TripletEvaluator(A, P, N, main_similarity_function="foo")
    with pytest.raises(ArgumentError, match="similarity_fn_names is 'foo'"):
        TripletEvaluator(A, P, N, similarity_fn_names=["foo"])
    for margin in ("x", {"foo": 1}, {}):
        with pytest.raises(ArgumentError, match="margin"):
            TripletEvaluator(A, P, N, margin=margin)  # type: ignore[arg-type]
    model = make_table(A, P, N)
    model.vectors["a0"] = [float("nan")] * 8
    with pytest.raises(ModelError, match="not finite"):
        TripletEvaluator(A, P, N)(model)
