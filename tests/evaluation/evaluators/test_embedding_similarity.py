from __future__ import annotations

import csv
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sentune import InputExample
from sentune.encoding.similarity import SimilarityFunction
from sentune.errors import ArgumentError, DataError, ModelError, OutputError
from sentune.evaluation.evaluators import EmbeddingSimilarityEvaluator

MakeModel = Callable[..., Any]
Any_ = Callable[..., Any]
ALL = ["cosine", "dot", "euclidean", "manhattan"]
LEFT, RIGHT = ([f"{side}{number}" for number in range(40)] for side in "ab")
SCORES = (np.arange(40) % 11 / 2).tolist()


@pytest.mark.parametrize("function", ["cosine", "dot"])
@pytest.mark.parametrize(
    "options",
    [
        {"main_similarity": "euclidean"},
        {"main_similarity": SimilarityFunction.MANHATTAN, "name": "dev"},
        {"similarity_fn_names": ALL},
        {"main_similarity": "dot", "similarity_fn_names": ALL, "name": "dev"},
        {"truncate_dim": 3},
        *({"precision": name, "similarity_fn_names": ALL, "name": "dev"}
          for name in ("float32", "int8", "uint8", "binary", "ubinary")),
    ],
)  # fmt: skip
def test_every_option_equals_the_reference(
    reference: Any, make_table: Any_, compare: Any_, function: str, options: Any
) -> None:
    model = make_table(LEFT, RIGHT, function=function)
    theirs = dict(options)
    if isinstance(options.get("main_similarity"), SimilarityFunction):
        theirs["main_similarity"] = reference.SimilarityFunction.MANHATTAN
    compare(
        EmbeddingSimilarityEvaluator(LEFT, RIGHT, SCORES, **options),
        reference.EmbeddingSimilarityEvaluator(LEFT, RIGHT, SCORES, **theirs),
        model,
        near=1e-5,
    )


def test_arguments_by_place(reference: Any, make_table: Any_, compare: Any_) -> None:
    given = (LEFT, RIGHT, SCORES, 8, "dot", ["dot", "cosine"], "dev", False, True, "int8", 4)
    compare(
        EmbeddingSimilarityEvaluator(*given),
        reference.EmbeddingSimilarityEvaluator(*given),
        make_table(LEFT, RIGHT),
    )


def test_examples_and_unknown_options() -> None:
    rows = [
        InputExample(texts=[a, b], label=n) for a, b, n in zip(LEFT, RIGHT, SCORES, strict=True)
    ]
    found = EmbeddingSimilarityEvaluator.from_input_examples(rows, name="dev")
    assert (found.sentences1, found.sentences2, found.scores.tolist()) == (LEFT, RIGHT, SCORES)
    for wrong in ({"main_similarity": "x"}, {"similarity_fn_names": ["x"]}, {"precision": "x"}):
        with pytest.raises(ArgumentError, match="'x'"):
            EmbeddingSimilarityEvaluator(LEFT, RIGHT, SCORES, **wrong)


def test_a_folder_that_cannot_be_made_is_an_output_error(
    make_model: MakeModel, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    evaluator = EmbeddingSimilarityEvaluator(["a", "b"], ["b", "b"], [0, 1])
    with pytest.raises(OutputError, match="output_path"):
        evaluator(make_model({"a": [1, 0], "b": [0, 1]}), tmp_path / "file" / "folder")


def test_a_diverged_model_is_named(make_model: MakeModel) -> None:
    model = make_model({"one": [1, 0], "P": [np.nan, 0]})
    with pytest.raises(ModelError, match="similarities are not finite"):
        EmbeddingSimilarityEvaluator(["one", "one"], ["P", "one"], [0, 1])(model)


@pytest.mark.parametrize("function", ["cosine", "dot"])
@pytest.mark.parametrize("levels", [2, 3, 50])
def test_similarity_equals_the_reference(
    reference: Any, make_model: MakeModel, tmp_path: Path, function: str, levels: int
) -> None:
    rng = np.random.default_rng(levels)
    left = [f"left {number}" for number in range(60)]
    right = [f"right {number}" for number in range(60)]
    vectors = {text: (rng.integers(0, levels, 3) + 1).tolist() for text in (*left, *right)}
    scores = (rng.integers(0, 11, 60) / 2).tolist()
    model = make_model(vectors, function)
    expected = reference.EmbeddingSimilarityEvaluator(left, right, scores, name="sts")
    ours = EmbeddingSimilarityEvaluator(left, right, scores, name="sts")
    theirs = expected(model, str(tmp_path))
    measured = ours(model, tmp_path)
    assert measured.keys() == theirs.keys()
    assert measured == pytest.approx({k: float(v) for k, v in theirs.items()}, abs=1e-6)
    assert ours.primary_metric == expected.primary_metric == f"sts_spearman_{function}"
    path = tmp_path / "similarity_evaluation_sts_results.csv"
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))
    # Both have written into the same file: one header, and two rows that fit under it.
    assert rows[0] == ["epoch", "steps", f"{function}_pearson", f"{function}_spearman"]
    assert [float(cell) for cell in rows[1]] == pytest.approx(
        [float(cell) for cell in rows[2]], abs=1e-6
    )


def test_a_collapsed_model_has_no_correlation(make_model: MakeModel) -> None:
    evaluator = EmbeddingSimilarityEvaluator(["a", "b"], ["b", "a"], [1.0, 2.0])
    measured = evaluator(make_model({"a": [1, 1], "b": [1, 1]}))
    assert list(measured) == ["pearson_cosine", "spearman_cosine"]
    assert all(math.isnan(value) for value in measured.values())


@pytest.mark.parametrize(
    ("left", "right", "scores", "problem"),
    [
        (["a"], ["b", "c"], [1.0], "the same number of each"),
        (["a", "b"], ["b", "c"], [1.0], "the same number of each"),
        (["a", "b"], ["b", "c"], [1.0, 1.0], "two different numbers"),
        (["a", "b"], ["b", "c"], [1.0, math.nan], "two different numbers"),
        ([], [], [], "two different numbers"),
    ],
)
def test_unusable_pairs_are_refused(
    left: list[str], right: list[str], scores: list[float], problem: str
) -> None:
    with pytest.raises(DataError, match=problem):
        EmbeddingSimilarityEvaluator(left, right, scores)
