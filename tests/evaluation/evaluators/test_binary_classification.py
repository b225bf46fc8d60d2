from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from sentune import InputExample
from sentune.errors import ArgumentError, DataError
from sentune.evaluation import BinaryClassificationEvaluator

Any_ = Callable[..., Any]
ALL = ["cosine", "dot", "euclidean", "manhattan"]
A, B = ([f"{side}{number}" for number in range(30)] for side in "ab")


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("levels", [0, 2, 3])
@pytest.mark.parametrize("options", [{}, {"name": "dev", "similarity_fn_names": ALL}])
def test_equals_the_reference(
    reference: Any, make_table: Any_, compare: Any_, seed: int, levels: int, options: Any
) -> None:
    labels = np.random.default_rng(seed).integers(0, 2, 30).tolist()
    model = make_table(A, B, levels=levels, seed=seed, function=ALL[seed % 2])
    compare(
        BinaryClassificationEvaluator(A, B, labels, **options),
        reference.BinaryClassificationEvaluator(A, B, labels, **options),
        model,
    )


@pytest.mark.filterwarnings("ignore::UserWarning")  # of scikit-learn: no positive class
@pytest.mark.parametrize("label", [0, 1])
def test_labels_of_one_kind(reference: Any, make_table: Any_, compare: Any_, label: int) -> None:
    given = (A[:5], B[:5], [label] * 5, "x", 8, False, True, 4, ALL)
    compare(
        BinaryClassificationEvaluator(*given),
        reference.BinaryClassificationEvaluator(*given),
        make_table(A, B),
    )


def test_examples() -> None:
    labels = [0, 1] * 15
    rows = [InputExample(texts=[a, b], label=n) for a, b, n in zip(A, B, labels, strict=True)]
    found = BinaryClassificationEvaluator.from_input_examples(rows, name="dev")
    assert (found.sentences1, found.sentences2, found.labels) == (A, B, labels)


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(DataError, match="the same number of each"):
        BinaryClassificationEvaluator(A, B, [0, 1])
    with pytest.raises(DataError, match=r"the label 0\.5"):
        BinaryClassificationEvaluator(A[:2], B[:2], [0, 0.5])  # type: ignore[list-item]
    with pytest.raises(DataError, match="no pair"):
        BinaryClassificationEvaluator([], [], [])
    with pytest.raises(ArgumentError, match="similarity_fn_names is 'foo'"):
        BinaryClassificationEvaluator(A[:2], B[:2], [0, 1], similarity_fn_names=["foo"])
